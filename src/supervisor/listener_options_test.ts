import assert from "node:assert/strict";
import { EPERM } from "../base/errno.ts";
import { DATAGRAM_SOCKET_BYTES } from "../limits.ts";
import { AF_INET, AF_INET6 } from "../net/socket_address.ts";
import { type ListenerSocket, setListenerOptions } from "./listener_options.ts";

/** Which options are set, as `level.option=value`, by a kernel that refuses some. */
function optionsOf(more: Partial<ListenerSocket>, refused: readonly string[] = []) {
  const calls: string[] = [];
  const library = {
    rw_set_option: (_fd: number, level: number, option: number, value: number) => {
      calls.push(`${level}.${option}=${value}`);
      return refused.includes(`${level}.${option}`) ? -EPERM : 0;
    },
  };
  const result = setListenerOptions(library, 3, {
    family: AF_INET,
    isUdp: true,
    isWildcard: false,
    takesBursts: false,
    options: {},
    ...more,
  });
  return { calls, result };
}

const BUFFERS_FORCED = [`1.33=${DATAGRAM_SOCKET_BYTES}`, `1.32=${DATAGRAM_SOCKET_BYTES}`];

Deno.test("only a UDP socket of every address is told which one was asked", () => {
  assert.deepEqual(optionsOf({ isWildcard: true }).calls, ["0.8=1", ...BUFFERS_FORCED]);
  const six = optionsOf({ isWildcard: true, family: AF_INET6 });
  assert.deepEqual(six.calls, ["41.49=1", ...BUFFERS_FORCED]);
  assert.deepEqual(optionsOf({}).calls, BUFFERS_FORCED);
  const tcp = optionsOf({ isUdp: false, isWildcard: true, takesBursts: true });
  assert.deepEqual(tcp.calls, ["6.1=1", "1.9=1"], "no delay and keepalive");
});

Deno.test("an option that answering depends on must not fail, hints may", () => {
  assert.equal(optionsOf({ isWildcard: true }, ["0.8"]).result, -EPERM);
  assert.equal(optionsOf({ options: { dscp: 1 } }, ["0.1"]).result, -EPERM);
  const hints = optionsOf({ takesBursts: true }, ["17.104", "1.33", "1.32", "1.8", "1.7"]);
  assert.equal(hints.result, 0);
  assert.deepEqual(hints.calls.map((call) => call.split("=")[0]), [
    "17.104",
    ...["1.33", "1.8"],
    ...["1.32", "1.7"],
  ]);
});
