/**
 * Everything a run has found, in one value: what the JSON file holds and what table, page and chart
 * are made from. They add nothing of their own, so a published figure can be traced to its samples.
 */
import { findDoubts } from "./doubt.ts";
import type { Machine } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import type { BenchOptions } from "./options.ts";
import { type LoadSummary, type MemorySummary, summarizeLoad, summarizeMemory } from "./summary.ts";
import { judge, type Verdict } from "./verdict.ts";

/** What a run was, and what it measured. */
export interface Measured extends Measurement {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly machine: Machine;
  readonly options: Pick<BenchOptions, "rounds" | "seconds" | "cases">;
}

export interface Report extends Omit<Measured, "load" | "memory"> {
  readonly load: readonly LoadSummary[];
  readonly memory: readonly MemorySummary[];
  readonly verdicts: readonly Verdict[];
  readonly doubts: readonly string[];
}

export function makeReport(measured: Measured): Report {
  const { garbage, machine, options } = measured;
  const load = measured.load.map(summarizeLoad);
  const memory = measured.memory.map(summarizeMemory);
  return {
    ...measured,
    load,
    memory,
    verdicts: judge(load, memory, garbage),
    doubts: findDoubts(options, machine.cores, load, memory, garbage),
  };
}
