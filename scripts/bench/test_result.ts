/**
 * Made-up results of the bench for the tests of what is made of them: round figures, so that an
 * expected median or ratio can be checked by eye.
 */
import type { ContenderName } from "./contender.ts";
import type { GarbageResult } from "./garbage.ts";
import { CASE_NAMES, LOAD_CASES, type LoadCase } from "./goal.ts";
import type { IdleResult } from "./idle_case.ts";
import type { LoadResult, Sample } from "./load_case.ts";
import type { Machine } from "./machine.ts";
import { makeReport, type Report } from "./report.ts";

export function testSample(cpuMicros: number, more: Partial<Sample> = {}): Sample {
  return {
    requests: 60_000,
    seconds: 2,
    p50Micros: 1500,
    p99Micros: 4000,
    errors: 0,
    processMicros: cpuMicros,
    softirqMicros: 0,
    cpuMicros,
    userTicks: 5,
    systemTicks: 95,
    memoryBytes: 50 * 2 ** 20,
    entersPerRequest: null,
    foreignShare: 0,
    stolenShare: 0,
    ...more,
  };
}

/** @param cpuMicros by contender, one figure per round. */
export function testLoad(
  name: LoadCase["name"],
  cpuMicros: Readonly<Record<ContenderName, readonly number[]>>,
  more: Partial<Sample> = {},
): LoadResult {
  const test = LOAD_CASES.find((each) => each.name === name)!;
  const contenders = (Object.keys(cpuMicros) as ContenderName[]).map((name) => ({
    name,
    tuning: "defaults",
    tried: [{ tuning: "defaults", cpuMicros: cpuMicros[name][0] }],
    samples: cpuMicros[name].map((micros) => testSample(micros, more)),
  }));
  return { test, contenders };
}

export function testIdle(bytes: Readonly<Record<ContenderName, number>>): IdleResult {
  return {
    contenders: (Object.keys(bytes) as ContenderName[]).map((name) => ({
      name,
      tuning: "defaults",
      samples: [{
        bytesPerConnection: bytes[name],
        firstBytes: 0,
        fullBytes: 8000 * bytes[name],
        memoryBytes: 60 * 2 ** 20,
      }],
    })),
  };
}

export function testGarbage(chunks: number, collections: number): GarbageResult {
  const perMillionChunks = collections / (chunks / 1e6);
  const told = Array.from({ length: collections }, () => "9 ms: Scavenge 5.0 -> 3.2 MB");
  const requests = chunks / 2;
  return { requests, chunks, collections, told, collectionsBefore: 2, perMillionChunks };
}

export const TEST_MACHINE: Machine = {
  system: "Debian 12",
  kernel: "6.12.0",
  cpuModel: "A & B <8>",
  cores: { allowed: 2, proxy: 1, load: 0, siblings: false },
  memoryBytes: 2 ** 33,
  loadAverage: 0.1,
  versions: { ringway: "1.0.0", deno: "2.0.0", nginx: "1.2.3", haproxy: "2.6.1", wrk: "4.1.0" },
};

/** A whole report in which every goal is met. */
export function testReport(): Report {
  const micros = { ringway: [10], nginx: [20], haproxy: [30] };
  return makeReport({
    startedAt: "2026-01-02T03:04:05.000Z",
    durationSeconds: 300,
    machine: TEST_MACHINE,
    options: { rounds: 7, seconds: 3, cases: CASE_NAMES },
    load: LOAD_CASES.map(({ name }) => testLoad(name, micros)),
    idle: testIdle({ ringway: 128, nginx: 9000, haproxy: 2000 }),
    garbage: testGarbage(2e6, 0),
  });
}
