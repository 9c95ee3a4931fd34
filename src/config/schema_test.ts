import assert from "node:assert/strict";
import { completed, configOf, problemsOf } from "./test_reading.ts";

const WITH_APP = "backends:\n  app: [10.0.0.1:80]\n";

function listenerOf(keys: string) {
  const listeners = `listeners:\n  web: { bind: ':80', backend: app${keys} }\n`;
  return configOf(listeners + WITH_APP).listeners[0];
}

function backendOf(value: string) {
  return configOf(completed(`backends:\n  app: ${value}\n`)).backends[0];
}

/** Problems of one value: `key: value` in a listener, a backend, a server, or at the top. */
function problemsIn(where: "listener" | "backend" | "server" | "top", line: string): string[] {
  const text = {
    listener: `listeners:\n  web: { bind: ':80', backend: app, ${line} }`,
    backend: `backends:\n  app: { servers: [a:1], ${line} }`,
    server: `backends:\n  app: [{ address: a:1, ${line} }, b:1]`,
    top: line,
  }[where];
  return problemsOf(completed(text)).map((problem) => problem.replace(/^\S+ /, ""));
}

Deno.test("the smallest configuration has every default of the file and of listeners", () => {
  const { backends: _, ...config } = configOf(completed(""));
  assert.deepEqual(config, {
    workers: "auto",
    io: "auto",
    log: { level: "info", format: "auto" },
    drain: { delayMs: 0, timeoutMs: 25_000 },
    admin: null,
    connectionsMax: 0,
    zone: null,
    overload: { busy: Infinity, memory: 0.95, files: Infinity, buffers: Infinity },
    hardening: true,
    user: null,
    group: null,
    listeners: [{
      name: "web",
      binds: [{ kind: "ip", host: "", port: 8080, lastPort: 8080, text: ":8080" }],
      protocol: "tcp",
      backend: "app",
      subset: {},
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
      socket: {},
      backlog: 4096,
      position: { line: 3, column: 3 },
    }],
  });
});

Deno.test("the smallest configuration has every default of backends and servers", () => {
  assert.deepEqual(configOf(completed("")).backends, [{
    name: "app",
    servers: [{
      name: "10.0.0.1:80",
      host: "10.0.0.1",
      port: 80,
      unixPath: null,
      weight: 1,
      backup: false,
      priority: 0,
      zone: null,
      labels: {},
      connectionsMax: 0,
      demo: null,
    }],
    balance: "round_robin",
    hashOn: [],
    loadFactor: 0,
    proxyProtocol: null,
    transparent: false,
    connectTimeoutMs: 2000,
    retries: 1,
    retryBudget: 0.2,
    connectionsMax: 0,
    pendingMax: 128,
    queueTimeoutMs: 5000,
    circuitBreaker: null,
    healthCheck: null,
    agentCheck: null,
    ejection: {
      errors: 5,
      windowMs: 10_000,
      ejectMs: 10_000,
      ejectMsMax: 300_000,
      ejectedMax: 0.5,
    },
    slowStartMs: 0,
    panicThreshold: 0.5,
    onDown: "keep",
    rebalancePerSecond: 0,
    socket: {},
  }]);
});

Deno.test("short forms are the long ones with defaults", () => {
  assert.deepEqual(backendOf("[a:1, b:2]"), backendOf("{ servers: [a:1, b:2] }"));
  assert.deepEqual(backendOf("[a:1]"), backendOf("[{ address: a:1 }]"));
  const top = (line: string) => configOf(completed(line));
  assert.deepEqual(top("log: warn"), top("log: { level: warn }"));
  assert.deepEqual(top("drain: 10s"), top("drain: { timeout: 10s }"));
  assert.equal(top("admin: false").admin, false);
  assert.equal(top("workers: auto").workers, "auto");
});

Deno.test("hashing is by source address when nothing else is said", () => {
  const hashOn = (balance: string) => backendOf(`{ servers: [a:1], balance: ${balance} }`).hashOn;
  assert.deepEqual(hashOn("consistent_hash"), ["source_ip"]);
  assert.deepEqual(hashOn("first"), []);
});

Deno.test("bounds are within the range", () => {
  assert.equal(configOf(completed("workers: 256")).workers, 256);
  assert.equal(listenerOf(", limits: { connections: 16777216 }").connectionsMax, 1 << 24);
  assert.equal(listenerOf(", timeouts: { idle: 576h }").idleTimeoutMs, 576 * 3_600_000);
  assert.equal(backendOf("[{ address: a:1, weight: 256 }]").servers[0].weight, 256);
  assert.equal(backendOf("{ servers: [a:1], retries: 10 }").retries, 10);
  assert.deepEqual(configOf(completed("drain: 0s")).drain, { delayMs: 0, timeoutMs: 0 });
});

Deno.test("numbers beyond their range, fractions and texts are refused", () => {
  const weight = "weight must be a whole number from 0 to 256, found";
  assert.deepEqual(problemsIn("server", "weight: 257"), [`${weight} 257`]);
  assert.deepEqual(problemsIn("server", "weight: -1"), [`${weight} -1`]);
  assert.deepEqual(problemsIn("server", "weight: 0.5"), [`${weight} 0.5`]);
  assert.deepEqual(problemsIn("server", "weight: .inf"), [`${weight} Infinity`]);
  assert.deepEqual(problemsIn("server", "weight: many"), [`${weight} "many"`]);
  assert.deepEqual(problemsIn("server", "weight: '2'"), [
    `${weight} "2" -> write 2 without quotes`,
  ]);
  assert.deepEqual(problemsIn("server", "weight: [2]"), [`${weight} a list`]);
  assert.deepEqual(problemsIn("backend", "retries: 11"), [
    "retries must be a whole number from 0 to 10, found 11",
  ]);
  assert.deepEqual(problemsIn("listener", "limits: { connections: 0 }"), [
    "connections must be a whole number from 1 to 16777216, found 0 -> " +
    "leave the key out for no limit",
  ]);
  const workers = "workers must be auto or a whole number from 1 to 256, found";
  assert.deepEqual(problemsIn("top", "workers: many"), [`${workers} "many"`]);
  assert.deepEqual(problemsIn("top", "workers: '4'"), [
    `${workers} "4" -> write 4 without quotes`,
  ]);
  assert.deepEqual(problemsIn("top", "workers: true"), [`${workers} true`]);
});

Deno.test("durations need a unit, and fit between their bounds", () => {
  const idle = (value: string) => problemsIn("listener", `timeouts: { idle: ${value} }`);
  assert.deepEqual(idle("30"), ['idle needs a unit: 30 -> "30s"']);
  assert.deepEqual(idle("0.5"), ['idle needs a unit: 0.5 -> "500ms"']);
  assert.deepEqual(idle("500"), ['idle needs a unit: 500 -> "500ms"']);
  assert.deepEqual(idle("300000"), ['idle needs a unit: 300000 -> "5m"']);
  assert.deepEqual(idle("'30'"), ['idle needs a unit: 30 -> "30s"']);
  assert.deepEqual(idle("1 min"), ['idle must be a duration, found "1 min" -> write "1m"']);
  assert.deepEqual(idle("0s"), ['idle must be at least "1ms", found "0s"']);
  assert.deepEqual(idle("0"), ['idle must be at least "1ms", found 0']);
  assert.deepEqual(idle("577h"), ['idle must be at most "576h", found "577h"']);
  assert.deepEqual(idle("9999999"), ['idle must be at most "576h", found 9999999']);
  assert.deepEqual(idle("soon"), ['idle must be a duration such as "30s", found "soon"']);
  assert.deepEqual(idle("true"), ['idle must be a duration such as "30s", found true']);
  assert.deepEqual(idle("{}"), ['idle must be a duration such as "30s", found a map']);
});

Deno.test("an unknown key suggests the one that was meant, in its section", () => {
  assert.deepEqual(problemsIn("listener", "limit: { connections: 1 }"), [
    'unknown key "limit" in listener "web" -> did you mean "limits"?',
  ]);
  assert.deepEqual(problemsIn("server", "wieght: 2"), [
    'unknown key "wieght" in server 1 of backend "app" -> did you mean "weight"?',
  ]);
  assert.deepEqual(problemsIn("backend", "timeouts: { conect: 2s }"), [
    'unknown key "conect" in "timeouts" of backend "app" -> did you mean "connect"?',
  ]);
  assert.deepEqual(problemsIn("top", "drian: 2s"), [
    'unknown key "drian" -> did you mean "drain"?',
  ]);
});

Deno.test("other spellings of a key are understood: case, hyphens, other balancers' words", () => {
  const suggestion = (where: "listener" | "backend" | "top", line: string) =>
    problemsIn(where, line)[0].replace(/^.* -> /, "");
  assert.equal(
    suggestion("listener", "timeouts: { half-close: 1s }"),
    'did you mean "half_close"?',
  );
  assert.equal(suggestion("listener", "Timeouts: {}"), 'did you mean "timeouts"?');
  assert.equal(suggestion("listener", "maxconn: 10"), 'that is "connections" in "limits" here');
  assert.equal(suggestion("backend", "algorithm: first"), 'did you mean "balance"?');
  assert.equal(suggestion("top", "nbthread: 2"), 'did you mean "workers"?');
});

Deno.test("an unknown key that resembles nothing is told the known ones", () => {
  assert.deepEqual(problemsIn("server", "flavour: 3"), [
    'unknown key "flavour" in server 1 of backend "app" -> ' +
    "known: address, name, weight, backup, priority, zone, labels, connections",
  ]);
});

Deno.test("a key of a later version is told as that, misspelt too", () => {
  assert.deepEqual(problemsIn("backend", "discover: tcp"), [
    '"discover" is not supported by this version yet',
  ]);
  assert.deepEqual(problemsIn("listener", "request-headers: {}"), [
    'unknown key "request-headers" in listener "web" -> ' +
    '"request_headers" is not supported by this version yet',
  ]);
});

Deno.test("a missing key is told at its map; not when another stands in its place", () => {
  const listeners = (value: string) => problemsOf(`listeners:\n  web: ${value}\n${WITH_APP}`);
  assert.deepEqual(listeners("{ bind: ':80' }"), ['2:3 "backend" is missing in listener "web"']);
  assert.deepEqual(listeners("{ bind: ':80', bakend: app }"), [
    '2:23 unknown key "bakend" in listener "web" -> did you mean "backend"?',
  ]);
  assert.deepEqual(listeners("{ bind: ':80', routes: [] }"), [
    "2:23 routes needs protocol: tls -> " +
    "routes are chosen by the server names of TLS; otherwise use backend",
    "2:31 routes must hold at least one route",
  ]);
  assert.deepEqual(problemsOf(completed("backends:\n  app: { discover: { dns: a } }")), [
    '2:10 "discover" is not supported by this version yet',
  ]);
});

Deno.test("what is in a misspelt section is checked as well, however deep", () => {
  const text = "listners:\n  web:\n    bnid: 80\n    backend: app\n    timeout: { idel: 5 }\n";
  assert.deepEqual(problemsOf(text + WITH_APP), [
    '1:1 unknown key "listners" -> did you mean "listeners"?',
    '3:5 unknown key "bnid" in listener "web" -> did you mean "bind"?',
    '3:11 bind must be an address, found "80" -> write ":80"',
    '5:5 unknown key "timeout" in listener "web" -> did you mean "timeouts"?',
    '5:16 unknown key "idel" in "timeouts" of listener "web" -> did you mean "idle"?',
    '5:22 idle needs a unit: 5 -> "5s"',
  ]);
});

Deno.test("a misspelt key beside the right one is not taken for it", () => {
  assert.deepEqual(problemsIn("listener", "limits: {}, limit: 5"), [
    'unknown key "limit" in listener "web" -> did you mean "limits"?',
  ]);
});

Deno.test("a value that is not of the choice suggests the nearest, and foreign words", () => {
  const list = "round_robin, least_conn, p2c, random, first, least_latency, consistent_hash";
  const balance = (word: string) => problemsIn("backend", `balance: ${word}`);
  const found = `balance must be one of ${list}, found`;
  assert.deepEqual(balance("randm"), [`${found} "randm" -> did you mean "random"?`]);
  assert.deepEqual(balance("RoundRobin"), [`${found} "RoundRobin" -> did you mean "round_robin"?`]);
  assert.deepEqual(balance("maglev"), [`${found} "maglev" -> did you mean "consistent_hash"?`]);
  assert.deepEqual(balance("ewma"), [`${found} "ewma" -> did you mean "least_latency"?`]);
  assert.deepEqual(balance("quickest"), [`${found} "quickest"`]);
  assert.deepEqual(balance("1"), [`${found} 1`]);
  assert.deepEqual(problemsIn("listener", "protocol: https"), [
    '"https" is not supported by this version yet',
  ]);
  const hashed = "balance: consistent_hash, hash_on";
  assert.deepEqual(problemsIn("backend", `${hashed}: cookie:session`), [
    '"cookie:session" is not supported by this version yet',
  ]);
  assert.deepEqual(problemsIn("backend", `${hashed}: src`), [
    'hash_on must be one of source_ip, source_port, sni, quic_connection_id, found "src" -> ' +
    'did you mean "source_ip"?',
  ]);
  assert.deepEqual(problemsIn("top", "log: { format: plain }"), [
    'format must be one of auto, text, json, found "plain" -> did you mean "text"?',
  ]);
});

Deno.test("a section that is no map says what it holds, and shows one", () => {
  assert.deepEqual(problemsIn("listener", "timeouts: 30s"), [
    "timeouts must be a map of idle, half_close, client_hello, proxy_header, " +
    'found "30s" -> write { idle: 10m }',
  ]);
  assert.deepEqual(problemsIn("top", "log: [info]"), [
    "log must be a level or a map of level, format, found a list",
  ]);
  assert.deepEqual(problemsOf(`listeners: [{ bind: ':80', backend: app }]\n${WITH_APP}`), [
    "1:12 listeners must be a map from names to listeners, found a list -> " +
    'put a name in front of each listener: "NAME:"',
  ]);
  assert.deepEqual(problemsOf(completed("backends:\n  app: a:1")), [
    '2:8 backend "app" must be a list of servers or a map, found "a:1" -> write ["a:1"]',
  ]);
  assert.deepEqual(problemsOf(completed("backends:\n  app: { servers: a:1 }")), [
    '2:19 servers must be a list of servers, found "a:1" -> write ["a:1"]',
  ]);
});

Deno.test("nothing may be empty that must hold something", () => {
  assert.deepEqual(problemsOf("listeners: {}\nbackends: {}"), [
    "1:12 listeners must hold at least one listener",
    "2:11 backends must hold at least one backend",
  ]);
  assert.deepEqual(problemsOf(completed("backends:\n  app: []")), [
    '2:8 backend "app" must hold at least one server',
  ]);
});

Deno.test("counts have bounds", () => {
  const many = (count: number, item: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join("");
  const servers = many(513, (i) => `  - 10.0.${i >> 8}.${i & 255}:80\n`);
  assert.deepEqual(problemsOf(completed(`backends:\n  app:\n${servers}`)), [
    '3:3 backend "app" must hold at most 512 servers, found 513',
  ]);
  const listeners = many(129, (i) => `  l${i}: { bind: ':${i + 1}', backend: app }\n`);
  assert.deepEqual(problemsOf(completed(`listeners:\n${listeners}`)), [
    "2:3 listeners must hold at most 128 listeners, found 129",
  ]);
  const full = servers.split("\n").slice(0, 512).join("\n");
  assert.equal(configOf(completed(`backends:\n  app:\n${full}\n`)).backends[0].servers.length, 512);
});

Deno.test("names are letters, digits and a few marks, not too long", () => {
  const names = ["a", "1", "app-1", "app_1.internal", "[::1]:80", "x".repeat(128)];
  for (const name of names) {
    assert.equal(
      configOf(`listeners:\n  "${name}": { bind: ":80", backend: app }\n${WITH_APP}`)
        .listeners[0].name,
      name,
    );
  }
  const form = "must be made of letters, digits and _ . : - [ ]";
  const hint = "a letter or digit first, at most 128 characters";
  for (const name of ["a b", "-a", "a/b", "ü", "x".repeat(129), ""]) {
    const [problem] = problemsOf(
      `listeners:\n  "${name}": { bind: ":80", backend: app }\n${WITH_APP}`,
    );
    if (name === "") assert.equal(problem, '2:3 a key is missing before ":"');
    else assert.ok(problem.includes(form) && problem.endsWith(` -> ${hint}`), problem);
  }
});

Deno.test("names beginning with x- are for anchors, at the top and nowhere else", () => {
  const text = "x-times: &times { idle: 5s }\nlisteners:\n" +
    "  web: { bind: ':80', backend: app, timeouts: *times }\n";
  assert.equal(configOf(text + WITH_APP).listeners[0].idleTimeoutMs, 5000);
  assert.match(problemsIn("listener", "x-note: 1")[0], /^unknown key "x-note"/);
});

Deno.test("what is wrong in an anchor is told once, not for each alias", () => {
  const text = "x-t: &t { idle: 5, iddle: 1s }\nlisteners:\n" +
    "  a: { bind: ':80', backend: app, timeouts: *t }\n" +
    "  b: { bind: ':81', backend: app, timeouts: *t }\n";
  assert.deepEqual(problemsOf(text + WITH_APP), [
    '1:17 idle needs a unit: 5 -> "5s"',
    '1:20 unknown key "iddle" in "timeouts" of listener "a" -> did you mean "idle"?',
  ]);
});

Deno.test("a substitution is a number where one is wanted, and text where text is", () => {
  const environment = { N: "7", ZEROS: "007", YES: "true", NULL: "null" };
  const text = (value: string) =>
    `workers: \${N}\nlisteners:\n  web: { bind: ":80", backend: "${value}" }\n` +
    `backends:\n  "7": [{ address: a:1, name: "\${N}", weight: "\${N}", backup: "\${YES}" }]\n` +
    `  "007": [b:1]\n  "true": [c:1]\n  "null": [d:1]\n`;
  for (const [value, name] of [["N", "7"], ["ZEROS", "007"], ["YES", "true"], ["NULL", "null"]]) {
    const config = configOf(text(`\${${value}}`), environment);
    assert.equal(config.listeners[0].backend, name);
    assert.equal(config.workers, 7);
    assert.equal(config.backends[0].servers[0].name, "7");
    assert.equal(config.backends[0].servers[0].weight, 7);
  }
  assert.deepEqual(
    problemsOf(completed("workers: ${ZEROS}"), environment),
    ['1:10 workers must be auto or a whole number from 1 to 256, found "007"'],
  );
});

Deno.test("the admin socket is a path, or false", () => {
  const admin = (value: string) => problemsIn("top", `admin: ${value}`);
  assert.deepEqual(admin("off"), [
    'admin must be false or a map of bind, found "off" -> write false',
  ]);
  assert.deepEqual(admin("true"), ["admin must be false or a map of bind, found true"]);
  assert.deepEqual(admin("unix:/a"), [
    'admin must be false or a map of bind, found "unix:/a" -> write { bind: "unix:/a" }',
  ]);
  assert.deepEqual(admin("{ bind: 'unix:a' }"), [
    'bind must be an absolute path after "unix:", found "unix:a"',
  ]);
  assert.deepEqual(admin("{ bind: /run/a }"), [
    'bind must be written as "unix:/path", found "/run/a" -> write "unix:/run/a"',
  ]);
  assert.deepEqual(admin("{ bind: 127.0.0.1:9 }"), [
    '"127.0.0.1:9" is not supported by this version yet',
  ]);
  const path = `/${"ü".repeat(53)}`;
  assert.deepEqual(configOf(completed(`admin: { bind: "unix:${path}" }`)).admin, { path });
  assert.deepEqual(admin(`{ bind: "unix:${path}x" }`), [
    "bind has a path of 108 bytes; at most 107 are allowed -> " +
    "use a shorter path: the kernel has room for no more",
  ]);
});

Deno.test("a map or a list in place of any scalar is told as such", () => {
  const listener = [
    ...["protocol", "tls", "proxy_protocol", "timeouts: { idle", "udp: { responses"],
    ...["limits: { connections", "limits: { connection_rate_per_ip", "socket: { nodelay"],
    ...["socket: { keepalive", "socket: { dscp", "socket: { receive_buffer", "socket: { backlog"],
  ];
  const backend = ["balance", "hash_on", "proxy_protocol", "transparent", "socket: { fast_open"];
  for (const value of ["{ a: {} }", "[]", "[{}]", "~"]) {
    for (const [where, keys] of [["listener", listener], ["backend", backend]] as const) {
      for (const key of keys) {
        const line = `${key}: ${value}${key.includes("{") ? " }" : ""}`;
        assert.notEqual(problemsIn(where, line).length, 0, line);
      }
    }
  }
});
