/**
 * Text that came from outside (configuration, servers, agents) as a cell of a table or a remark:
 * one line that fits, without what a terminal would obey.
 */
import { makePrintable } from "../base/quoted_text.ts";

/** As long as an IPv6 address with a range of ports; and as one with a port. */
export const BIND_LENGTH_MAX = 52;
export const ADDRESS_LENGTH_MAX = 46;
const REMARK_LENGTH_MAX = 90;
const ELLIPSIS = "...";

/** Of what is too long the middle is left out: both ends of a path say something. */
export function cellText(text: string, lengthMax: number): string {
  const shown = makePrintable(text);
  if (shown.length <= lengthMax) return shown;
  const rest = lengthMax - ELLIPSIS.length;
  const head = Math.floor(rest / 3);
  return shown.slice(0, head) + ELLIPSIS + shown.slice(head - rest);
}

/** Of what is too long the end is left out. */
export function remarkText(text: string): string {
  const shown = oneLine(text);
  if (shown.length <= REMARK_LENGTH_MAX) return shown;
  return shown.slice(0, REMARK_LENGTH_MAX - ELLIPSIS.length) + ELLIPSIS;
}

/** Whole, but on one line. */
export function oneLine(text: string): string {
  return makePrintable(text.replace(/\s+/g, " ").trim());
}
