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
import type { LoadSummary } from "./summary.ts";

/** The kernel's own threads use a little of any core. */
const FOREIGN_SHARE_MAX = 0.03;
const STOLEN_SHARE_MAX = 0.02;
/** Below these a disturbance of a second decides a median. */
const ROUNDS_MIN = 5;
const SECONDS_MIN = 2;
/** What "none per million" is claimed of. */
const CHUNKS_MIN = 1e6;

function doubtCase({ name, contenders }: LoadSummary): string[] {
  const doubts = contenders.filter(({ errors }) => errors > 0)
    .map((each) =>
      `${name}: ${formatCount(each.errors)} requests failed with ${TITLES[each.name]}`
    );
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
  ];
}
