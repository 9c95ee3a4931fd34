/**
 * What is known of a flow's socket from outside, for the rules in datagram_ledger.ts: what has left
 * through it, and what came back.
 */
import type { DatagramClient } from "./datagram_client.ts";
import type { ShownHeader } from "./shown_header.ts";

/** A datagram that was handed to the worker. */
export interface Handed {
  /** When the worker has seen it. */
  readonly order: number;
  /** It has left, or would have. */
  isSpent: boolean;
}

export interface HandedReply extends Handed {
  readonly request: number;
  readonly answer: number;
  readonly server: number;
}

interface Debt {
  readonly what: string;
  readonly turn: number;
}

/**
 * One direction of a flow. Datagrams leave in the order in which they came; only those of a burst
 * that did not leave as one may come later, and have to.
 */
export class Departures {
  #lastOrder = -1;
  /** By what it is: how many may leave out of order. */
  readonly #credits = new Map<string, number>();
  #debts: Debt[] = [];

  /** It was in a burst that did not leave. */
  withhold(what: string, turn: number): void {
    this.#credits.set(what, (this.#credits.get(what) ?? 0) + 1);
    this.#debts.push({ what, turn });
  }

  /** It leaves: one of those in `open`, which are alike; false when none of them may. */
  spend(what: string, open: readonly Handed[]): boolean {
    const credit = this.#credits.get(what) ?? 0;
    let chosen = open.find(({ order }) => order > this.#lastOrder);
    if (chosen === undefined && credit > 0) {
      chosen = open[0];
      this.#credits.set(what, credit - 1);
    }
    if (chosen === undefined) return false;
    chosen.isSpent = true;
    this.#lastOrder = Math.max(this.#lastOrder, chosen.order);
    return true;
  }

  /** Whether it was due to leave since it was withheld; then it no longer is. */
  settle(what: string): boolean {
    const at = this.#debts.findIndex((debt) => debt.what === what);
    if (at < 0) return false;
    this.#debts.splice(at, 1);
    return true;
  }

  /** Since when something is due to leave; Infinity when nothing is. */
  get dueSince(): number {
    return this.#debts[0]?.turn ?? Infinity;
  }
}

export class FlowTrail {
  /** Whose datagrams leave through it; null until one has. */
  client: DatagramClient | null = null;
  /** The server's address, once something has left. */
  remote = "";
  sentCount = 0;
  /** The socket is closed. */
  isClosed = false;
  readonly requests = new Departures();
  readonly answers = new Departures();
  /** Something has left after the last answer. */
  isUnanswered = false;
  /** The last request that left, by itself. */
  lastRequest = -1;
  /** The header that has left. */
  header: ShownHeader | null = null;
  /** When one did not leave. */
  headerLostTurn = -2;
  /** It was told that its server's port is closed. */
  isRefused = false;
  /** Its first datagram had been sent to another server before. */
  isSecondTry = false;
  /** Answers that were handed to the worker. */
  answeredCount = 0;
  /** Those of them that say what they are, in order. */
  readonly replies: HandedReply[] = [];
}
