/**
 * Runs the load generator and reads what it prints. One thread is enough: it shares a core with the
 * origin, and the proxy's core is the one that is to be busy.
 */
import type { Children } from "./children.ts";
import type { HttpCase } from "./goal.ts";
import type { Load } from "./load.ts";

const MICROS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 };

/** @returns microseconds of a time such as "1.41ms"; NaN when it is none. */
function parseMicros(text: string): number {
  const [, amount, unit] = /^([\d.]+)(us|ms|s|m|h)$/.exec(text) ?? [];
  return Number(amount) * (MICROS[unit] ?? NaN);
}

/**
 * Errors are connections that failed and answers that were not 2xx or 3xx.
 * @throws Error when the text lacks a figure: then nothing in it is to be trusted.
 */
export function parseWrk(output: string): Load {
  const find = (pattern: RegExp) => pattern.exec(output)?.slice(1) ?? [];
  const [requests, time] = find(/^ *(\d+) requests in ([\d.]+\w+),/m);
  const [p50] = find(/^ *50% +(\S+)$/m);
  const [p99] = find(/^ *99% +(\S+)$/m);
  const failures = find(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/);
  const [refused] = find(/Non-2xx or 3xx responses: (\d+)/);
  const load = {
    count: Number(requests),
    seconds: parseMicros(time ?? "") / 1e6,
    p50Micros: parseMicros(p50 ?? ""),
    p99Micros: parseMicros(p99 ?? ""),
    errors: [...failures, refused ?? 0].reduce<number>((sum, count) => sum + Number(count), 0),
  };
  if (Object.values(load).some((figure) => Number.isNaN(figure)) || load.count === 0) {
    throw new Error(`cannot read what wrk printed:\n${output}`);
  }
  return load;
}

/** @param core the CPU of the load generator. */
export async function runWrk(
  children: Children,
  load: HttpCase,
  core: number,
  port: number,
  seconds: number,
): Promise<Load> {
  const headers = load.headers.flatMap((header) => ["-H", header]);
  const url = `http://127.0.0.1:${port}${load.path}`;
  const connections = String(load.connections);
  const child = children.start(`wrk on port ${port}`, core, [
    ...["wrk", "-t", "1", "-c", connections, "-d", `${seconds}s`, "--latency", ...headers, url],
  ]);
  const { success } = await child.ended;
  if (!success) throw new Error(`wrk failed: ${child.output()}`);
  return parseWrk(child.output());
}
