import assert from "node:assert/strict";
import { LEVELS } from "../log/log.ts";
import {
  BALANCE_NAMES,
  HASH_KEYS,
  IO_CHOICES,
  LOG_FORMATS,
  PROTOCOLS,
  PROXY_PROTOCOLS,
} from "./config.ts";
import { makeJsonSchema } from "./json_schema.ts";
import { VOCABULARY } from "./vocabulary.ts";
import {
  findAdvice,
  findMeaning,
  findSection,
  foldWord,
  suggestWord,
  type Vocabulary,
} from "./word_meaning.ts";

const SECTIONS: [string, Vocabulary][] = Object.entries(VOCABULARY);

interface Keys {
  readonly properties?: Readonly<Record<string, Keys>>;
  readonly additionalProperties?: Keys;
  readonly items?: Keys;
  readonly anyOf?: readonly Keys[];
}

/** The keys of the map that a schema is, or has as its long form. */
function longForm(schema: Keys): Readonly<Record<string, Keys>> {
  return (schema.properties ?? schema.anyOf?.find(({ properties }) => properties)?.properties)!;
}

function knownWords(): Record<keyof typeof VOCABULARY, readonly string[]> {
  const root = makeJsonSchema() as Keys;
  const top = longForm(root);
  const listener = longForm(top.listeners.additionalProperties!);
  const listenerSocket = longForm(listener.socket);
  const route = longForm(listener.routes.items!);
  const limits = longForm(listener.limits);
  const backend = longForm(top.backends.additionalProperties!);
  const check = longForm(backend.health_check);
  return {
    none: [],
    root: Object.keys(top),
    rootLimits: Object.keys(longForm(top.limits)),
    listener: Object.keys(listener),
    bind: Object.keys(longForm(listener.bind)),
    route: Object.keys(route),
    match: Object.keys(longForm(route.match)),
    listenerTimeouts: Object.keys(longForm(listener.timeouts)),
    limits: Object.keys(limits),
    rate: Object.keys(longForm(limits.connection_rate)),
    udp: Object.keys(longForm(listener.udp)),
    listenerSocket: Object.keys(listenerSocket),
    keepalive: Object.keys(longForm(listenerSocket.keepalive)),
    backend: Object.keys(backend),
    backendSocket: Object.keys(longForm(backend.socket)),
    backendTimeouts: Object.keys(longForm(backend.timeouts)),
    backendLimits: Object.keys(longForm(backend.limits)),
    healthCheck: Object.keys(check),
    tcpExchange: Object.keys(longForm(check.tcp)),
    udpExchange: Object.keys(longForm(check.udp)),
    agentCheck: Object.keys(longForm(backend.agent_check)),
    outlierDetection: Object.keys(longForm(backend.outlier_detection)),
    circuitBreaker: Object.keys(longForm(backend.circuit_breaker)),
    rebalance: Object.keys(longForm(backend.rebalance)),
    overload: Object.keys(longForm(top.overload)),
    server: Object.keys(longForm(backend.servers.items!)),
    log: Object.keys(longForm(top.log)),
    drain: Object.keys(longForm(top.drain)),
    admin: Object.keys(longForm(top.admin)),
    protocolValues: PROTOCOLS,
    tlsValues: ["passthrough"],
    balanceValues: BALANCE_NAMES,
    hashOnValues: HASH_KEYS,
    onDownValues: ["keep", "close"],
    initialValues: ["up", "down"],
    proxyProtocolValues: PROXY_PROTOCOLS,
    ioValues: IO_CHOICES,
    hardeningValues: ["on", "off"],
    levelValues: LEVELS,
    formatValues: LOG_FORMATS,
  };
}

Deno.test("each foreign word means a key that there is; neither it nor a later one is one", () => {
  const known: Readonly<Record<string, readonly string[]>> = knownWords();
  for (const [section, { foreign, later }] of SECTIONS) {
    for (const [here, elsewhere] of Object.entries(foreign)) {
      assert.ok(known[section].includes(here), `${section}: ${here}`);
      for (const word of elsewhere) {
        assert.ok(!known[section].includes(word), `${section}: ${word}`);
      }
    }
    for (const word of later) assert.ok(!known[section].includes(word), `${section}: ${word}`);
  }
});

Deno.test("no foreign word is also a word here, or two words", () => {
  for (const [section, { foreign, later }] of SECTIONS) {
    const own = [...Object.keys(foreign), ...later];
    const elsewhere = Object.values(foreign).flat();
    const all = [...own, ...elsewhere];
    assert.deepEqual(all.filter((word, i) => all.indexOf(word) !== i), [], section);
  }
});

Deno.test("what stands in place of a required key is a word for later, or has advice", () => {
  const known: Readonly<Record<string, readonly string[]>> = knownWords();
  for (const [section, { later, instead = {}, advice = {} }] of SECTIONS) {
    for (const [word, key] of Object.entries(instead)) {
      assert.ok(later.includes(word) || Object.hasOwn(advice, word), `${section}: ${word}`);
      assert.ok(known[section].includes(key), `${section}: ${key}`);
    }
  }
});

Deno.test("advice is given on words that mean nothing in their section, in one spelling", () => {
  const known: Readonly<Record<string, readonly string[]>> = knownWords();
  for (const [section, vocabulary] of SECTIONS) {
    for (const word of Object.keys(vocabulary.advice ?? {})) {
      assert.equal(findMeaning(word, known[section], vocabulary), null, `${section}: ${word}`);
      assert.equal(foldWord(word), word);
    }
  }
});

Deno.test("what stands at a server elsewhere is led to its backend, in any spelling", () => {
  const { server } = VOCABULARY;
  const advice = 'that is "on_down" of the backend here';
  for (const word of ["on_marked_down", "on-marked-down", "On-Marked-Down", "on marked down"]) {
    assert.equal(findAdvice(word, server), advice);
  }
  assert.equal(findAdvice("maxconn", server), null);
  assert.equal(findAdvice("constructor", server), null);
});

Deno.test("words of checks that stand at the backend are led into their section", () => {
  const section = (word: string) => {
    const found = findSection(word, VOCABULARY.backend);
    return found && `${found.section}.${found.key}`;
  };
  const meant = {
    inter: "health_check.interval",
    fastinter: "health_check.fast_interval",
    rise: "health_check.rise",
    unhealthy_threshold: "health_check.fall",
    healthy_threshold: "health_check.rise",
    health_uri: "health_check.path",
    "agent-send": "agent_check.send",
    max_fails: "outlier_detection.errors",
    fail_timeout: "outlier_detection.eject",
    base_ejection_time: "outlier_detection.eject",
    max_ejection_percent: "outlier_detection.max_ejected",
    consecutive_5xx: "outlier_detection.errors",
    maxconn: "limits.connections",
    maxqueue: "limits.pending",
    "timeout queue": "limits.queue_timeout",
    fail_duration: "outlier_detection.window",
    failure_ratio: "circuit_breaker.errors",
  };
  for (const [word, key] of Object.entries(meant)) assert.equal(section(word), key, word);
});

Deno.test("the keys of sections inside of a section are those that there are", () => {
  const top = longForm(makeJsonSchema() as Keys);
  for (const [name, holder] of [["listener", top.listeners], ["backend", top.backends]] as const) {
    const { within = {} }: Vocabulary = VOCABULARY[name];
    const own = longForm(holder.additionalProperties!);
    for (const [section, { keys }] of Object.entries(within)) {
      assert.deepEqual(keys.toSorted(), Object.keys(longForm(own[section])).sort(), section);
      for (const key of keys) assert.ok(!Object.hasOwn(own, key), key);
    }
  }
});

Deno.test("a word that stands outside of its section is led into it", () => {
  const { listener, backend, root } = VOCABULARY;
  assert.deepEqual(findSection("Idle-Timeout", listener), { section: "udp", key: "idle_timeout" });
  assert.deepEqual(findSection("flows", listener), { section: "udp", key: "flows" });
  assert.deepEqual(findSection("tcp-ut", backend), { section: "socket", key: "user_timeout" });
  assert.deepEqual(findSection("maxconn", listener), { section: "limits", key: "connections" });
  assert.equal(findSection("constructor", listener), null);
  assert.equal(findSection("idle", root), null);
});

Deno.test("a foreign word is understood exactly, in any case and with hyphens", () => {
  const { root } = VOCABULARY;
  const known = ["listeners", "backends"];
  assert.equal(suggestWord("frontends", known, root), "listeners");
  assert.equal(suggestWord("Frontend", known, root), "listeners");
  assert.equal(suggestWord("worker-processes", ["workers"], root), "workers");
  assert.equal(suggestWord("entryPoints", known, root), "listeners");
});

Deno.test("a misspelt foreign word is understood too", () => {
  assert.equal(suggestWord("upstraems", ["backends"], VOCABULARY.root), "backends");
});

Deno.test("an own word is nearer than a foreign one that means another", () => {
  // "servers" elsewhere is "backends" here, but in a backend it is itself.
  assert.equal(suggestWord("serves", ["servers"], VOCABULARY.backend), "servers");
  assert.equal(suggestWord("serves", ["backends"], VOCABULARY.root), "backends");
});

Deno.test("what resembles nothing gets no suggestion", () => {
  assert.equal(suggestWord("zzzzzz", ["listeners"], VOCABULARY.root), null);
  assert.equal(suggestWord("zzzzzz", [], VOCABULARY.none), null);
});
