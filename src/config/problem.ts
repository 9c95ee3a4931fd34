/**
 * What the schema says about a value or a key that does not fit, before it is known where it is.
 *
 * The schema library carries one string per issue and knows the path only afterwards. So a problem
 * travels as JSON in that string, and names neither its subject nor its place; both are put in from
 * the path when the issue becomes a diagnostic.
 */
import { quoteText } from "../base/quoted_text.ts";

export interface Problem {
  /**
   * How the message becomes a sentence: `value` puts the subject in front ("weight must be ..."),
   * `key` the place behind ("unknown key ... in backend ..."), `whole` nothing.
   */
  readonly kind: "value" | "key" | "whole";
  readonly message: string;
  readonly hint?: string;
  /** The key that is missing, or that this one was meant to be or stands in place of. */
  readonly key?: string;
  /** Whether to read this key as `key`, so that what is in it is checked as well. */
  readonly isMisspelt?: boolean;
}

/** For a number that was meant as text; the reporter adds how it was written. */
export const QUOTE_HINT = "quote it";

export function encodeProblem(problem: Problem): string {
  return JSON.stringify(problem);
}

/** @param text from `encodeProblem`; anything else is the library's own wording, kept whole. */
export function decodeProblem(text: string): Problem {
  return text.startsWith("{") ? JSON.parse(text) : { kind: "whole", message: text };
}

/** The grammar of all wrong values: expected first, found last. */
export function must(expected: string, found: unknown, hint?: string): Problem {
  return { kind: "value", message: `must be ${expected}, found ${describeFound(found)}`, hint };
}

/** For words that the design has and this version does not. */
export function notYet(what: string): Problem {
  return { kind: "whole", message: `${what} is not supported by this version yet` };
}

function describeFound(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return quoteText(value);
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "a map";
  return String(value);
}

/** What stands there as text; "" for a map, a list and nothing, which have no text of their own. */
export function writtenOf(found: unknown): string {
  // Maps of a file have no prototype, and so not even a toString.
  return typeof found === "object" || found === undefined ? "" : String(found);
}
