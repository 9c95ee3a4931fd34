import assert from "node:assert/strict";
import { completed, configOf } from "./test_reading.ts";

const BACKENDS = "backends: { app: [a:1] }\n";

function listenerOf(keys: string) {
  return configOf(`listeners: { web: { backend: app, ${keys} } }\n${BACKENDS}`).listeners[0];
}

function backendOf(keys: string) {
  return configOf(completed(`backends:\n  app: { servers: [a:1], ${keys} }`)).backends[0];
}

const EVERY_KEY = `
version: 1
workers: 3
io: epoll
hardening: off
user: 65532
group: www-data
log: { level: debug, format: json }
drain: { delay: 5s, timeout: 1m }
admin: { bind: "unix:/run/x.sock" }
limits: { connections: 100000 }
zone: eu-1a
overload: { busy: 97.5%, memory: off, files: 98%, buffers: 80% }
listeners:
  web:
    bind: ["[::1]:443", { address: "unix:/run/w", mode: "0660", owner: ringway, group: 33 }]
    protocol: tcp
    backend: app
    subset: { version: "2" }
    proxy_protocol: true
    trusted_proxies: [10.0.0.0/8, "::1"]
    allow: [0.0.0.0/0]
    deny: [192.0.2.1]
    timeouts: { idle: 1h, half_close: 500ms, proxy_header: 1s }
    limits:
      connections: 9
      connections_per_ip: 2
      connection_rate: { rate: 6000/m, burst: 500 }
      connection_rate_per_ip: 1/h
    socket: { nodelay: false, backlog: 128, defer_accept: 5s, fast_open: 256, dscp: 46 }
backends:
  app:
    servers:
      - { address: App:80, name: one, weight: 0, backup: true }
      - address: 10.0.0.1:2
        zone: eu-1a
        labels: { version: "2", track: canary }
        connections: 50
      - { address: 10.0.0.2:2, priority: 1 }
    balance: consistent_hash
    hash_on: [source_ip, source_port]
    load_factor: 1.25
    proxy_protocol: v2
    transparent: true
    timeouts: { connect: 1s }
    retries: 2
    retry_budget: 12.5%
    limits: { connections: 1000, pending: 10, queue_timeout: 1s }
    circuit_breaker: { errors: 25%, window: 20s, connections: 50, open: 30s, trials: 5 }
    health_check:
      path: /healthz
      method: HEAD
      host: app.internal
      headers: { x-check: "1" }
      expect: [200, 301-302]
      interval: 2s
      timeout: 1500ms
      rise: 3
      fall: 4
      fast_interval: 500ms
      initial: down
      address: "FD00::01"
      port: 8081
    agent_check: { port: 8082, address: Agents.internal, send: 'app\\n', interval: 3s, timeout: 1s }
    outlier_detection: { errors: 3, window: 5s, eject: 20s, max_eject: 2m, max_ejected: 75% }
    slow_start: 30s
    panic_threshold: 25%
    on_down: close
    rebalance: { budget: 60%/m }
    socket: { keepalive: true, fast_open: true }
`;

Deno.test("every key of the file and of a TCP listener may be set", () => {
  const { backends: _, ...config } = configOf(EVERY_KEY);
  assert.deepEqual(config, {
    workers: 3,
    io: "epoll",
    log: { level: "debug", format: "json" },
    drain: { delayMs: 5000, timeoutMs: 60_000 },
    admin: { path: "/run/x.sock" },
    connectionsMax: 100_000,
    zone: "eu-1a",
    overload: { busy: 0.975, memory: Infinity, files: 0.98, buffers: 0.8 },
    hardening: false,
    user: "65532",
    group: "www-data",
    listeners: [{
      name: "web",
      binds: [
        { kind: "ip", host: "::1", port: 443, lastPort: 443, text: "[::1]:443" },
        {
          ...{ kind: "unix", path: "/run/w", text: "unix:/run/w" },
          ...{ mode: 0o660, owner: "ringway", group: "33" },
        },
      ],
      protocol: "tcp",
      backend: "app",
      subset: { version: "2" },
      routes: [],
      trustedProxies: ["10.0.0.0/8", "::1/128"],
      allow: ["0.0.0.0/0"],
      deny: ["192.0.2.1/32"],
      idleTimeoutMs: 3_600_000,
      halfCloseTimeoutMs: 500,
      clientHelloTimeoutMs: 10_000,
      proxyHeaderTimeoutMs: 1000,
      connectionsMax: 9,
      connectionsPerIpMax: 2,
      connectionRate: { perSecond: 100, burst: 500 },
      connectionRatePerIp: { perSecond: 1 / 3600, burst: 1 },
      udp: null,
      socket: { nodelay: 0, defer_accept: 5, fast_open: 256, dscp: 46 },
      backlog: 128,
      position: { line: 15, column: 3 },
    }],
  });
});

Deno.test("every key of a backend and its servers may be set", () => {
  const server = {
    ...{ unixPath: null, demo: null, weight: 1, backup: false, priority: 0, zone: null },
    ...{ labels: {}, connectionsMax: 0 },
  };
  assert.deepEqual(configOf(EVERY_KEY).backends, [{
    name: "app",
    servers: [
      { ...server, name: "one", host: "app", port: 80, weight: 0, backup: true },
      {
        ...{ ...server, name: "10.0.0.1:2", host: "10.0.0.1", port: 2, zone: "eu-1a" },
        ...{ labels: { version: "2", track: "canary" }, connectionsMax: 50 },
      },
      { ...server, name: "10.0.0.2:2", host: "10.0.0.2", port: 2, priority: 1 },
    ],
    balance: "consistent_hash",
    hashOn: ["source_ip", "source_port"],
    loadFactor: 1.25,
    proxyProtocol: "v2",
    transparent: true,
    connectTimeoutMs: 1000,
    retries: 2,
    retryBudget: 0.125,
    connectionsMax: 1000,
    pendingMax: 10,
    queueTimeoutMs: 1000,
    circuitBreaker: {
      ...{ errors: 0.25, windowMs: 20_000, connections: 50, openMs: 30_000, trials: 5 },
    },
    healthCheck: {
      probe: {
        kind: "http",
        method: "HEAD",
        path: "/healthz",
        host: "app.internal",
        headers: { "x-check": "1" },
        status: [[200, 200], [301, 302]],
        body: null,
      },
      host: "fd00::1",
      port: 8081,
      intervalMs: 2000,
      fastIntervalMs: 500,
      timeoutMs: 1500,
      rise: 3,
      fall: 4,
      initial: "down",
    },
    agentCheck: {
      ...{ host: "agents.internal", port: 8082, send: "app\n" },
      ...{ intervalMs: 3000, timeoutMs: 1000 },
    },
    ejection: {
      ...{ errors: 3, windowMs: 5000, ejectMs: 20_000, ejectMsMax: 120_000, ejectedMax: 0.75 },
    },
    slowStartMs: 30_000,
    panicThreshold: 0.25,
    onDown: "close",
    rebalancePerSecond: 0.01,
    socket: { keepalive: 1, fast_open: 1 },
  }]);
});

Deno.test("a bind is one form or a list of them, each text or map", () => {
  const port = { kind: "ip", host: "", port: 80, lastPort: 80, text: ":80" };
  assert.deepEqual(listenerOf("bind: ':80'").binds, [port]);
  assert.deepEqual(listenerOf("bind: { address: ':80' }").binds, [port]);
  assert.deepEqual(listenerOf("bind: [':80', { address: 'systemd:web' }]").binds, [
    port,
    { kind: "systemd", name: "web", text: "systemd:web" },
  ]);
  const range = { host: "10.0.0.1", port: 8000, lastPort: 8010, text: "10.0.0.1:8000-8010" };
  assert.deepEqual(listenerOf("bind: 10.0.0.1:8000-8010").binds, [{ kind: "ip", ...range }]);
  assert.deepEqual(listenerOf("bind: 'unix:/run/x'").binds, [
    { kind: "unix", path: "/run/x", mode: null, owner: null, group: null, text: "unix:/run/x" },
  ]);
});

Deno.test("a listener of tls has routes, its backend is the last resort and may be missing", () => {
  const tls = "bind: ':80', protocol: tls, tls: passthrough";
  const config = configOf(`
listeners:
  web:
    bind: ":443"
    protocol: tls
    tls: passthrough
    routes:
      - { match: WWW.Example.com, backend: app, name: www }
      - { match: ["*.example.com", example.com], backend: app, allow: [10.0.0.1] }
      - { match: { sni: a.net, alpn: [h2, http/1.1] }, backend: app, deny: ["::/0"] }
      - { match: { alpn: acme-tls/1 }, backend: app }
    timeouts: { client_hello: 5s }
${BACKENDS}`);
  const [listener] = config.listeners;
  assert.equal(listener.backend, null);
  assert.equal(listener.clientHelloTimeoutMs, 5000);
  const app = { name: "", backend: "app", sni: [], alpn: [], subset: {}, allow: [], deny: [] };
  assert.deepEqual(listener.routes, [
    { ...app, name: "www", sni: ["www.example.com"] },
    { ...app, sni: ["*.example.com", "example.com"], allow: ["10.0.0.1/32"] },
    { ...app, sni: ["a.net"], alpn: ["h2", "http/1.1"], deny: ["::/0"] },
    { ...app, alpn: ["acme-tls/1"] },
  ]);
  assert.equal(listenerOf(tls).backend, "app");
});

Deno.test("a listener of udp has flows, which rest as long as its own timeout says", () => {
  const bare = listenerOf("bind: ':53', protocol: udp");
  assert.deepEqual(bare.udp, { responses: 0, flowsMax: 65_536 });
  assert.equal(bare.idleTimeoutMs, 30_000);
  const keys = "udp: { responses: 1, idle_timeout: 5s, flows: 10 }";
  const dns = listenerOf(`bind: ':53', protocol: udp, ${keys}`);
  assert.deepEqual(dns.udp, { responses: 1, flowsMax: 10 });
  assert.equal(dns.idleTimeoutMs, 5000);
});

Deno.test("a rate without a burst allows as many at once as per second, and at least one", () => {
  const burst = (rate: string) =>
    listenerOf(`bind: ':80', limits: { connection_rate: ${rate} }`).connectionRate?.burst;
  assert.equal(burst("100/s"), 100);
  assert.equal(burst("90/m"), 2);
  assert.equal(burst("1/h"), 1);
  assert.equal(burst("{ rate: 1/h, burst: 5 }"), 5);
  assert.equal(listenerOf("bind: ':80'").connectionRate, null);
});

Deno.test("socket options are numbers in the units of the kernel", () => {
  const socket = "receive_buffer: 64KiB, send_buffer: 1MiB, user_timeout: 1m30s, " +
    "keepalive: { idle: 2m, interval: 10s, count: 3 }";
  const expected = {
    receive_buffer: 65_536,
    send_buffer: 1_048_576,
    user_timeout: 90_000,
    keepalive: 1,
    keepalive_idle: 120,
    keepalive_interval: 10,
    keepalive_count: 3,
  };
  assert.deepEqual(listenerOf(`bind: ':80', socket: { ${socket} }`).socket, expected);
  assert.deepEqual(backendOf(`socket: { ${socket} }`).socket, expected);
  assert.deepEqual(listenerOf("bind: ':80', socket: { keepalive: false }").socket, {
    keepalive: 0,
  });
  assert.deepEqual(backendOf("socket: { fast_open: false }").socket, { fast_open: 0 });
  assert.deepEqual(backendOf("socket: { keepalive: {} }").socket, { keepalive: 1 });
});

Deno.test("a server may be a unix socket, which is called by its path unless it has a name", () => {
  const text = completed("backends:\n  app: [unix:/run/a.sock, { address: unix:/run/b, name: b }]");
  const [backend] = configOf(text).backends;
  const server = {
    ...{ host: "", port: 0, weight: 1, backup: false, demo: null, priority: 0, zone: null },
    ...{ labels: {}, connectionsMax: 0 },
  };
  assert.deepEqual(backend.servers, [
    { ...server, name: "unix:run:a.sock", unixPath: "/run/a.sock" },
    { ...server, name: "b", unixPath: "/run/b" },
  ]);
});

Deno.test("hashing is by what was said, and by source address when nothing was", () => {
  const hashed = "balance: consistent_hash";
  assert.deepEqual(backendOf(hashed).hashOn, ["source_ip"]);
  assert.deepEqual(backendOf("balance: first").hashOn, []);
  const config = configOf(`
listeners:
  web: { bind: ":443", protocol: tls, tls: passthrough, backend: names }
  quic: { bind: ":443", protocol: udp, backend: ids }
backends:
  names: { servers: [a:1], ${hashed}, hash_on: sni }
  ids: { servers: [a:1], ${hashed}, hash_on: quic_connection_id }
`);
  assert.deepEqual(config.backends.map(({ hashOn }) => hashOn), [["sni"], ["quic_connection_id"]]);
});
