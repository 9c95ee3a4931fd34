/**
 * Reasons not to trust what was measured. A bench that prints figures from a busy machine or of
 * failed requests without a word invites wrong conclusions, so they are printed with the figures.
 */
import { TITLES } from "./contender.ts";
import { formatCount, formatShare } from "./figure.ts";
import type { GarbageResult } from "./garbage.ts";
import type { Machine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import { median } from "./statistic.ts";
import type { LoadSummary, MemorySummary } from "./summary.ts";

/** The kernel's own threads use a little of any core. */
const FOREIGN_SHARE_MAX = 0.03;
const STOLEN_SHARE_MAX = 0.02;
/** Below these a disturbance of a second decides a median. */
const ROUNDS_MIN = 5;
const SECONDS_MIN = 2;
/** What "none per million" is claimed of. */
const CHUNKS_MIN = 1e6;
/** How much faster load and origin are to be without a proxy. */
const ALONE_FACTOR_MIN = 1.5;
const RATE_SHARE_MIN = 0.98;

/** A load that is hardly faster alone measures itself: its rates and latencies say little. */
function doubtSpeed({ name, alone, contenders }: LoadSummary): string[] {
  if (alone === null) return [];
  const fastest = contenders.reduce((best, each) =>
    each.perSecond.median > best.perSecond.median ? each : best
  );
  const factor = alone.count / alone.seconds / fastest.perSecond.median;
  if (factor >= ALONE_FACTOR_MIN) return [];
  return [
    `${name}: load and origin alone are only ${factor.toFixed(1)} times as fast as through ` +
    `${TITLES[fastest.name]}: they may have been the limit`,
  ];
}

/** What fell short of its rate would make a proxy that loses much look calm. */
function doubtRate({ name, rate, work, contenders }: LoadSummary): string[] {
  if (rate === null) return [];
  return contenders.flatMap((each) => {
    const offered = median(
      each.samples.map(({ count, errors, seconds }) => (count + errors) / seconds),
    );
    if (offered >= rate * RATE_SHARE_MIN) return [];
    return `${name}: of ${formatCount(rate)} ${work.many} a second only ${formatCount(offered)} ` +
      `were sent to ${TITLES[each.name]}`;
  });
}

function doubtFlows({ name, one, contenders }: MemorySummary): string[] {
  return contenders.filter(({ lost }) => lost > 0)
    .map((each) => `${name}: ${formatCount(each.lost)} times no ${one} with ${TITLES[each.name]}`);
}

function doubtCase(summary: LoadSummary): string[] {
  const { name, transport, work, contenders } = summary;
  const failed = transport === "udp" ? "were lost" : "failed";
  const doubts = contenders.filter(({ errors }) => errors > 0)
    .map((each) =>
      `${name}: ${formatCount(each.errors)} ${work.many} ${failed} with ${TITLES[each.name]}`
    );
  doubts.push(...doubtSpeed(summary), ...doubtRate(summary));
  const worst = (share: "foreignShare" | "stolenShare") =>
    Math.max(...contenders.map(({ samples }) => median(samples.map((each) => each[share]))));
  const foreign = worst("foreignShare");
  if (foreign > FOREIGN_SHARE_MAX) {
    doubts.push(`${name}: others used up to ${formatShare(foreign)} of the proxies' core`);
  }
  const stolen = worst("stolenShare");
  if (stolen > STOLEN_SHARE_MAX) {
    doubts.push(`${name}: the hypervisor took up to ${formatShare(stolen)} of the proxies' core`);
  }
  return doubts;
}

export function findDoubts(
  { rounds, seconds }: Pick<BenchOptions, "rounds" | "seconds">,
  { siblings }: Machine["cores"],
  load: readonly LoadSummary[],
  memory: readonly MemorySummary[],
  garbage: GarbageResult | null,
): string[] {
  const doubts: string[] = [];
  if (rounds < ROUNDS_MIN || seconds < SECONDS_MIN) {
    doubts.push(`a short run (rounds: ${rounds}, of ${seconds} s): shows that it works, no more`);
  }
  if (siblings) doubts.push("proxy and load ran on two threads of one physical core");
  if (garbage !== null && garbage.chunks < CHUNKS_MIN) {
    doubts.push(`garbage was counted over ${formatCount(garbage.chunks)} chunks, not a million`);
  }
  if (garbage !== null && garbage.collections + garbage.collectionsBefore === 0) {
    doubts.push("V8 told of no collection, not even at its start: it may not have told at all");
  }
  return [
    ...doubts,
    ...load.flatMap(doubtCase),
    ...memory.flatMap(doubtFlows),
  ];
}
