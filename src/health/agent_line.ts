/**
 * What the agent of a server says about it: one line of text, in the protocol of HAProxy's
 * `agent-check`, so that agents written for it serve here unchanged.
 *
 * A line has words, separated by spaces, tabs or commas, in any order and case:
 *
 * - `up`, `down`, `fail`, `failed`, `stopped`: its health. All but the first mean down.
 * - `drain`, `maint`, `ready`: what its owner wants. `ready` ends the other two.
 * - `75%`: of its configured weight. More than all of it is all of it: what one server may have
 *   beyond its weight is the others' to say.
 * - `maxconn:30`: understood and not followed, as the limit of a server is counted over all workers
 *   and stands in the configuration.
 * - `#` and anything: a description for people, to the end of the line.
 *
 * Of words that exclude each other the last one counts. What a line does not speak of stays as it
 * was. A word that is none of these makes the whole line void: half of an order is no order.
 *
 * The line comes from outside: it is read in one pass, and passed on short and printable.
 */
import { makePrintable } from "../base/quoted_text.ts";

/** Bytes that are read of an agent, its end of line included. */
export const AGENT_BYTES_MAX = 256;

const REASON_LENGTH_MAX = 100;

export interface AgentVerdict {
  /** The strongest of what it says: maint, drain, down, up; null: nothing of this kind. */
  readonly state: "up" | "down" | "drain" | "maint" | null;
  /** Ends a drain or maint of before; never together with either. */
  readonly isReady: boolean;
  /** Its health, which it may state beside drain and maint; null: it does not. */
  readonly isUp: boolean | null;
  /** 0..100; null: it does not say. */
  readonly percent: number | null;
  /** For people, such as "agent says down: disk full"; printable, at most 100 characters. */
  readonly reason: string;
}

/** @param text what the agent sent, with or without its end of line. Null: it is not valid. */
export function parseAgentLine(text: string): AgentVerdict | null {
  const end = text.search(/[\r\n]/);
  const line = end < 0 ? text : text.slice(0, end);
  if (line.length > AGENT_BYTES_MAX) return null;
  const sharp = line.indexOf("#");
  const words = (sharp < 0 ? line : line.slice(0, sharp)).toLowerCase().split(/[ \t,]/);

  let order: "drain" | "maint" | "ready" | null = null;
  let health: string | null = null;
  let percent: number | null = null;
  let isEmpty = true;
  for (const word of words) {
    if (word === "") continue;
    isEmpty = false;
    if (word === "drain" || word === "maint" || word === "ready") order = word;
    else if (word === "up" || DOWN_WORDS.has(word)) health = word;
    else if (/^[0-9]+%$/.test(word)) percent = Math.min(100, Number(word.slice(0, -1)));
    else if (!/^maxconn:[0-9]+$/.test(word)) return null;
  }
  if (isEmpty) return null;

  const isReady = order === "ready";
  const isUp = health === null ? null : health === "up";
  const isOut = order === "drain" || order === "maint";
  return {
    state: isOut ? order as "drain" | "maint" : isUp === null ? null : isUp ? "up" : "down",
    isReady,
    isUp,
    percent,
    reason: makeReason(
      [order, health, percent === null ? null : `${percent}%`],
      sharp < 0 ? "" : line.slice(sharp + 1),
    ),
  };
}

/** The documentation of HAProxy has had `fail` as well as `failed`, and agents send both. */
const DOWN_WORDS = new Set(["down", "fail", "failed", "stopped"]);

function makeReason(said: readonly (string | null)[], description: string): string {
  const words = said.filter((word) => word !== null).join(" ");
  const told = description.trim();
  const reason = `agent says ${words === "" ? "maxconn" : words}${told === "" ? "" : `: ${told}`}`;
  const isCut = reason.length > REASON_LENGTH_MAX;
  // Cut first: half of a surrogate pair at the cut is not printable, either.
  return makePrintable(isCut ? `${reason.slice(0, REASON_LENGTH_MAX - 3)}...` : reason);
}
