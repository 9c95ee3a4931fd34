import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { encodeSocketAddress } from "../net/socket_address.ts";
import { makePlan } from "./make_plan.ts";
import { ServerAddresses } from "./server_addresses.ts";

const TEXT = `
log: warn
drain: 9s
listeners:
  web: { bind: ":80", backend: b, timeouts: { idle: 5s, half_close: 6s } }
  api: { bind: ":81", backend: a, limits: { connections: 7 } }
backends:
  a: { servers: [10.0.0.1:1], balance: p2c, timeouts: { connect: 1s }, retries: 3 }
  b: [{ address: 10.0.0.2:2, name: two, weight: 4, backup: true }, 10.0.0.3:3]
`;

Deno.test("a worker's plan has its own sockets and CPU, and backends by number", () => {
  const { config } = parseConfig(
    TEXT,
    "f",
    {},
  );
  const addresses = new ServerAddresses(config!, () => {}, () => {});
  const address = (last: number, port: number) => [
    ...encodeSocketAddress(Uint8Array.of(10, 0, 0, last), port),
  ];
  const sockets = [
    { name: "web", port: 80, fds: [20, 21] },
    { name: "api", port: 81, fds: [22, 23] },
  ];
  const cores = { workers: 2, cpus: [4, 5] };
  assert.deepEqual(makePlan(config!, cores, 1, 9, sockets, addresses), {
    worker: 1,
    workers: 2,
    cpu: 5,
    sharedFd: 9,
    drainTimeoutMs: 9000,
    logLevel: "warn",
    listeners: [
      {
        name: "web",
        fd: 21,
        backend: 1,
        idleTimeoutMs: 5000,
        halfCloseTimeoutMs: 6000,
        connectionsMax: 0,
      },
      {
        name: "api",
        fd: 23,
        backend: 0,
        idleTimeoutMs: 600_000,
        halfCloseTimeoutMs: 60_000,
        connectionsMax: 7,
      },
    ],
    backends: [
      {
        name: "a",
        balance: "p2c",
        connectTimeoutMs: 1000,
        retries: 3,
        servers: [{ name: "10.0.0.1:1", weight: 1, backup: false, address: address(1, 1) }],
      },
      {
        name: "b",
        balance: "round_robin",
        connectTimeoutMs: 2000,
        retries: 1,
        // Servers are numbered through all backends.
        servers: [
          { name: "two", weight: 4, backup: true, address: address(2, 2) },
          { name: "10.0.0.3:3", weight: 1, backup: false, address: address(3, 3) },
        ],
      },
    ],
  });
  // It travels as one line of JSON.
  const plan = makePlan(config!, cores, 0, 9, sockets, addresses);
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
});
