/**
 * Whether the goals are met: each goal of the cases that were run, with what was found. A case that
 * was not run has no verdict, and a figure that is missing has not met anything.
 */
import { type ContenderName, TITLES } from "./contender.ts";
import { formatBytes, formatCount, formatRange, formatRatio, formatShare } from "./figure.ts";
import type { GarbageResult } from "./garbage.ts";
import * as goal from "./goal.ts";
import type { PeerRatio } from "./statistic.ts";
import type { LoadSummary, MemorySummary } from "./summary.ts";

export interface Verdict {
  readonly goal: string;
  readonly target: string;
  readonly found: string;
  readonly met: boolean;
}

/** "0.874 of nginx (0.861-0.889)". */
export function describeRatio({ peer, ratio }: PeerRatio<ContenderName>): string {
  return `${formatRatio(ratio.median)} of ${TITLES[peer]} ` +
    `(${formatRange(ratio, formatRatio)})`;
}

function judgeRatio({ name, work, comparison }: LoadSummary): Verdict[] {
  const max = goal.RATIO_MAX[name];
  if (max === null) return [];
  return [{
    goal: `${name}: CPU per ${work.one}, to the better peer`,
    target: `at most ${max.toFixed(2)}`,
    found: describeRatio(comparison),
    met: comparison.ratio.median <= max,
  }];
}

function judgeLatency({ name, latencyComparison }: LoadSummary): Verdict[] {
  const max = goal.LATENCY_RATIO_MAX[name];
  if (max === undefined) return [];
  return [{
    goal: `${name}: latency at p99, to the better peer`,
    target: `at most ${max.toFixed(2)}`,
    found: describeRatio(latencyComparison),
    met: latencyComparison.ratio.median <= max,
  }];
}

/** TCP sends again what the network loses; a datagram that a proxy drops is gone. */
function judgeLoss({ name, transport, work, contenders }: LoadSummary): Verdict[] {
  const own = contenders.find((each) => each.name === "ringway");
  if (transport === "tcp" || own === undefined) return [];
  const count = own.samples.reduce((sum, each) => sum + each.count + each.errors, 0);
  return [{
    goal: `${name}: lost ${work.many}`,
    target: "none",
    found: `${own.errors === 0 ? "none" : formatCount(own.errors)} of ${formatCount(count)}`,
    met: own.errors === 0,
  }];
}

function judgeUserShare({ name, contenders }: LoadSummary): Verdict {
  const userShare = contenders.find((each) => each.name === "ringway")?.userShare ?? NaN;
  return {
    goal: `${name}: user space in the worker's CPU time`,
    target: `below ${formatShare(goal.USER_SHARE_BELOW)}`,
    found: formatShare(userShare, 2),
    met: userShare < goal.USER_SHARE_BELOW,
  };
}

function judgeGarbage({ chunks, collections, perMillionChunks }: GarbageResult): Verdict {
  const times = collections === 1 ? "collection" : "collections";
  return {
    goal: "keep-alive: collections per million relayed chunks",
    target: goal.SCAVENGES_PER_MILLION_MAX === 0
      ? "none"
      : `at most ${goal.SCAVENGES_PER_MILLION_MAX}`,
    found: `${collections === 0 ? "none" : `${collections} ${times}`} in ${formatCount(chunks)}`,
    met: perMillionChunks <= goal.SCAVENGES_PER_MILLION_MAX,
  };
}

function judgeMemory({ name, one, bytesMax, contenders }: MemorySummary): Verdict {
  const own = contenders.find((each) => each.name === "ringway");
  const bytes = own?.bytesEach.median ?? NaN;
  return {
    goal: `${name}: worker memory per proxied ${one}`,
    target: `at most ${formatBytes(bytesMax)}`,
    found: formatBytes(bytes),
    met: bytes <= bytesMax,
  };
}

export function judge(
  load: readonly LoadSummary[],
  memory: readonly MemorySummary[],
  garbage: GarbageResult | null,
): Verdict[] {
  return [
    ...load.flatMap((each) => [...judgeRatio(each), ...judgeLatency(each), ...judgeLoss(each)]),
    ...load.filter(({ name }) => name === "keep-alive").map(judgeUserShare),
    ...(garbage === null ? [] : [judgeGarbage(garbage)]),
    ...memory.map(judgeMemory),
  ];
}

/** The sum in one sentence, which does not hide a miss. */
export function describeVerdicts(verdicts: readonly Verdict[]): string {
  const missed = verdicts.filter(({ met }) => !met).length;
  if (missed === 0) return `goals measured: ${verdicts.length}, all met`;
  return `goals measured: ${verdicts.length}, met: ${verdicts.length - missed}, MISSED: ${missed}`;
}
