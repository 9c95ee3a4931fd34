/**
 * Made-up results of the bench for the tests of what is made of them: round figures, so that an
 * expected median or ratio can be checked by eye.
 */
import type { ContenderName } from "./contender.ts";
import type { GarbageResult } from "./garbage.ts";
import * as goal from "./goal.ts";
import type { LoadResult, Sample } from "./load_case.ts";
import type { Machine } from "./machine.ts";
import type { MemoryResult } from "./memory_case.ts";
import { makeReport, type Report } from "./report.ts";

export function testSample(cpuMicros: number, more: Partial<Sample> = {}): Sample {
  return {
    count: 60_000,
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
    entersEach: null,
    foreignShare: 0,
    stolenShare: 0,
    ...more,
  };
}

export const TEST_CASES: readonly goal.LoadCase[] = [
  ...goal.HTTP_CASES,
  ...goal.TRIP_CASES,
  goal.STREAM_CASE,
  goal.DNS_CASE,
];

/** @param cpuMicros by contender, one figure per round. */
export function testLoad(
  name: goal.LoadName,
  cpuMicros: Readonly<Partial<Record<ContenderName, readonly number[]>>>,
  more: Partial<Sample> = {},
): LoadResult {
  const test = TEST_CASES.find((each) => each.name === name)!;
  const contenders = (Object.keys(cpuMicros) as ContenderName[]).map((name) => ({
    name,
    tuning: "defaults",
    tried: [{ tuning: "defaults", cpuMicros: cpuMicros[name]![0] }],
    samples: cpuMicros[name]!.map((micros) => testSample(micros, more)),
  }));
  const alone = test.transport === "udp"
    ? testSample(0, { count: 2 * (more.count ?? 60_000) })
    : null;
  return { test, alone, contenders };
}

export function testMemory(
  test: goal.MemoryCase,
  bytes: Readonly<Partial<Record<ContenderName, number>>>,
): MemoryResult {
  return {
    test,
    contenders: (Object.keys(bytes) as ContenderName[]).map((name) => ({
      name,
      tuning: "defaults",
      samples: [{
        bytesEach: bytes[name]!,
        firstBytes: 0,
        fullBytes: test.count * bytes[name]!,
        memoryBytes: 60 * 2 ** 20,
        lost: 0,
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
  versions: {
    ringway: "1.0.0",
    deno: "2.0.0",
    programs: { nginx: "1.2.3", HAProxy: "2.6.1", wrk: "4.1.0" },
  },
};

/** A whole report in which every goal is met. */
export function testReport(): Report {
  const udp = { ringway: [10], nginx: [20] };
  const tcp = { ...udp, haproxy: [30] };
  const dns = { ...udp, dnsdist: [15] };
  const health = { ringway: [10.2], bare: [10] };
  const engines = { ringway: [10], epoll: [13] };
  return makeReport({
    startedAt: "2026-01-02T03:04:05.000Z",
    durationSeconds: 300,
    machine: TEST_MACHINE,
    options: { rounds: 7, seconds: 3, cases: goal.CASE_NAMES },
    load: TEST_CASES.map(({ name, transport, rate }) => {
      const micros = name === "health"
        ? health
        : name === "engines" || name === "udp-engines"
        ? engines
        : name === "udp-dns"
        ? dns
        : transport === "udp"
        ? udp
        : tcp;
      // Two seconds, as in every sample here.
      return testLoad(name, micros, rate === null ? {} : { count: 2 * rate });
    }),
    memory: [
      testMemory(goal.IDLE_CASE, { ringway: 128, nginx: 9000, haproxy: 2000 }),
      testMemory(goal.FLOWS_CASE, { ringway: 100, nginx: 8000 }),
    ],
    garbage: testGarbage(2e6, 0),
  });
}
