/**
 * What the samples of a case come to: medians with their range per proxy, and Ringway's ratio to
 * the better peer. The samples stay part of it, so that the JSON file lets anyone calculate anew.
 */
import type { ContenderName } from "./contender.ts";
import type { LoadCase, MemoryCase } from "./goal.ts";
import type { Load } from "./load.ts";
import type { ContenderSamples, LoadResult, Sample } from "./load_case.ts";
import type { MemoryResult, MemorySample } from "./memory_case.ts";
import { compareWithPeers, type PeerRatio, type Spread, spreadOf } from "./statistic.ts";

export interface LoadFigures extends ContenderSamples {
  readonly perSecond: Spread;
  readonly p50Micros: Spread;
  readonly p99Micros: Spread;
  readonly cpuMicros: Spread;
  readonly memoryBytes: Spread;
  /** Part of its core that the proxy used; much below 1, the load's side was the limit. */
  readonly coreShare: Spread;
  /** User space's part of the worker's CPU time, over all rounds; NaN if there was none. */
  readonly userShare: number;
  /** Over all rounds. */
  readonly errors: number;
}

export interface LoadSummary extends LoadCase {
  /** Without a proxy; null where that was not measured. */
  readonly alone: Load | null;
  readonly contenders: readonly LoadFigures[];
  /** Of the CPU time per work. */
  readonly comparison: PeerRatio<ContenderName>;
  /** Of the latency at the 99th percentile. */
  readonly latencyComparison: PeerRatio<ContenderName>;
}

export interface MemoryFigures {
  readonly name: ContenderName;
  readonly tuning: string;
  readonly samples: readonly MemorySample[];
  readonly bytesEach: Spread;
  readonly memoryBytes: Spread;
  /** Over all rounds: connections or flows that were to be held and are not. */
  readonly lost: number;
}

export interface MemorySummary extends MemoryCase {
  readonly contenders: readonly MemoryFigures[];
  /** Of the bytes for each. */
  readonly comparison: PeerRatio<ContenderName>;
}

/** The contender whose figures have to reach the goals; the others are its peers. */
const OWN: ContenderName = "ringway";

/** @param figure of a sample; smaller is better. */
function compare<S>(
  contenders: readonly { readonly name: ContenderName; readonly samples: readonly S[] }[],
  figure: (sample: S) => number,
): PeerRatio<ContenderName> {
  const { [OWN]: own, ...peers } = Object.fromEntries(
    contenders.map(({ name, samples }) => [name, samples.map(figure)]),
  ) as Record<ContenderName, number[]>;
  return compareWithPeers(own, peers);
}

function summarizeSamples(contender: ContenderSamples, { work }: LoadCase): LoadFigures {
  const { samples } = contender;
  const spread = (figure: (sample: Sample) => number) => spreadOf(samples.map(figure));
  const sum = (figure: (sample: Sample) => number) =>
    samples.reduce((total, sample) => total + figure(sample), 0);
  const userTicks = sum((sample) => sample.userTicks);
  return {
    ...contender,
    perSecond: spread((sample) => sample.count / sample.seconds),
    p50Micros: spread((sample) => sample.p50Micros),
    p99Micros: spread((sample) => sample.p99Micros),
    cpuMicros: spread((sample) => sample.cpuMicros),
    memoryBytes: spread((sample) => sample.memoryBytes),
    coreShare: spread(({ cpuMicros, count, seconds }) =>
      cpuMicros * count / work.per / seconds / 1e6
    ),
    userShare: userTicks / (userTicks + sum((sample) => sample.systemTicks)),
    errors: sum((sample) => sample.errors),
  };
}

export function summarizeLoad({ test, alone, contenders }: LoadResult): LoadSummary {
  return {
    ...test,
    alone,
    contenders: contenders.map((each) => summarizeSamples(each, test)),
    comparison: compare(contenders, (sample) => sample.cpuMicros),
    latencyComparison: compare(contenders, (sample) => sample.p99Micros),
  };
}

export function summarizeMemory({ test, contenders }: MemoryResult): MemorySummary {
  return {
    ...test,
    contenders: contenders.map((contender) => ({
      ...contender,
      bytesEach: spreadOf(contender.samples.map((each) => each.bytesEach)),
      memoryBytes: spreadOf(contender.samples.map((each) => each.memoryBytes)),
      lost: contender.samples.reduce((sum, each) => sum + each.lost, 0),
    })),
    comparison: compare(contenders, (sample) => sample.bytesEach),
  };
}
