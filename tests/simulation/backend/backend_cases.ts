/**
 * The cases of the simulated backend by name. Each is a function of a seed that gives figures in
 * words, and throws when a promise is broken.
 */
import { runHours } from "./hours_case.ts";
import {
  runBound,
  runEven,
  runKeys,
  runLatency,
  runPanic,
  runPriority,
  runRebalance,
  runSlowStart,
  runWeights,
} from "./small_cases.ts";
import { runBreaker, runStorm } from "./storm_case.ts";

export const CASES = {
  "hours": runHours,
  "storm": runStorm,
  "breaker": runBreaker,
  "slow start": runSlowStart,
  "panic": runPanic,
  "weights": runWeights,
  "priority": runPriority,
  "rebalance": runRebalance,
  "keys": runKeys,
  "bounded load": runBound,
  "latency": runLatency,
  "evenness": runEven,
} as const;
export type CaseName = keyof typeof CASES;

export function isCaseName(name: string): name is CaseName {
  return Object.hasOwn(CASES, name);
}

/** @throws Error that names the case, the seed, and the promise that was broken. */
export function runCase(name: CaseName, seed: number): string[] {
  try {
    return CASES[name](seed).map((line, i) =>
      i === 0 ? `${name}, seed ${seed}: ${line}` : `  ${line}`
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    throw new Error(`seed ${seed}, case ${name}: ${reason}`, { cause });
  }
}
