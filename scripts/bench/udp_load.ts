/**
 * Runs the load generator of the UDP cases, which is also the origin behind the proxies, and reads
 * what it prints. What it does, and how, stands in udp_load/udp_load.c.
 */
import type { Child } from "./children.ts";
import type { Workbench } from "./contender.ts";
import type { STREAM_CASE, TripCase } from "./goal.ts";
import type { Load } from "./load.ts";

/** @throws Error when a figure is missing: then nothing of it is to be trusted. */
function readFigures<Name extends string>(
  output: string,
  names: readonly Name[],
): Record<Name, number> {
  let found: Record<string, unknown> = {};
  try {
    found = JSON.parse(output);
  } catch {
    // Told below, with what was printed instead.
  }
  if (names.some((name) => !Number.isFinite(found[name]))) {
    throw new Error(`cannot read what udp_load printed:\n${output}`);
  }
  return found as Record<Name, number>;
}

/** Answers that came to another client than the one who asked count as lost, and worse. */
export function parseTrips(output: string): Load {
  const names = ["trips", "seconds", "p50Micros", "p99Micros", "lost", "foreign"] as const;
  const { trips, lost, foreign, ...rest } = readFigures(output, names);
  if (trips === 0) throw new Error(`no datagram was answered:\n${output}`);
  const { seconds, p50Micros, p99Micros } = rest;
  return { count: trips, seconds, p50Micros, p99Micros, errors: lost + foreign };
}

export function parseStream(output: string): Load {
  const { sent, arrived, seconds } = readFigures(output, ["sent", "arrived", "seconds"]);
  if (arrived === 0) throw new Error(`no datagram has arrived:\n${output}`);
  return { count: arrived, seconds, p50Micros: NaN, p99Micros: NaN, errors: sent - arrived };
}

export function parseFlows(output: string): { answered: number; lost: number } {
  const { answered, lost } = readFigures(output, ["answered", "lost"]);
  if (answered === 0) throw new Error(`no flow has got an answer:\n${output}`);
  return { answered, lost };
}

async function load(
  bench: Workbench,
  program: string,
  mode: string,
  port: number,
  ...numbers: readonly number[]
): Promise<string> {
  const words = [port, ...numbers].map(String);
  const name = `udp_load on port ${port}`;
  const child = bench.children.start(name, bench.loadCore, [program, mode, ...words]);
  const { success } = await child.ended;
  if (!success) throw new Error(`udp_load failed: ${child.output()}`);
  return child.output();
}

export async function runTrips(
  bench: Workbench,
  program: string,
  { clients, bytes }: Pick<TripCase, "clients" | "bytes">,
  port: number,
  seconds: number,
): Promise<Load> {
  return parseTrips(await load(bench, program, "loop", port, clients, bytes, seconds));
}

/** @param sink the port of the echo, which counts what arrives. */
export async function runStream(
  bench: Workbench,
  program: string,
  { rate, bytes }: Pick<typeof STREAM_CASE, "bytes"> & { readonly rate: number },
  ports: { readonly proxy: number; readonly sink: number },
  seconds: number,
): Promise<Load> {
  const { proxy, sink } = ports;
  return parseStream(await load(bench, program, "stream", proxy, sink, bytes, rate, seconds));
}

export async function openFlows(
  bench: Workbench,
  program: string,
  port: number,
  count: number,
): Promise<{ answered: number; lost: number }> {
  return parseFlows(await load(bench, program, "flows", port, count));
}

export interface UdpOrigin {
  readonly port: number;
  readonly child: Child;
}

export async function startUdpOrigin(
  bench: Workbench,
  program: string,
  mode: "echo" | "dns",
): Promise<UdpOrigin> {
  const command = [program, mode, "1"];
  const child = bench.children.start(`the ${mode} origin`, bench.loadCore, command);
  const [, port] = await child.saying(/^ports (\d+)$/m);
  return { port: Number(port), child };
}
