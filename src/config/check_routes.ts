/**
 * Routes among themselves: names must differ, and a route whose connections are all taken by
 * earlier ones is most likely in the wrong place.
 *
 * Only what is certain is told. An earlier route takes a name for good when nothing but the name
 * and the protocols decides; beside a route with `allow` or `deny` nothing is said.
 */
import { quoteText } from "../base/quoted_text.ts";
import { ROUTES_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { firstAt, itemsOf, type ListenerTree } from "./listener_tree.ts";
import { explainSniPattern, sniPatternsCovering } from "./sni_pattern.ts";
import type { Span } from "./source_text.ts";

/** @returns how many routes the listener has. */
export function checkRoutes({ name, map }: ListenerTree, diagnostics: DiagnosticList): number {
  const routes = childOf(map, "routes");
  if (routes?.kind !== "list") return 0;
  checkNames(routes.items, `in the routes of listener ${quoteText(name)}`, diagnostics);
  // More than that is refused by the schema, and not worth comparing all with all.
  if (routes.items.length <= ROUTES_MAX) checkOrder(routes.items, diagnostics);
  return routes.items.length;
}

function checkNames(
  routes: readonly ConfigTree[],
  scope: string,
  diagnostics: DiagnosticList,
): void {
  const names = new Map<string, Span>();
  for (const route of routes) {
    const tree = childOf(route, "name");
    const name = stringOf(tree);
    if (tree === undefined || name === undefined) continue;
    const first = names.get(name);
    if (first === undefined) names.set(name, tree.span);
    else {
      const message = `the name ${quoteText(name)} occurs twice ${scope}`;
      diagnostics.error(tree.span, message, firstAt(first, diagnostics));
    }
  }
}

/** What a route asks for, in lower case; an empty list asks for nothing. */
interface Match {
  readonly sni: readonly string[];
  readonly alpn: readonly string[];
  readonly span: Span;
}

/** Null for what cannot be read in full, which then neither takes nor loses anything. */
function matchOf(route: ConfigTree): Match | null {
  const tree = childOf(route, "match");
  if (tree === undefined) return null;
  const sni = textsOf(tree.kind === "map" ? childOf(tree, "sni") : tree);
  const alpn = textsOf(childOf(tree, "alpn"));
  if (sni === null || alpn === null || sni.length + alpn.length === 0) return null;
  if (sni.some((pattern) => explainSniPattern(pattern) !== null)) return null;
  return { sni: sni.map((pattern) => pattern.toLowerCase()), alpn, span: tree.span };
}

function textsOf(tree: ConfigTree | undefined): string[] | null {
  const texts = itemsOf(tree).map(stringOf);
  return texts.some((text) => text === undefined) ? null : texts as string[];
}

/** Stands for every name, and for none: no pattern is written like it. */
const ANY = "";

function checkOrder(routes: readonly ConfigTree[], diagnostics: DiagnosticList): void {
  /** By pattern: the earlier routes that take its names. */
  const takers = new Map<string, Match[]>();
  for (const route of routes) {
    const match = matchOf(route);
    if (match === null) continue;
    const patterns = match.sni.length > 0 ? match.sni : [ANY];
    const takenBy = patterns.map((pattern) => findTaker(takers, pattern, match.alpn));
    if (takenBy.every((taker) => taker !== null)) {
      const lines = takenBy.map((taker) => diagnostics.source.lineAt(taker!.span.start));
      warnOfNeverMatching(match.span, lines, diagnostics);
    }
    const isSelective = ["allow", "deny"].some((key) => childOf(route, key) !== undefined);
    if (isSelective) continue;
    for (const [index, pattern] of patterns.entries()) {
      if (takenBy[index] !== null) continue;
      takers.set(pattern, [...takers.get(pattern) ?? [], match]);
    }
  }
}

/** An earlier route that takes all that a pattern and protocols match. */
function findTaker(
  takers: ReadonlyMap<string, readonly Match[]>,
  pattern: string,
  alpn: readonly string[],
): Match | null {
  const covering = pattern === ANY ? [ANY] : [...sniPatternsCovering(pattern), ANY];
  for (const each of covering) {
    const taker = takers.get(each)?.find((earlier) => coversAlpn(earlier.alpn, alpn));
    if (taker !== undefined) return taker;
  }
  return null;
}

/** Whether each client that offers one of `inner` offers one of `outer`. */
function coversAlpn(outer: readonly string[], inner: readonly string[]): boolean {
  if (outer.length === 0) return true;
  return inner.length > 0 && inner.every((id) => outer.includes(id));
}

function warnOfNeverMatching(
  span: Span,
  lines: readonly number[],
  diagnostics: DiagnosticList,
): void {
  const different = [...new Set(lines)].sort((a, b) => a - b);
  const last = different.at(-1);
  const takers = different.length === 1
    ? `the one at line ${last} takes`
    : `those at lines ${different.slice(0, -1).join(", ")} and ${last} take`;
  const hint = "routes are tried from top to bottom: move it up, or remove it";
  diagnostics.warning(span, `this route can never match; ${takers} all of it`, hint);
}
