import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { makeJsonSchema } from "./json_schema.ts";
import { parseConfig } from "./parse_config.ts";
import { CONFIGURATION } from "./test_configuration.ts";

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
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (!isFile) continue; // of programs that run this one
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

Deno.test("what an editor can find in a backend is found", () => {
  const backend = (keys: string) =>
    fitsYaml(`listeners: { web: { bind: ":80", backend: a } }\nbackends: { a: { ${keys} } }`);
  assert.ok(backend("servers: [a:1], health_check: { path: /a }, circuit_breaker: true"));
  const mistakes = [
    "health_check: http",
    "health_check: true",
    "health_check: { interval: 5s }",
    "health_check: { path: a }",
    "health_check: { path: /, expect: 99 }",
    "health_check: { path: /, expect: ['2xx'] }",
    "health_check: { path: /, headers: { 'a b': c } }",
    "health_check: { path: /, headers: { a: 1 } }",
    "health_check: { tcp: false }",
    "health_check: { tcp: { send: '' } }",
    "health_check: { udp: {} }",
    "health_check: { dns: a ns }",
    "health_check: { tcp: true, interval: 5 }",
    "health_check: { tcp: true, initial: healthy }",
    "agent_check: 0",
    "agent_check: {}",
    "outlier_detection: off",
    "outlier_detection: { max_ejected: 10 }",
    "circuit_breaker: { errors: 101% }",
    "retry_budget: 0.2",
    "panic_threshold: off",
    "on_down: kill",
    "load_factor: 1",
    "hash_on: [source]",
    "rebalance: { budget: 1% }",
    "rebalance: {}",
    "limits: { connections: 0 }",
  ];
  for (const keys of mistakes) assert.ok(!backend(`servers: [a:1], ${keys}`), keys);
  const server = (keys: string) => backend(`servers: [{ address: a:1, ${keys} }]`);
  assert.ok(server('priority: 15, zone: a/b, labels: { "a.b": "1" }, connections: 1'));
  for (const keys of ["priority: 16", "zone: a b", "labels: { a: 1 }", "labels: {}", "zone: 1"]) {
    assert.ok(!server(keys), keys);
  }
});

Deno.test("a substitution may stand for any scalar", () => {
  const text = 'workers: ${N}\nlog: ${L}\ndrain: "${D}"\n' +
    'listeners: { web: { bind: [":${PORT}", { address: "${A}" }], backend: "${B}", ' +
    'allow: ["${N}"], socket: { keepalive: "${K}", dscp: "${D}" }, ' +
    'limits: { connections: "${C}", connection_rate: "${R}" } } }\n' +
    'backends: { app: ["${A}", { address: "${H}:1", weight: "${W}", backup: "${K}" }] }\n';
  assert.ok(fitsYaml(text));
  const backend = 'servers: [{ address: "${A}", priority: "${P}", labels: { a: "${L}" } }], ' +
    'health_check: "${H}", agent_check: "${P}", circuit_breaker: "${C}", load_factor: "${F}", ' +
    'hash_on: ["${K}"], panic_threshold: "${P}", rebalance: { budget: "${B}%/m" }';
  const check = '{ path: "${P}", expect: ["${S}"], headers: { a: "${H}" }, port: "${N}" }';
  assert.ok(fitsYaml(`overload: { busy: "\${B}" }
zone: "\${Z}"
listeners: { web: { bind: ":80", backend: a, subset: { a: "\${L}" } } }
backends: { a: { ${backend} }, b: { servers: [b:1], health_check: ${check} } }
`));
});

Deno.test("an editor marks nothing that the check accepts", () => {
  let accepted = 0;
  fc.assert(
    fc.property(CONFIGURATION, (value) => {
      const { config } = parseConfig(JSON.stringify(value), "f", {});
      if (config === null) return;
      accepted++;
      assert.ok(fits(ROOT, value));
    }),
    { seed: 1, numRuns: 600 },
  );
  assert.ok(accepted >= 150, `${accepted} were accepted`);
});

Deno.test("the schema is JSON, and each call makes another one", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(makeJsonSchema())), makeJsonSchema());
  assert.notEqual(makeJsonSchema(), makeJsonSchema());
});
