/**
 * For the tests of this folder: configurations with every key in every form, as values, at random.
 *
 * They hold what is written right; which keys fit together is left to chance, so that a test has to
 * count how many are accepted.
 */
import fc from "fast-check";
import { BALANCE_NAMES, IO_CHOICES, LOG_FORMATS } from "./config.ts";

const duration = fc.constantFrom("1ms", "5s", "10m", "1h30m", "576h");
const optional = { requiredKeys: [] as [] };
const server = fc.oneof(
  fc.constantFrom("a:1", "10.0.0.1:65535", "[fd00::1]:80", "my_app.internal:8080", "unix:/x"),
  fc.record({
    address: fc.constantFrom("b:1", "[::ffff:1.2.3.4]:1"),
    name: fc.constantFrom("one", "[x]:1", "a.b-c_d"),
    weight: fc.integer({ min: 1, max: 256 }),
    backup: fc.boolean(),
    zone: fc.constantFrom("a", "eu-1a"),
    labels: fc.constantFrom({ v: "1" }, { "a/b": "c.d", e: "f" }),
    connections: fc.integer({ min: 1, max: 1 << 24 }),
  }, { requiredKeys: ["address"] }),
  fc.record({
    address: fc.constant("c:1"),
    name: fc.constant("c"),
    priority: fc.constantFrom(0, 1),
  }),
);
const servers = fc.uniqueArray(server, {
  minLength: 1,
  maxLength: 4,
  selector: (each) => typeof each === "string" ? each : each.name ?? each.address,
});
const count = fc.integer({ min: 1, max: 1 << 24 });
const ranges = fc.constantFrom(["10.0.0.0/8"], ["::/0", "192.0.2.1"]);
const rate = fc.oneof(
  fc.constantFrom("1/s", "6000/m", "5/h"),
  fc.record({ rate: fc.constant("100/s"), burst: count }, { requiredKeys: ["rate"] }),
);
const limits = fc.record({
  connections: fc.constant(1 << 24),
  connections_per_ip: count,
  connection_rate: rate,
  connection_rate_per_ip: rate,
}, optional);
const address = fc.constantFrom(
  ":80",
  "10.0.0.1:0",
  "[::]:443",
  "[::ffff:1.2.3.4]:1-9",
  "systemd:a",
);
const seconds = fc.constantFrom("1s", "10m");
const percentage = fc.constantFrom("1%", "2.5%", "100%");
const overload = fc.record({
  busy: fc.oneof(percentage, fc.constant("off")),
  memory: fc.oneof(percentage, fc.constant("off")),
  files: percentage,
  buffers: percentage,
}, optional);
const exchange = fc.record({
  send: fc.constantFrom("PING\\r\\n", "\\x00→", "PING\r\n"),
  expect: fc.constantFrom("+PONG", "\\\\"),
}, { requiredKeys: ["send"] });
const times = {
  interval: fc.constantFrom("10s", "1m"),
  timeout: fc.constantFrom("1ms", "10s"),
};
const checkTimes = {
  ...times,
  rise: fc.integer({ min: 1, max: 100 }),
  fall: fc.integer({ min: 1, max: 100 }),
  fast_interval: fc.constantFrom("10ms", "10s"),
  initial: fc.constantFrom("up", "down"),
  address: fc.constantFrom("::1", "10.0.0.1", "App.internal"),
  port: fc.integer({ min: 1, max: 65_535 }),
};
const healthCheck = fc.oneof(
  fc.constantFrom("tcp", "/", "/healthz?a=b"),
  fc.record({ tcp: fc.oneof(fc.constant(true), exchange), ...checkTimes }, {
    requiredKeys: ["tcp"],
  }),
  fc.record({ udp: exchange, ...checkTimes }, { requiredKeys: ["udp"] }),
  fc.record({ grpc: fc.constantFrom(true, "a.B"), ...checkTimes }, { requiredKeys: ["grpc"] }),
  fc.record({ dns: fc.constantFrom("a.b", ". NS", "_a.b. TXT") }),
  fc.record({
    path: fc.constantFrom("/", "/a%20b?c=d&e"),
    method: fc.constantFrom("GET", "PROPFIND"),
    host: fc.constantFrom("a.b", "[::1]:80", "10.0.0.1"),
    headers: fc.constantFrom({}, { "x-a": "b c", accept: "*/*" }),
    expect: fc.constantFrom<unknown>(204, "200-299", [200, "300-399"]),
    body: fc.constantFrom("ok", "é\n"),
    ...checkTimes,
  }, { requiredKeys: ["path"] }),
);
const resilience = {
  retry_budget: fc.oneof(percentage, fc.constant("0%")),
  limits: fc.record({ connections: count, pending: fc.nat(9), queue_timeout: duration }, optional),
  health_check: healthCheck,
  agent_check: fc.oneof(
    fc.constant(9),
    fc.record({
      port: fc.constant(9),
      send: fc.constant("a\\n"),
      address: fc.constant("::1"),
      ...times,
    }, {
      requiredKeys: ["port", "address"],
    }),
  ),
  outlier_detection: fc.oneof(
    fc.boolean(),
    fc.record({
      errors: fc.integer({ min: 1, max: 1000 }),
      window: fc.constant("1s"),
      eject: fc.constant("1s"),
      max_eject: fc.constant("1m"),
      max_ejected: percentage,
    }, optional),
  ),
  circuit_breaker: fc.oneof(
    fc.boolean(),
    fc.record({
      errors: percentage,
      window: fc.constant("1s"),
      connections: count,
      open: fc.constant("1s"),
      trials: fc.integer({ min: 1, max: 1000 }),
    }, optional),
  ),
  slow_start: duration,
  panic_threshold: fc.oneof(percentage, fc.constant("0%")),
  on_down: fc.constantFrom("keep", "close"),
};
/** A listener of tls, which has nearly every key. */
const stream = fc.record({
  bind: fc.oneof(
    address,
    fc.constant("unix:/run/x"),
    fc.tuple(fc.record({
      address: fc.constant("unix:/run/y"),
      mode: fc.constantFrom("0660", "777"),
      owner: fc.constantFrom("root", 0),
      group: fc.constantFrom("www-data", "33", 33),
    }, { requiredKeys: ["address"] })),
  ),
  protocol: fc.constant("tls"),
  tls: fc.constant("passthrough"),
  backend: fc.constant("app"),
  routes: fc.array(
    fc.record({
      match: fc.constantFrom(
        ...["a.com", ["*.b.com", "C.com"], { sni: "d.com", alpn: ["h2"] }, { alpn: "acme-tls/1" }],
      ),
      backend: fc.constant("app"),
      allow: ranges,
    }, { requiredKeys: ["match", "backend"] }),
    { minLength: 1, maxLength: 3 },
  ),
  timeouts: fc.record({ idle: duration, half_close: duration, client_hello: duration }, optional),
  limits,
  socket: fc.record({
    nodelay: fc.boolean(),
    keepalive: fc.oneof(
      fc.boolean(),
      fc.record({ idle: seconds, interval: seconds, count: fc.constantFrom(1, 127) }, optional),
    ),
    user_timeout: duration,
    backlog: fc.constantFrom(1, 65_535),
    defer_accept: seconds,
    fast_open: fc.constantFrom(1, 65_535),
  }, optional),
}, { requiredKeys: ["bind", "protocol", "tls", "backend"] });
const datagram = fc.record({
  bind: address,
  protocol: fc.constant("udp"),
  backend: fc.constant("app"),
  udp: fc.record({ responses: fc.nat(65_535), idle_timeout: duration, flows: count }, optional),
  deny: ranges,
  limits,
  socket: fc.record({ receive_buffer: fc.constantFrom("4KiB", "64MiB") }, optional),
}, { requiredKeys: ["bind", "protocol", "backend"] });
/** Most of them the check accepts; what it refuses are keys that do not fit together. */
export const CONFIGURATION = fc.record({
  version: fc.constantFrom(1, "1"),
  workers: fc.oneof(fc.constant("auto"), fc.integer({ min: 1, max: 256 })),
  io: fc.constantFrom(...IO_CHOICES),
  hardening: fc.constantFrom("on", "off"),
  user: fc.constantFrom("www-data", "ringway", 65532, "0"),
  group: fc.constantFrom("nogroup", 33),
  log: fc.oneof(
    fc.constantFrom("debug", "warn"),
    fc.record({
      level: fc.constantFrom("info", "error"),
      format: fc.constantFrom(...LOG_FORMATS),
    }, optional),
  ),
  drain: fc.oneof(duration, fc.record({ delay: duration, timeout: duration }, optional)),
  admin: fc.oneof(fc.constant(false), fc.constant({ bind: "unix:/run/x.sock" })),
  "x-note": fc.constant("a note"),
  zone: fc.constantFrom("a", "eu-1a"),
  overload,
  limits: fc.record({ connections: count }, optional),
  listeners: fc.oneof(stream, datagram).map((web) => ({ web })),
  backends: fc.oneof(
    servers,
    fc.record({
      servers,
      balance: fc.constantFrom(...BALANCE_NAMES),
      proxy_protocol: fc.constant("v2"),
      socket: fc.record(
        { send_buffer: fc.constantFrom("4KiB", "1MiB"), dscp: fc.nat(63) },
        optional,
      ),
      timeouts: fc.record({ connect: duration }, optional),
      retries: fc.nat(10),
      ...resilience,
    }, { requiredKeys: ["servers"] }),
    fc.record({
      servers,
      balance: fc.constant("consistent_hash"),
      hash_on: fc.constantFrom<unknown>("source_ip", ["source_ip", "source_port"]),
      load_factor: fc.constantFrom(1.05, 2, 10),
      rebalance: fc.record({ budget: fc.constantFrom("1%/m", "0.5%/s", "100%/h") }),
    }, { requiredKeys: ["servers", "balance"] }),
  ).map((app) => ({ app })),
}, { requiredKeys: ["listeners", "backends"] });
