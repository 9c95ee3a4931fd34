/**
 * The `socket` sections of listeners and backends: options of the kernel for each connection.
 *
 * What an option does is told by the table that has its number (net/socket_options.ts), so that an
 * editor shows what is set. Here are only the forms in which people write the values.
 */
import * as v from "valibot";
import { assert } from "../base/assert.ts";
import { suggestDuration } from "../base/duration.ts";
import { socketOption, type SocketSide } from "../net/socket_options.ts";
import { BACKLOG_DEFAULT } from "../limits.ts";
import * as limits from "./config_limits.ts";
import { must } from "./problem.ts";
import { byType, flag, meantFlag, section, wholeNumber } from "./schema_field.ts";
import { byteSize, duration, seconds } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

const DSCP_MAX = 63;

function help(key: string, side: SocketSide): string {
  const option = socketOption(key, side);
  assert(option !== null, "the table has each option of the schema");
  return option.help;
}

/** The numbers of names in RFC 2474, 2597 and 3246. */
function hintDscp(input: unknown): string | undefined {
  const name = typeof input === "string" ? input.toLowerCase() : "";
  if (name === "ef") return "write 46";
  const parts = /^(?:cs([0-7])|af([1-4])([1-3]))$/.exec(name);
  if (parts === null) {
    const isByte = typeof input === "number" && input > DSCP_MAX && input < 256 && input % 4 === 0;
    return isByte ? `if that is the whole byte (TOS), write ${input / 4}` : undefined;
  }
  const [, selector, group, drop] = parts;
  return `write ${
    selector === undefined ? 8 * Number(group) + 2 * Number(drop) : 8 * Number(selector)
  }`;
}

function keepalive(side: SocketSide) {
  const description = help("keepalive", side);
  const switched = flag(description);
  const long = section(
    {
      idle: v.optional(seconds(help("keepalive_idle", side))),
      interval: v.optional(seconds(help("keepalive_interval", side))),
      count: v.optional(
        wholeNumber(1, limits.KEEPALIVE_COUNT_MAX, help("keepalive_count", side)),
      ),
    },
    VOCABULARY.keepalive,
    description,
  );
  return byType({ boolean: switched, object: long }, (input) => {
    const meant = meantFlag(input);
    const time = typeof input === "string" ? suggestDuration(input) : null;
    const hint = time === null ? undefined : `write { idle: ${time} }`;
    return must(
      "true, false or a map of idle, interval, count",
      input,
      meant === null ? hint : `write ${meant}`,
    );
  }, description);
}

/** The options that both sides have; each call makes another one. */
function sharedOptions(side: SocketSide) {
  const { SOCKET_BUFFER_BYTES_MIN: least, SOCKET_BUFFER_BYTES_MAX: most } = limits;
  return {
    nodelay: v.optional(flag(help("nodelay", side))),
    keepalive: v.optional(keepalive(side)),
    user_timeout: v.optional(duration(1, help("user_timeout", side))),
    receive_buffer: v.optional(byteSize(least, most, help("receive_buffer", side))),
    send_buffer: v.optional(byteSize(least, most, help("send_buffer", side))),
    dscp: v.optional(wholeNumber(0, DSCP_MAX, help("dscp", side), hintDscp)),
  };
}

export const LISTENER_SOCKET = section(
  {
    ...sharedOptions("listener"),
    backlog: v.optional(
      wholeNumber(
        1,
        limits.BACKLOG_MAX,
        "Connections that may wait for being accepted, per worker; the kernel holds it to " +
          "net.core.somaxconn.",
      ),
      BACKLOG_DEFAULT,
    ),
    defer_accept: v.optional(seconds(help("defer_accept", "listener"))),
    fast_open: v.optional(
      wholeNumber(
        1,
        limits.BACKLOG_MAX,
        help("fast_open", "listener"),
        (input) => input === true ? "write a length, such as 256" : undefined,
      ),
    ),
  },
  VOCABULARY.listenerSocket,
  "Options of the listening socket, which accepted connections inherit.",
  "{ receive_buffer: 256KiB }",
);

export const BACKEND_SOCKET = section(
  {
    ...sharedOptions("backend"),
    fast_open: v.optional(
      flag(
        help("fast_open", "backend"),
        (input) =>
          typeof input === "number"
            ? "the length of a queue is for listeners; write true"
            : undefined,
      ),
    ),
  },
  VOCABULARY.backendSocket,
  "Options of the connections to servers.",
  "{ user_timeout: 30s }",
);

export type ListenerSocketValues = v.InferOutput<typeof LISTENER_SOCKET>;
export type BackendSocketValues = v.InferOutput<typeof BACKEND_SOCKET>;
