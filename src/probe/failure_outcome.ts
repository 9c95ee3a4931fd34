/**
 * Errors of the runtime's sockets as outcomes: the words that people know from the rest of the
 * program, and whose fault it is.
 */
import { describeErrno, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM } from "../base/errno.ts";
import { makePrintable } from "../base/quoted_text.ts";
import { failed, notAsked, type ProbeOutcome } from "./probe_outcome.ts";

/** What this machine is short of; a lack of local ports looks like an address it has not. */
const SHORTAGES = new Set([EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM]);
const TEXT_LENGTH_MAX = 120;

/** What is read of the errors of node:net, node:http, node:http2 and node:dgram. */
interface SocketError {
  readonly code?: unknown;
  /** Negative. */
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** Words for any value that was thrown or emitted as an error. */
export function describeFailure(error: unknown): string {
  const { code, errno, message } = Object(error) as SocketError;
  if (typeof errno === "number") {
    const words = describeErrno(errno);
    // The table has only what the rest of the program meets.
    return words.startsWith("errno") && typeof code === "string" ? code : words;
  }
  const text = typeof message === "string" && message !== "" ? message : String(error);
  return makePrintable(text).slice(0, TEXT_LENGTH_MAX);
}

/** @param before says how far it came; "" when nothing had been answered. */
export function failureOutcome(error: unknown, before = ""): ProbeOutcome {
  const { errno } = Object(error) as SocketError;
  const text = before + describeFailure(error);
  const isShortage = typeof errno === "number" && SHORTAGES.has(Math.abs(errno));
  return isShortage ? notAsked(text) : failed(text);
}
