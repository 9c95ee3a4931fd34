/**
 * Whether the goals are met: each goal of the cases that were run, with what was found. A case that
 * was not run has no verdict, and a figure that is missing has not met anything.
 */
import { type ContenderName, TITLES } from "./contender.ts";
import { formatBytes, formatCount, formatRange, formatRatio, formatShare } from "./figure.ts";
import type { GarbageResult } from "./garbage.ts";
import * as goal from "./goal.ts";
import type { PeerRatio } from "./statistic.ts";
import type { IdleSummary, LoadSummary } from "./summary.ts";

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

function judgeRatio({ name, comparison }: LoadSummary): Verdict {
  const max = goal.RATIO_MAX[name];
  return {
    goal: `${name}: CPU per request, to the better peer`,
    target: `at most ${max.toFixed(2)}`,
    found: describeRatio(comparison),
    met: comparison.ratio.median <= max,
  };
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

function judgeIdle({ contenders }: IdleSummary): Verdict {
  const own = contenders.find((each) => each.name === "ringway");
  const bytes = own?.bytesPerConnection.median ?? NaN;
  return {
    goal: "idle: worker memory per proxied connection",
    target: `at most ${formatBytes(goal.IDLE_BYTES_MAX)}`,
    found: formatBytes(bytes),
    met: bytes <= goal.IDLE_BYTES_MAX,
  };
}

export function judge(
  load: readonly LoadSummary[],
  idle: IdleSummary | null,
  garbage: GarbageResult | null,
): Verdict[] {
  return [
    ...load.map(judgeRatio),
    ...load.filter(({ name }) => name === "keep-alive").map(judgeUserShare),
    ...(garbage === null ? [] : [judgeGarbage(garbage)]),
    ...(idle === null ? [] : [judgeIdle(idle)]),
  ];
}

/** The sum in one sentence, which does not hide a miss. */
export function describeVerdicts(verdicts: readonly Verdict[]): string {
  const missed = verdicts.filter(({ met }) => !met).length;
  if (missed === 0) return `goals measured: ${verdicts.length}, all met`;
  return `goals measured: ${verdicts.length}, met: ${verdicts.length - missed}, MISSED: ${missed}`;
}
