/**
 * The configuration as a tree of maps, lists and scalars, each with its place in the file: YAML
 * without YAML. Aliases and merge keys are followed, duplicate keys reported, the environment
 * substituted. What reads the tree knows no YAML, and everything in it can be pointed at.
 *
 * An alias shares the subtree of its anchor, so messages about it point to where it is written.
 * Sharing makes a file that refers to itself nine times nine times nine small here and immense for
 * whoever walks it; so sizes are added up as if copied, and stop at VALUES_MAX.
 *
 * Keys are text as written: `1.30:` is the name 1.30 and `no:` the name no. Not decided here: which
 * keys and values mean anything.
 */
import { type Alias, isAlias, isMap, isPair, isScalar, type Pair } from "yaml";
import type { ParsedNode, Scalar, YAMLMap } from "yaml";
import { quoteText } from "../base/quoted_text.ts";
import { VALUES_MAX } from "./config_limits.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import type { Span } from "./source_text.ts";
import { type Environment, hasSubstitution, substitute } from "./substitution.ts";
import type { YamlDocument } from "./yaml_document.ts";
import { explainAlias, findBareText } from "./yaml_hint.ts";

export type ConfigTree = ScalarTree | ListTree | MapTree;

export interface ScalarTree {
  readonly kind: "scalar";
  readonly span: Span;
  readonly size: number;
  readonly value: string | number | boolean | null;
  /** As written, without quotes; after substitution. */
  readonly text: string;
  readonly isSubstituted: boolean;
  /** Something is wrong with it and has been said; the value is null then. */
  readonly isReported: boolean;
}

export interface ListTree {
  readonly kind: "list";
  readonly span: Span;
  readonly size: number;
  readonly items: readonly ConfigTree[];
}

export interface MapTree {
  readonly kind: "map";
  readonly span: Span;
  /** Values in it, counted as if aliases were copies. */
  readonly size: number;
  /** In the order of the file. */
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keySpan: Span;
  readonly value: ConfigTree;
}

/** Names that JavaScript objects have a meaning for; as keys they would be lost without a word. */
const UNUSABLE_KEYS = new Set(["__proto__", "prototype", "constructor"]);
const MERGE_KEY = "<<";
const ZERO_IN_FRONT = /^[-+]?0[0-9]/;
/** What word processors and web pages make of a quote. */
const TYPOGRAPHIC_QUOTE = /^[\u2018-\u201f\u00ab\u00bb]/;

/** The tree of a document, a null when it is empty; null when it grows beyond all bounds. */
export function buildTree(
  document: YamlDocument,
  environment: Environment,
  diagnostics: DiagnosticList,
): ConfigTree | null {
  const builder = new TreeBuilder(document, environment, diagnostics);
  const tree = builder.build(document.contents);
  return builder.isTooLarge ? null : tree;
}

/**
 * The tree as plain values, for the schema. Maps have no prototype.
 *
 * @param texts scalars to give as text, whatever they look like.
 */
export function toValue(tree: ConfigTree, texts: ReadonlySet<ConfigTree>): unknown {
  if (tree.kind === "scalar") return texts.has(tree) ? tree.text : tree.value;
  if (tree.kind === "list") return tree.items.map((item) => toValue(item, texts));
  const value: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of tree.entries) value[key] = toValue(entry.value, texts);
  return value;
}

/** How `renameKeys` names what a path leads to. */
export function joinPath(path: readonly (string | number)[]): string {
  return path.join("\0");
}

/** A tree in which keys have other names, each in its place. @param names new ones, by path. */
export function renameKeys<T extends ConfigTree>(
  tree: T,
  names: ReadonlyMap<string, string>,
  path: readonly (string | number)[] = [],
): T {
  if (tree.kind === "scalar") return tree;
  if (tree.kind === "list") {
    return { ...tree, items: tree.items.map((item, i) => renameKeys(item, names, [...path, i])) };
  }
  const entries = Array.from(tree.entries, ([key, entry]) => {
    const own = [...path, key];
    const value = renameKeys(entry.value, names, own);
    return [names.get(joinPath(own)) ?? key, { ...entry, value }] as const;
  });
  return { ...tree, entries: new Map(entries) };
}

/** The value of `key` when `tree` is a map that has it. */
export function childOf(tree: ConfigTree | undefined, key: string): ConfigTree | undefined {
  return tree?.kind === "map" ? tree.entries.get(key)?.value : undefined;
}

/** The value when `tree` is a scalar that holds a string, or a substitution, which may be one. */
export function stringOf(tree: ConfigTree | undefined): string | undefined {
  if (tree?.kind !== "scalar" || tree.isReported) return undefined;
  return typeof tree.value === "string" || tree.isSubstituted ? tree.text : undefined;
}

type Node = ParsedNode | Alias.Parsed | null | undefined;

class TreeBuilder {
  readonly #document: YamlDocument;
  readonly #environment: Environment;
  readonly #diagnostics: DiagnosticList;
  /** The latest anchor of each name; null while its own node is being built. */
  readonly #anchors = new Map<string, ConfigTree | null>();
  #valuesFromAliases = 0;

  get isTooLarge(): boolean {
    return this.#valuesFromAliases > VALUES_MAX;
  }

  constructor(document: YamlDocument, environment: Environment, diagnostics: DiagnosticList) {
    this.#document = document;
    this.#environment = environment;
    this.#diagnostics = diagnostics;
  }

  /** @param place where to point for a value that is not there. */
  build(node: Node, place: Span = { start: 0, end: 0 }): ConfigTree {
    if (node === null || node === undefined) return makeNull(place, false);
    if (isAlias(node)) return this.#followAlias(node);
    const { anchor } = node;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const tree = isScalar(node)
      ? this.#buildScalar(node, place)
      : isMap(node)
      ? this.#buildMap(node)
      : this.#buildList(node.items as Node[], spanOf(node));
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #followAlias(node: Alias): ConfigTree {
    const span = spanOf(node);
    const tree = this.#anchors.get(node.source);
    if (tree === null) {
      this.#diagnostics.error(span, `${quoteText(`*${node.source}`)} stands inside its own anchor`);
      return makeNull(span, true);
    }
    if (tree === undefined) {
      const { message, hint } = explainAlias(node.source, this.#anchors.keys());
      this.#diagnostics.error(span, message, hint);
      return makeNull(span, true);
    }
    if (this.isTooLarge) return makeNull(span, true);
    this.#valuesFromAliases += tree.size;
    if (!this.isTooLarge) return tree;
    this.#diagnostics.error(span, `aliases stand for more than ${VALUES_MAX} values`);
    return makeNull(span, true);
  }

  #buildList(nodes: readonly Node[], span: Span): ListTree {
    const items = nodes.map((node) => this.build(node, span));
    return { kind: "list", span, items, size: sumSizes(items) };
  }

  #buildMap(node: YAMLMap): ConfigTree {
    const span = spanOf(node);
    const entries = new Map<string, MapEntry>();
    const merged: ConfigTree[] = [];
    let isReadable = true;
    for (const pair of node.items as Pair<Node, Node>[]) {
      if (!isPair(pair)) continue;
      const key = this.#readKey(pair, span);
      const value = this.build(pair.value, key?.span ?? span);
      if (key === null) {
        isReadable = false;
        continue;
      }
      if (!key.isMerge) this.#addEntry(entries, key.name, { keySpan: key.span, value });
      else if (value.kind !== "scalar") merged.push(value);
      else if (!value.isReported) {
        this.#diagnostics.error(key.span, '"<<" merges maps only', 'write "<<: *name"');
      }
    }
    // Without one of its keys, whatever else would be said of the map might be wrong.
    if (!isReadable) return makeNull(span, true);
    for (const tree of merged) this.#mergeEntries(entries, tree);
    const size = sumSizes(Array.from(entries.values(), ({ value }) => value));
    return { kind: "map", span, entries, size };
  }

  #readKey(pair: Pair<Node, Node>, mapSpan: Span) {
    const { key } = pair;
    if (!isScalar(key)) {
      const place = key ? spanOf(key) : mapSpan;
      const slip = findBareText(this.#diagnostics.source, place.start) ??
        { span: place, message: "a key must be plain text" };
      this.#diagnostics.error(slip.span, slip.message, slip.hint);
      return null;
    }
    const span = spanOf(key);
    const name = typeof key.value === "string" ? key.value : key.source ?? String(key.value);
    if (name === "") {
      this.#diagnostics.error(span, 'a key is missing before ":"');
      return null;
    }
    return { name, span, isMerge: name === MERGE_KEY && key.type === "PLAIN" };
  }

  #addEntry(entries: Map<string, MapEntry>, name: string, entry: MapEntry): void {
    const { keySpan } = entry;
    const first = entries.get(name);
    if (first !== undefined) {
      const { line } = this.#diagnostics.source.positionAt(first.keySpan.start);
      const message = `duplicate key ${quoteText(name)}`;
      this.#diagnostics.error(keySpan, message, `first defined at line ${line}`);
    } else if (UNUSABLE_KEYS.has(name)) {
      this.#diagnostics.error(keySpan, `${quoteText(name)} cannot be a key or a name`);
    } else {
      entries.set(name, entry);
    }
  }

  /** `<<: *base`: what the map says itself, and what was merged before, wins. */
  #mergeEntries(entries: Map<string, MapEntry>, tree: ConfigTree): void {
    if (tree.kind === "list") {
      for (const item of tree.items) this.#mergeEntries(entries, item);
    } else if (tree.kind === "map") {
      for (const [name, entry] of tree.entries) {
        if (!entries.has(name)) entries.set(name, entry);
      }
    }
  }

  #buildScalar(node: Scalar, place: Span): ScalarTree {
    const span = node.range === null || node.range === undefined ? place : spanOf(node);
    // An empty value has no width: point to its key.
    const shown = span.start === span.end ? place : span;
    const text = typeof node.value === "string" ? node.value : node.source ?? "";
    if (typeof node.value === "string" && hasSubstitution(text)) {
      return this.#substituteScalar(text, shown);
    }
    if (node.type === "PLAIN" && TYPOGRAPHIC_QUOTE.test(text)) {
      const message = `${quoteText(text[0])} is no quote to YAML`;
      const plain = text.slice(1).replace(/[\u2018-\u201f\u00ab\u00bb]$/, "");
      this.#diagnostics.error(shown, message, `use straight quotes: ${quoteText(plain)}`);
      return makeNull(shown, true);
    }
    const value = readScalarValue(node.value, text);
    if (typeof value === "number" && ZERO_IN_FRONT.test(text)) {
      const what = `${quoteText(text)} is the number ${value}`;
      const hint = `write ${value}, or quote it where text is meant`;
      this.#diagnostics.error(shown, `${what}: a zero in front makes nothing octal`, hint);
      return makeNull(shown, true);
    }
    return makeScalar(shown, value, text, false);
  }

  #substituteScalar(source: string, span: Span): ScalarTree {
    const { text, isWhole, problems } = substitute(source, this.#environment);
    for (const { message, hint } of problems) this.#diagnostics.error(span, message, hint);
    if (problems.length > 0) return makeNull(span, true);
    // Octal to some and decimal to others: it stays text, and no field takes it for a number.
    const isTyped = isWhole && !ZERO_IN_FRONT.test(text);
    const value = isTyped ? this.#resolveType(text) : text;
    return makeScalar(span, value, text, true);
  }

  /** What a plain scalar of this text would be, by the rules the file is read with. */
  #resolveType(text: string): ScalarTree["value"] {
    for (const tag of this.#document.schema.tags) {
      if (tag.default !== true || tag.collection !== undefined || !tag.test?.test(text)) continue;
      const resolved = tag.resolve(text, () => {}, { ...this.#document.options });
      return readScalarValue(isScalar(resolved) ? resolved.value : resolved, text);
    }
    return text;
  }
}

function spanOf(node: { range?: readonly number[] | null }): Span {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

function makeScalar(
  span: Span,
  value: ScalarTree["value"],
  text: string,
  isSubstituted: boolean,
): ScalarTree {
  return { kind: "scalar", span, size: 1, value, text, isSubstituted, isReported: false };
}

function makeNull(span: Span, isReported: boolean): ScalarTree {
  return { ...makeScalar(span, null, "", false), isReported };
}

function readScalarValue(value: unknown, text: string): ScalarTree["value"] {
  const isPlain = typeof value === "number" || typeof value === "boolean" || value === null;
  return isPlain ? value : text;
}

function sumSizes(trees: readonly ConfigTree[]): number {
  return trees.reduce((sum, { size }) => sum + size, 1);
}
