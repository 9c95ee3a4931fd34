import assert from "node:assert/strict";
import { LEVELS } from "../log/log.ts";
import { BALANCE_NAMES, LOG_FORMATS } from "./config.ts";
import { makeJsonSchema } from "./json_schema.ts";
import { suggestWord, VOCABULARY, type Vocabulary } from "./vocabulary.ts";

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
  const backend = longForm(top.backends.additionalProperties!);
  return {
    none: [],
    root: Object.keys(top),
    listener: Object.keys(listener),
    listenerTimeouts: Object.keys(longForm(listener.timeouts)),
    limits: Object.keys(longForm(listener.limits)),
    backend: Object.keys(backend),
    backendTimeouts: Object.keys(longForm(backend.timeouts)),
    server: Object.keys(longForm(backend.servers.items!)),
    log: Object.keys(longForm(top.log)),
    drain: Object.keys(longForm(top.drain)),
    admin: Object.keys(longForm(top.admin)),
    protocolValues: ["tcp"],
    balanceValues: BALANCE_NAMES,
    hashOnValues: ["source_ip"],
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

Deno.test("what stands in place of a required key is a word for later", () => {
  for (const [section, { later, instead = {} }] of SECTIONS) {
    for (const word of Object.keys(instead)) assert.ok(later.includes(word), section);
  }
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
