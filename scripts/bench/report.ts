/**
 * Everything a run has found, in one value: what the JSON file holds and what table, page and chart
 * are made from. They add nothing of their own, so a published figure can be traced to its samples.
 */
import { findDoubts } from "./doubt.ts";
import type { GarbageResult } from "./garbage.ts";
import type { IdleResult } from "./idle_case.ts";
import type { LoadResult } from "./load_case.ts";
import type { Machine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import { type IdleSummary, type LoadSummary, summarizeIdle, summarizeLoad } from "./summary.ts";
import { judge, type Verdict } from "./verdict.ts";

/** What a run was, and what it measured. */
export interface Measured {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly machine: Machine;
  readonly options: Pick<BenchOptions, "rounds" | "seconds" | "cases">;
  readonly load: readonly LoadResult[];
  readonly idle: IdleResult | null;
  readonly garbage: GarbageResult | null;
}

export interface Report extends Omit<Measured, "load" | "idle"> {
  readonly load: readonly LoadSummary[];
  readonly idle: IdleSummary | null;
  readonly verdicts: readonly Verdict[];
  readonly doubts: readonly string[];
}

export function makeReport(measured: Measured): Report {
  const { garbage, machine, options } = measured;
  const load = measured.load.map(summarizeLoad);
  const idle = measured.idle === null ? null : summarizeIdle(measured.idle);
  return {
    ...measured,
    load,
    idle,
    verdicts: judge(load, idle, garbage),
    doubts: findDoubts(options, machine.cores, load, garbage),
  };
}
