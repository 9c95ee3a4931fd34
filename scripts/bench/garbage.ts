/**
 * How much garbage Ringway's worker makes while it relays: collections of V8, counted in a run of
 * their own under --trace-gc, because telling costs time that must not be in the other figures.
 */
import { startProxy, type Workbench } from "./contender.ts";
import type { HttpCase } from "./goal.ts";
import { readStat, TICKS_PER_SECOND } from "./process_usage.ts";
import { ringwayTuning } from "./ringway.ts";
import { runWrk } from "./wrk.ts";

export interface GarbageResult {
  readonly requests: number;
  /** A small request and its small answer: two. */
  readonly chunks: number;
  readonly collections: number;
  /** What V8 told of each, the reason too. */
  readonly told: readonly string[];
  /** Before that, while it started and warmed up: shows that V8 tells at all. */
  readonly collectionsBefore: number;
  readonly perMillionChunks: number;
}

const CHUNKS_PER_REQUEST = 2;
const FLAGS = "--trace-gc";
const WARM_UP_SECONDS = 2;

/**
 * Finds the collections that V8 told of between two times.
 * @param output lines such as "[71:0x5ab]   123 ms: Scavenge 4.0 (6.1) -> 3.2 (6.3) MB, ...".
 * @param fromMs since the start of the process, as in the lines.
 */
export function findCollections(output: string, fromMs: number, toMs: number): string[] {
  const pattern = /\[\d+:0x[0-9a-f]+(?::\d+)?\] +((\d+) ms: (?:Scav|Mark|Minor).*)/g;
  return Array.from(output.matchAll(pattern))
    .filter(([, , ms]) => Number(ms) >= fromMs && Number(ms) <= toMs)
    .map(([, told]) => told.trim());
}

function uptimeSeconds(): number {
  return parseFloat(Deno.readTextFileSync("/proc/uptime"));
}

/** @throws Error when the flags did not reach the worker: then nothing counted means nothing. */
function checkFlags(pid: number): void {
  const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  if (!words.includes(FLAGS)) throw new Error(`the worker was not started with ${FLAGS}`);
}

/** @param seconds of load; some ten of them relay a million chunks. */
export async function countGarbage(
  bench: Workbench,
  test: HttpCase,
  seconds: number,
  origin: number,
): Promise<GarbageResult> {
  const tuning = ringwayTuning(bench.folder, test.name, FLAGS);
  const proxy = await startProxy(bench, "ringway", tuning, origin);
  checkFlags(proxy.workerPid);
  const startSeconds = (readStat(proxy.workerPid)?.startTicks ?? 0) / TICKS_PER_SECOND;
  const ageMs = () => (uptimeSeconds() - startSeconds) * 1000;
  const load = (seconds: number) =>
    runWrk(bench.children, test, bench.loadCore, proxy.port, seconds);
  // Compiling while it warms up makes garbage that does not come again.
  await load(WARM_UP_SECONDS);
  const fromMs = ageMs();
  const { count: requests } = await load(seconds);
  const toMs = ageMs();
  // V8 buffers what it tells until its process ends.
  await bench.children.end(proxy.child);
  const output = proxy.child.output();
  const told = findCollections(output, fromMs, toMs);
  const chunks = requests * CHUNKS_PER_REQUEST;
  return {
    requests,
    chunks,
    collections: told.length,
    told,
    collectionsBefore: findCollections(output, 0, fromMs).length,
    perMillionChunks: told.length / (chunks / 1e6),
  };
}
