/**
 * What the samples of a case come to: medians with their range per proxy, and Ringway's ratio to
 * the better peer. The samples stay part of it, so that the JSON file lets anyone calculate anew.
 */
import type { ContenderName } from "./contender.ts";
import type { IdleResult, IdleSample } from "./idle_case.ts";
import type { ContenderSamples, LoadResult, Sample } from "./load_case.ts";
import { compareWithPeers, type PeerRatio, type Spread, spreadOf } from "./statistic.ts";

export interface LoadFigures extends ContenderSamples {
  readonly requestsPerSecond: Spread;
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

export interface LoadSummary {
  readonly name: LoadResult["test"]["name"];
  readonly title: string;
  readonly contenders: readonly LoadFigures[];
  /** Of the CPU time per request. */
  readonly comparison: PeerRatio<ContenderName>;
}

export interface IdleFigures {
  readonly name: ContenderName;
  readonly tuning: string;
  readonly samples: readonly IdleSample[];
  readonly bytesPerConnection: Spread;
  readonly memoryBytes: Spread;
}

export interface IdleSummary {
  readonly contenders: readonly IdleFigures[];
  /** Of the bytes per connection. */
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

function summarizeSamples(contender: ContenderSamples): LoadFigures {
  const { samples } = contender;
  const spread = (figure: (sample: Sample) => number) => spreadOf(samples.map(figure));
  const sum = (figure: (sample: Sample) => number) =>
    samples.reduce((total, sample) => total + figure(sample), 0);
  const userTicks = sum((sample) => sample.userTicks);
  return {
    ...contender,
    requestsPerSecond: spread((sample) => sample.requests / sample.seconds),
    p50Micros: spread((sample) => sample.p50Micros),
    p99Micros: spread((sample) => sample.p99Micros),
    cpuMicros: spread((sample) => sample.cpuMicros),
    memoryBytes: spread((sample) => sample.memoryBytes),
    coreShare: spread((sample) => sample.cpuMicros * sample.requests / sample.seconds / 1e6),
    userShare: userTicks / (userTicks + sum((sample) => sample.systemTicks)),
    errors: sum((sample) => sample.errors),
  };
}

export function summarizeLoad({ test, contenders }: LoadResult): LoadSummary {
  return {
    name: test.name,
    title: test.title,
    contenders: contenders.map(summarizeSamples),
    comparison: compare(contenders, (sample) => sample.cpuMicros),
  };
}

export function summarizeIdle({ contenders }: IdleResult): IdleSummary {
  return {
    contenders: contenders.map((contender) => ({
      ...contender,
      bytesPerConnection: spreadOf(contender.samples.map((each) => each.bytesPerConnection)),
      memoryBytes: spreadOf(contender.samples.map((each) => each.memoryBytes)),
    })),
    comparison: compare(contenders, (sample) => sample.bytesPerConnection),
  };
}
