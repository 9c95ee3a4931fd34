/**
 * What goes wrong with servers of a simulated backend, and when: drawn once, before anything runs.
 *
 * A fault is a span of time at one server. What clients and probes meet in it is decided by
 * simulated_servers.ts.
 */
import type { Random } from "../../../src/base/random.ts";

export const FAULT_KINDS = [
  /** Connects are refused at once: the process is not there, the machine is. */
  "refuse",
  /** Connects are not answered: they end by their deadline. */
  "hang",
  /** Connects succeed, and then the server resets half-way through. Probes see nothing. */
  "reset",
  /** Everything takes ten times as long. Probes see nothing. */
  "slow",
  /** Refuses every other second. */
  "flap",
  /** All that is open is reset, and connects are refused while it starts again. */
  "crash",
  /** All that is open is reset, and then the address answers nothing. */
  "gone",
] as const;
export type FaultKind = typeof FAULT_KINDS[number];

export interface Fault {
  readonly server: number;
  readonly kind: FaultKind;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

export const SLOW_FACTOR = 10;
export const FLAP_MS = 1000;

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

function drawLengthMs(random: Random, kind: FaultKind): number {
  if (kind === "crash") return 2 * SECOND_MS + random.below(8 * SECOND_MS);
  if (kind === "gone") return 10 * MINUTE_MS + random.below(20 * MINUTE_MS);
  return 5 * SECOND_MS + random.below(3 * MINUTE_MS);
}

/**
 * Faults between two moments. At most `togetherMax` servers have one at a time, and a server rests
 * for `restMs` after each.
 */
export function drawFaults(
  random: Random,
  serverCount: number,
  startMs: number,
  endMs: number,
  togetherMax: number,
  restMs: number,
  kinds: readonly FaultKind[] = FAULT_KINDS,
): Fault[] {
  const faults: Fault[] = [];
  const freeAtMs = new Float64Array(serverCount).fill(startMs);
  let atMs = startMs;
  while (true) {
    atMs += random.below(4 * MINUTE_MS);
    const kind = kinds[random.below(kinds.length)];
    const server = random.below(serverCount);
    const faultEndMs = atMs + drawLengthMs(random, kind);
    if (faultEndMs >= endMs) return faults;
    const together = faults.filter((fault) => fault.endMs + restMs > atMs).length;
    if (together >= togetherMax || freeAtMs[server] > atMs) continue;
    freeAtMs[server] = faultEndMs + restMs;
    faults.push({ server, kind, startMs: atMs, endMs: faultEndMs });
  }
}
