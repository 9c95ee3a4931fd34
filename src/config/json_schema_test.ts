import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { BALANCE_NAMES, LOG_FORMATS } from "./config.ts";
import { makeJsonSchema } from "./json_schema.ts";
import { parseConfig } from "./parse_config.ts";

type Schema = Record<string, unknown>;

const ROOT = makeJsonSchema();

/** Whether `value` fits: as much of draft-07 as the schema uses, and no word more. */
function fits(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([word, rule]) => fitsWord(schema, word, rule, value));
}

function fitsWord(schema: Schema, word: string, rule: unknown, value: unknown): boolean {
  const map = isMap(value) ? value : {};
  switch (word) {
    case "$ref":
      return fits((ROOT.definitions as Record<string, Schema>)[String(rule).split("/")[2]], value);
    case "type":
      return [rule].flat().some((type) => isOfType(type as string, value));
    case "anyOf":
      return (rule as Schema[]).some((each) => fits(each, value));
    case "enum":
      return (rule as unknown[]).includes(value);
    case "const":
      return rule === value;
    case "pattern":
      return typeof value !== "string" || new RegExp(rule as string).test(value);
    case "minimum":
      return typeof value !== "number" || value >= (rule as number);
    case "maximum":
      return typeof value !== "number" || value <= (rule as number);
    case "minItems":
      return !Array.isArray(value) || value.length >= (rule as number);
    case "maxItems":
      return !Array.isArray(value) || value.length <= (rule as number);
    case "minProperties":
      return !isMap(value) || Object.keys(map).length >= (rule as number);
    case "maxProperties":
      return !isMap(value) || Object.keys(map).length <= (rule as number);
    case "items":
      return !Array.isArray(value) || value.every((item) => fits(rule as Schema, item));
    case "required":
      return !isMap(value) || (rule as string[]).every((key) => Object.hasOwn(map, key));
    case "propertyNames":
      return Object.keys(map).every((key) => fits(rule as Schema, key));
    case "properties":
      return Object.entries(rule as Record<string, Schema>)
        .every(([key, each]) => !Object.hasOwn(map, key) || fits(each, map[key]));
    case "additionalProperties":
      return rest(schema, map).every((key) => rule !== false && fits(rule as Schema, map[key]));
    default:
      assert.ok(ANNOTATIONS.has(word), `the validator of this test does not know "${word}"`);
      return true;
  }
}

const ANNOTATIONS = new Set([
  ...["$schema", "title", "description", "default", "examples", "definitions"],
  // Holds no rule but that such keys are allowed, see rest().
  "patternProperties",
]);

function rest(schema: Schema, map: Record<string, unknown>): string[] {
  const patterns = Object.keys(schema.patternProperties ?? {}).map((text) => new RegExp(text));
  return Object.keys(map).filter((key) =>
    !Object.hasOwn(schema.properties ?? {}, key) && !patterns.some((pattern) => pattern.test(key))
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isMap(value);
  const found: string = typeof value;
  return found === type;
}

/** Every schema in the schema, with the path that leads to it. */
function* walk(schema: Schema, path = ""): Generator<[path: string, schema: Schema]> {
  yield [path, schema];
  for (const [word, value] of Object.entries(schema)) {
    const children = word === "properties" || word === "definitions" || word === "patternProperties"
      ? Object.entries(value as Record<string, Schema>)
      : word === "anyOf"
      ? Object.entries(value as Schema[])
      : isMap(value) && word !== "default"
      ? [["", value as Schema] as const]
      : [];
    for (const [key, child] of children) yield* walk(child, `${path}/${word}/${key}`);
  }
}

function fitsYaml(text: string): boolean {
  return fits(ROOT, parse(text, { version: "1.2", merge: true }));
}

Deno.test("the samples of the project fit", () => {
  const folder = `${import.meta.dirname}/../../config`;
  for (const { name } of Deno.readDirSync(folder)) {
    assert.ok(fitsYaml(Deno.readTextFileSync(`${folder}/${name}`)), name);
  }
});

Deno.test("each key has a description: the text that an editor shows", () => {
  let keys = 0;
  for (const [path, { properties = {} }] of walk(ROOT)) {
    for (const [key, schema] of Object.entries(properties as Record<string, Schema>)) {
      keys++;
      assert.ok(String(schema.description ?? "").length > 10, `${path}/${key}`);
    }
  }
  assert.ok(keys > 25, `${keys}`);
});

Deno.test("each map with keys of its own allows no others", () => {
  for (const [path, schema] of walk(ROOT)) {
    if (schema.properties !== undefined) assert.equal(schema.additionalProperties, false, path);
  }
});

Deno.test("a default fits its own schema", () => {
  let defaults = 0;
  for (const [path, schema] of walk(ROOT)) {
    if (!Object.hasOwn(schema, "default")) continue;
    defaults++;
    assert.ok(fits(schema, schema.default), path);
  }
  assert.ok(defaults > 10, `${defaults}`);
});

Deno.test("examples fit their own schema", () => {
  for (const [path, schema] of walk(ROOT)) {
    for (const example of (schema.examples ?? []) as unknown[]) {
      assert.ok(fits(schema, example), `${path}: ${example}`);
    }
  }
});

Deno.test("what an editor can find is found", () => {
  const around = (part: string) =>
    "listeners:\n  web: { bind: ':80', backend: app }\nbackends:\n  app: [a:1]\n" + part;
  assert.ok(fitsYaml(around("")));
  const mistakes = [
    "workrs: 2",
    "workers: 0",
    "workers: 1.5",
    "workers: all",
    "log: { level: loud }",
    "log: loud",
    "drain: 25",
    "drain: { timeout: 25 }",
    "drain: 1 minute",
    "admin: true",
    "admin: { bind: /run/x }",
    "version: 2",
  ];
  for (const line of mistakes) assert.ok(!fitsYaml(around(line)), line);
  assert.ok(!fitsYaml("listeners: {}\nbackends: { app: [a:1] }"));
  assert.ok(!fitsYaml("listeners: { web: { bind: ':80' } }\nbackends: { app: [a:1] }"));
  assert.ok(!fitsYaml("listeners: { web: { bind: 80, backend: a } }\nbackends: { a: [a:1] }"));
  const server = (text: string) =>
    fitsYaml(`listeners: { web: { bind: ':80', backend: a } }\nbackends: { a: [${text}] }`);
  assert.ok(server("{ address: a:1, weight: 3, backup: true }"));
  assert.ok(!server("a") && !server("http://a:1") && !server("{ weight: 3 }") && !server(""));
  assert.ok(!server("{ address: a:1, weight: '3' }") && !server("{ address: a:1, wight: 3 }"));
});

Deno.test("what an editor can find in a listener is found", () => {
  const listener = (keys: string) =>
    fitsYaml(`listeners: { web: { bind: ":80", ${keys} } }\nbackends: { app: [a:1] }`);
  assert.ok(listener("backend: app") && listener("routes: [{ match: a.b, backend: app }]"));
  const mistakes = [
    "tls: passthrough",
    "backend: app, protocol: udq",
    "backend: app, tls: none",
    "backend: app, limits: { connection_rate: 100 }",
    "backend: app, limits: { connection_rate: { burst: 1 } }",
    "backend: app, allow: 10.0.0.0/8",
    "backend: app, allow: [office]",
    "backend: app, socket: { receive_buffer: 65536 }",
    "backend: app, socket: { dscp: 64 }",
    "backend: app, socket: { keepalive: { idle: 5 } }",
    "backend: app, udp: { responses: -1 }",
    "routes: [{ match: {}, backend: app }]",
    "routes: [{ match: 'a b', backend: app }]",
    "routes: [{ match: a.b }]",
    "routes: []",
  ];
  for (const keys of mistakes) assert.ok(!listener(keys), keys);
  const bind = (value: string) =>
    fitsYaml(`listeners: { web: { bind: ${value}, backend: a } }\nbackends: { a: [a:1] }`);
  assert.ok(bind('[":80", { address: "unix:/run/x", mode: "0660", owner: 0 }, "systemd:x"]'));
  for (
    const value of ["80", "[80]", "[]", "{ mode: '0660' }", "unix:x", "{ address: ':1', a: 1 }"]
  ) {
    assert.ok(!bind(value), value);
  }
});

Deno.test("a substitution may stand for any scalar", () => {
  const text = 'workers: ${N}\nlog: ${L}\ndrain: "${D}"\n' +
    'listeners: { web: { bind: [":${PORT}", { address: "${A}" }], backend: "${B}", ' +
    'allow: ["${N}"], socket: { keepalive: "${K}", dscp: "${D}" }, ' +
    'limits: { connections: "${C}", connection_rate: "${R}" } } }\n' +
    'backends: { app: ["${A}", { address: "${H}:1", weight: "${W}", backup: "${K}" }] }\n';
  assert.ok(fitsYaml(text));
});

const duration = fc.constantFrom("1ms", "5s", "10m", "1h30m", "576h");
const optional = { requiredKeys: [] as [] };
const server = fc.oneof(
  fc.constantFrom("a:1", "10.0.0.1:65535", "[fd00::1]:80", "my_app.internal:8080", "unix:/x"),
  fc.record({
    address: fc.constantFrom("b:1", "[::ffff:1.2.3.4]:1"),
    name: fc.constantFrom("one", "[x]:1", "a.b-c_d"),
    weight: fc.integer({ min: 1, max: 256 }),
    backup: fc.boolean(),
  }, { requiredKeys: ["address"] }),
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
/** Configurations that the check accepts. */
const configuration = fc.record({
  version: fc.constantFrom(1, "1"),
  workers: fc.oneof(fc.constant("auto"), fc.integer({ min: 1, max: 256 })),
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
    }, { requiredKeys: ["servers"] }),
  ).map((app) => ({ app })),
}, { requiredKeys: ["listeners", "backends"] });

Deno.test("an editor marks nothing that the check accepts", () => {
  let accepted = 0;
  fc.assert(
    fc.property(configuration, (value) => {
      const { config } = parseConfig(JSON.stringify(value), "f", {});
      if (config === null) return;
      accepted++;
      assert.ok(fits(ROOT, value));
    }),
    { seed: 1, numRuns: 600 },
  );
  assert.ok(accepted > 200, `${accepted} were accepted`);
});

Deno.test("the schema is JSON, and each call makes another one", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(makeJsonSchema())), makeJsonSchema());
  assert.notEqual(makeJsonSchema(), makeJsonSchema());
});
