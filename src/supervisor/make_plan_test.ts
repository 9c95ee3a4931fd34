import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { AF_INET, AF_INET6, AF_UNIX, encodeSocketAddress } from "../net/socket_address.ts";
import { backendPlan, serverPlan } from "../upstream/test_plan.ts";
import type { ListenerPlan, SocketPlan } from "../upstream/plan.ts";
import { makePlan, type Prepared } from "./make_plan.ts";
import { ServerAddresses } from "./server_addresses.ts";

/** A plan of two workers, made from a file and the sockets of its listeners, by worker. */
function planOf(text: string, worker: number, sockets: readonly SocketPlan[][][]) {
  const { config } = parseConfig(text, "f", {});
  assert.notEqual(config, null);
  const prepared: Prepared = {
    cores: { workers: 2, cpus: [4, 5] },
    io: "uring",
    sharedFd: 9,
    hashKey: [11, 12],
    sockets: sockets.map((byWorker) => ({ byWorker })),
    addresses: new ServerAddresses(config!, () => {}, () => {}),
  };
  return makePlan(config!, prepared, worker);
}

function socket(fd: number, more: Partial<SocketPlan> = {}): SocketPlan {
  return { fd, family: AF_INET6, isWildcard: true, ...more };
}

function address(last: number, port: number): number[] {
  return [...encodeSocketAddress(Uint8Array.of(10, 0, 0, last), port)];
}

/** What a listener has that says nothing else. */
const PLAIN: Omit<ListenerPlan, "name" | "sockets" | "backend"> = {
  protocol: "tcp",
  subset: 0,
  routes: [],
  trustedProxies: null,
  allow: [],
  deny: [],
  idleTimeoutMs: 600_000,
  halfCloseTimeoutMs: 60_000,
  clientHelloTimeoutMs: 10_000,
  proxyHeaderTimeoutMs: 3000,
  connectionsMax: 0,
  connectionsPerIpMax: 0,
  connectionRate: null,
  connectionRatePerIp: null,
  udp: null,
};

Deno.test("a worker's plan has its own sockets and CPU, and backends by number", () => {
  const text = `
log: warn
drain: 9s
limits: { connections: 77 }
listeners:
  web: { bind: ":80", backend: b, timeouts: { idle: 5s, half_close: 6s } }
  api: { bind: "unix:/run/api.sock", backend: a, limits: { connections: 7 } }
backends:
  a: { servers: [10.0.0.1:1], balance: p2c, timeouts: { connect: 1s }, retries: 3 }
  b: [{ address: 10.0.0.2:2, name: two, weight: 4, backup: true }, 10.0.0.3:3]
`;
  const shared = socket(22, { family: AF_UNIX, isWildcard: false });
  const plan = planOf(text, 1, [[[socket(20)], [socket(21)]], [[shared], [shared]]]);
  assert.deepEqual(plan, {
    worker: 1,
    workers: 2,
    cpu: 5,
    io: "uring",
    hardening: true,
    sharedFd: 9,
    hashKey: [11, 12],
    drainTimeoutMs: 9000,
    logLevel: "warn",
    connectionsMax: 77,
    overload: { busy: null, memory: 0.95, files: null, buffers: null },
    listeners: [
      {
        ...PLAIN,
        name: "web",
        sockets: [socket(21)],
        backend: 1,
        idleTimeoutMs: 5000,
        halfCloseTimeoutMs: 6000,
      },
      { ...PLAIN, name: "api", sockets: [shared], backend: 0, connectionsMax: 7 },
    ],
    backends: [
      backendPlan({
        name: "a",
        balance: "p2c",
        connectTimeoutMs: 1000,
        retries: 3,
        servers: [serverPlan("10.0.0.1:1", { address: address(1, 1) })],
      }),
      backendPlan({
        name: "b",
        balance: "round_robin",
        connectTimeoutMs: 2000,
        retries: 1,
        // Servers are numbered through all backends.
        servers: [
          serverPlan("two", { weight: 4, backup: true, address: address(2, 2) }),
          serverPlan("10.0.0.3:3", { address: address(3, 3) }),
        ],
      }),
    ],
  });
});

Deno.test("lists, limits and rates of a listener come with it, and what is sent to servers", () => {
  const text = `
listeners:
  web:
    bind: ["10.0.0.9:80", "unix:/run/web.sock"]
    backend: a
    proxy_protocol: true
    trusted_proxies: [10.0.0.0/8]
    allow: [10.0.0.0/8, "fd00::/8"]
    deny: [10.0.0.1]
    timeouts: { proxy_header: 1s }
    limits:
      connections_per_ip: 3
      connection_rate: 100/s
      connection_rate_per_ip: { rate: 60/m, burst: 5 }
backends:
  a: { servers: [10.0.0.1:1], proxy_protocol: v2, socket: { keepalive: true, dscp: 46 } }
`;
  const own = socket(20, { family: AF_INET, isWildcard: false });
  const shared = socket(21, { family: AF_UNIX, isWildcard: false });
  const { listeners, backends } = planOf(text, 0, [[[own, shared], [shared]]]);
  assert.deepEqual(listeners[0], {
    ...PLAIN,
    name: "web",
    sockets: [own, shared],
    backend: 0,
    trustedProxies: ["10.0.0.0/8"],
    allow: ["10.0.0.0/8", "fd00::/8"],
    deny: ["10.0.0.1/32"],
    proxyHeaderTimeoutMs: 1000,
    connectionsPerIpMax: 3,
    connectionRate: { perSecond: 100, burst: 100 },
    connectionRatePerIp: { perSecond: 1, burst: 5 },
  });
  assert.equal(backends[0].proxyProtocol, "v2");
  assert.deepEqual(backends[0].socket, { keepalive: 1, dscp: 46 });
});

Deno.test("routes lead to backends by number; a listener may have no other way", () => {
  const text = `
listeners:
  tls:
    bind: ":443"
    protocol: tls
    tls: passthrough
    timeouts: { client_hello: 2s }
    routes:
      - { match: [one.example, "*.one.example"], backend: b }
      - { name: mail, match: { sni: two.example, alpn: imap }, backend: a, allow: [10.0.0.1] }
backends:
  a: { servers: [10.0.0.1:1], transparent: true }
  b: { servers: [10.0.0.2:2], balance: consistent_hash, hash_on: sni }
`;
  const { listeners, backends } = planOf(text, 0, [[[socket(20)], [socket(21)]]]);
  assert.equal(listeners[0].protocol, "tls");
  assert.equal(listeners[0].backend, -1);
  assert.equal(listeners[0].clientHelloTimeoutMs, 2000);
  assert.deepEqual(listeners[0].routes, [
    { sni: ["one.example", "*.one.example"], alpn: [], backend: 1, subset: 0, allow: [], deny: [] },
    {
      sni: ["two.example"],
      alpn: ["imap"],
      backend: 0,
      subset: 0,
      allow: ["10.0.0.1/32"],
      deny: [],
    },
  ]);
  assert.deepEqual(backends.map(({ hashOn }) => hashOn), [[], ["sni"]]);
  assert.deepEqual(backends.map(({ isTransparent }) => isTransparent), [true, false]);
});

Deno.test("what listeners and routes want of a backend is a subset of it, each once", () => {
  const text = `
zone: here
listeners:
  all: { bind: ":80", backend: a }
  new: { bind: ":81", backend: a, subset: { version: v2 } }
  tls:
    bind: ":443"
    protocol: tls
    tls: passthrough
    backend: a
    routes: [{ match: new.example, backend: a, subset: { version: v2 } }]
backends:
  a:
    - { address: 10.0.0.1:1, labels: { version: v1 }, zone: here }
    - { address: 10.0.0.2:1, labels: { version: v2, tier: gold }, zone: there }
    - { address: 10.0.0.3:1, labels: { version: v2 } }
`;
  const sockets = [[socket(20)], [socket(21)]];
  const { listeners, backends } = planOf(text, 0, [sockets, sockets, sockets]);
  assert.deepEqual(backends[0].subsets, [[0, 1, 2], [1, 2]]);
  assert.deepEqual(listeners.map(({ subset }) => subset), [0, 1, 0]);
  assert.equal(listeners[2].routes[0].subset, 1);
  assert.deepEqual(backends[0].servers.map((each) => each.isForeignZone), [false, true, false]);
});

Deno.test("a UDP listener has what flows need", () => {
  const text = `
listeners:
  dns:
    bind: ":53"
    protocol: udp
    backend: a
    udp: { responses: 1, idle_timeout: 5s, flows: 100 }
backends:
  a: { servers: [10.0.0.1:1], balance: consistent_hash, hash_on: quic_connection_id }
`;
  const { listeners, backends } = planOf(text, 0, [[[socket(20)], [socket(21)]]]);
  assert.equal(listeners[0].idleTimeoutMs, 5000);
  assert.deepEqual(listeners[0].udp, { responses: 1, flowsMax: 100 });
  assert.deepEqual(backends[0].hashOn, ["quic_connection_id"]);
});

Deno.test("a plan travels as one line of JSON", () => {
  const text = `
listeners: { web: { bind: ":80", backend: a, deny: [10.0.0.1] } }
backends: { a: ["10.0.0.1:1", "app.internal:2", "unix:/run/app.sock"] }
`;
  const plan = planOf(text, 0, [[[socket(20)], [socket(21)]]]);
  const line = JSON.stringify(plan);
  assert.deepEqual(JSON.parse(line), plan);
  assert.ok(!line.includes("\n"));
});
