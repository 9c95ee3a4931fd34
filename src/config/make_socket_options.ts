/**
 * From the values of a `socket` section to options by the names and in the units of the table in
 * net/socket_options.ts, which is all that the rest of the program knows of them.
 */
import { assert } from "../base/assert.ts";
import { parseByteSize } from "../base/byte_size.ts";
import { parseDuration } from "../base/duration.ts";
import { socketOption, type SocketOptions, type SocketSide } from "../net/socket_options.ts";
import type { BackendSocketValues, ListenerSocketValues } from "./socket_schema.ts";

/** The values in the units of the table; keys of the file that it does not have are left out. */
export function makeSocketOptions(
  values: ListenerSocketValues | BackendSocketValues,
  side: SocketSide,
): SocketOptions {
  const { keepalive, ...rest } = values;
  const written: Record<string, unknown> = { ...rest };
  if (typeof keepalive === "object") {
    written.keepalive = true;
    for (const [key, value] of Object.entries(keepalive)) written[`keepalive_${key}`] = value;
  } else written.keepalive = keepalive;

  const options: Record<string, number> = {};
  for (const [key, value] of Object.entries(written)) {
    const option = socketOption(key, side);
    if (value === undefined || option === null) continue;
    options[key] = readSocketValue(value, option.unit);
  }
  return options;
}

function readSocketValue(value: unknown, unit: string): number {
  if (typeof value === "string") {
    const number = unit === "bytes" ? parseByteSize(value) : parseDuration(value);
    assert(number !== null, "the schema accepts sizes and durations only");
    return unit === "seconds" ? number / 1000 : number;
  }
  return Number(value);
}
