/**
 * Runs dnsperf, a load generator for name servers, and reads what it prints. It tells no
 * percentiles, only an average, which is not shown in their place.
 */
import type { Workbench } from "./contender.ts";
import type { TripCase } from "./goal.ts";
import type { Load } from "./load.ts";

/** As many as make the names differ; the answers are the same anyhow. */
const NAMES = 1000;
/** Seconds after which a query is lost; the option takes whole ones. */
const LOST_SECONDS = 1;

/** @throws Error when the text lacks a figure: then nothing in it is to be trusted. */
export function parseDnsperf(output: string): Load {
  const find = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? NaN);
  const completed = find(/^ *Queries completed: +(\d+)/m);
  const lost = find(/^ *Queries lost: +(\d+)/m);
  const seconds = find(/^ *Run time \(s\): +([\d.]+)/m);
  const fine = find(/^ *Response codes:.*\bNOERROR (\d+)/m);
  if (![completed, lost, seconds, fine].every(Number.isFinite) || fine === 0) {
    throw new Error(`cannot read what dnsperf printed:\n${output}`);
  }
  const errors = lost + completed - fine;
  return { count: fine, seconds, p50Micros: NaN, p99Micros: NaN, errors };
}

export async function runDnsperf(
  bench: Workbench,
  { clients }: TripCase,
  port: number,
  seconds: number,
): Promise<Load> {
  const file = `${bench.folder}/queries`;
  const queries = Array.from({ length: NAMES }, (_, index) => `host${index}.ringway.test A\n`);
  await Deno.writeTextFile(file, queries.join(""));
  const child = bench.children.start(`dnsperf on port ${port}`, bench.loadCore, [
    ...["dnsperf", "-s", "127.0.0.1", "-p", String(port), "-d", file, "-l", String(seconds)],
    // One query of each client at a time, on the average.
    ...["-c", String(clients), "-q", String(clients), "-T", "1", "-t", String(LOST_SECONDS)],
  ]);
  const { success } = await child.ended;
  if (!success) throw new Error(`dnsperf failed: ${child.output()}`);
  return parseDnsperf(child.output());
}
