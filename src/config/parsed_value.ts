/**
 * Reads the texts of a checked file: what the schema has accepted can be parsed, and anything else
 * is a fault of this program.
 */
import { assert } from "../base/assert.ts";
import { parseDuration } from "../base/duration.ts";
import { parsePercentage } from "../base/percentage.ts";
import type { Parsed } from "../net/address.ts";

export function read<T>(parsed: Parsed<T>): T {
  assert(parsed.ok, "the schema accepts only what can be parsed");
  return parsed.value;
}

export function readMs(text: string): number {
  const ms = parseDuration(text);
  assert(ms !== null, "the schema accepts durations only");
  return ms;
}

/** From 0 to 1. */
export function readShare(text: string): number {
  const share = parsePercentage(text);
  assert(share !== null, "the schema accepts percentages only");
  return share;
}
