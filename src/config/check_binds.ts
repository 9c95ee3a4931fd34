/**
 * Addresses of listeners that only one of them could bind: equal ones, a wildcard beside an address
 * that it includes, ranges with a port in common, one unix socket or one socket of systemd twice.
 * And those that no machine has alone, multicast and broadcast: the kernel lets them be bound, and
 * then nothing can be answered from there.
 *
 * TCP and UDP have ports of their own, so a listener of each may share an address (DNS does).
 * Whether the machine lets any of it be bound is known when it is tried.
 */
import { quoteText } from "../base/quoted_text.ts";
import { type Bind, formatBind, parseBind } from "../net/address.ts";
import { isIpv4Words, parseIpWords } from "../net/ip_words.ts";
import { SOCKETS_TOTAL_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { bindsOf, firstAt, type ListenerTree } from "./listener_tree.ts";
import type { Span } from "./source_text.ts";

interface Bound {
  readonly bind: Bind;
  /** Null is the admin socket. */
  readonly listener: string | null;
  readonly span: Span;
}

export function checkBinds(
  tree: ConfigTree,
  listeners: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const sockets = listeners.reduce((sum, listener) => sum + countSockets(listener), 0);
  if (sockets > SOCKETS_TOTAL_MAX) {
    const message = `all listeners together must bind at most ${SOCKETS_TOTAL_MAX} ports`;
    diagnostics.error(listeners[0].keySpan, `${message}, found ${sockets}`);
    return;
  }
  const check = new BindCheck(diagnostics);
  const admin = childOf(childOf(tree, "admin"), "bind");
  if (admin !== undefined) check.add(null, "tcp", stringOf(admin) ?? "", admin.span);
  for (const listener of listeners) {
    for (const { text, span } of bindsOf(listener)) checkSingle(text, span, diagnostics);
    // What was meant to be spoken is not known, so neither are the ports that are taken.
    if (listener.protocol === null) continue;
    const transport = listener.protocol === "udp" ? "udp" : "tcp";
    for (const { text, span } of bindsOf(listener)) {
      check.add(listener.name, transport, text, span);
    }
  }
}

function countSockets(listener: ListenerTree): number {
  let count = 0;
  for (const { text } of bindsOf(listener)) {
    const parsed = parseBind(text);
    if (!parsed.ok) continue;
    count += parsed.value.kind === "ip" ? parsed.value.lastPort - parsed.value.port + 1 : 1;
  }
  return count;
}

/** That it is the address of one machine, or of every interface of this one. */
function checkSingle(text: string, span: Span, diagnostics: DiagnosticList): void {
  const parsed = parseBind(text);
  if (!parsed.ok || parsed.value.kind !== "ip") return;
  const { host, port, lastPort } = parsed.value;
  const kind = kindOfMany(host);
  if (kind === null) return;
  const ports = lastPort > port ? `${port}-${lastPort}` : port;
  diagnostics.error(
    span,
    `bind has a ${kind} address, from which nobody can be answered: ${quoteText(host)}`,
    `":${ports}" is every address of this machine`,
  );
}

/** Null for an address that one machine can have. */
function kindOfMany(host: string): "multicast" | "broadcast" | null {
  const words = host === "" ? null : parseIpWords(host);
  if (words === null) return null;
  // RFC 4291, 2.7: ff00::/8. RFC 5771: 224.0.0.0/4.
  if (!isIpv4Words(words, 0)) return words[0] >>> 24 === 0xff ? "multicast" : null;
  if (words[3] >>> 28 === 0xe) return "multicast";
  return words[3] === -1 ? "broadcast" : null;
}

class BindCheck {
  readonly #diagnostics: DiagnosticList;
  /** By transport, scope and port, or by the whole text: who took exactly this first. */
  readonly #exact = new Map<string, Bound>();
  /** By transport, scope and port: who took something inside of it first. */
  readonly #inside = new Map<string, Bound>();

  constructor(diagnostics: DiagnosticList) {
    this.#diagnostics = diagnostics;
  }

  add(listener: string | null, transport: string, text: string, span: Span): void {
    const parsed = parseBind(text);
    if (!parsed.ok) return;
    const bound = { bind: parsed.value, listener, span };
    if (bound.bind.kind !== "ip") this.#addNamed(bound);
    else if (bound.bind.port !== 0) this.#addPorts(bound, transport);
  }

  #addNamed(bound: Bound): void {
    const text = formatBind(bound.bind);
    const other = this.#exact.get(text);
    if (other === undefined) this.#exact.set(text, bound);
    else this.#report(bound, other, describeSame(bound, other, text));
  }

  #addPorts(bound: Bound, transport: string): void {
    const { bind } = bound;
    if (bind.kind !== "ip") return;
    const scopes = scopesOf(bind.host);
    const reported = new Set<Bound>();
    for (let port = bind.port; port <= bind.lastPort; port++) {
      const keys = scopes.map((scope) => `${transport} ${scope} ${port}`);
      const own = keys.at(-1)!;
      const around = keys.find((key) => this.#exact.has(key));
      const other = around === undefined ? this.#inside.get(own) : this.#exact.get(around);
      if (other !== undefined && !reported.has(other)) {
        reported.add(other);
        const wide = around === undefined ? bound : other;
        this.#report(bound, other, describeShared(bound, other, port, around === own, wide));
      }
      if (!this.#exact.has(own)) this.#exact.set(own, bound);
      for (const key of keys) if (!this.#inside.has(key)) this.#inside.set(key, bound);
    }
  }

  #report(bound: Bound, other: Bound, message: string): void {
    this.#diagnostics.error(bound.span, message, firstAt(other.span, this.#diagnostics));
  }
}

/** @param wide the one that includes the other, unless both are the same address. */
function describeShared(
  bound: Bound,
  other: Bound,
  port: number,
  isSame: boolean,
  wide: Bound,
): string {
  const [text, otherText] = [formatBind(bound.bind), formatBind(other.bind)];
  const names = describeNames(bound, other);
  const isRange = [bound, other].some(({ bind }) =>
    bind.kind === "ip" && bind.lastPort > bind.port
  );
  if (isRange && text !== otherText) {
    return `${names} overlap at port ${port}: ${quoteText(otherText)} and ${quoteText(text)}`;
  }
  // Also two writings of one address that includes others, such as ":80" and "[::]:80".
  if (isSame) return describeSame(bound, other, text);
  return `${names} overlap: ${quoteText(formatBind(wide.bind))} includes every address`;
}

function describeSame(bound: Bound, other: Bound, text: string): string {
  const names = describeNames(bound, other);
  const verb = bound.listener === other.listener ? "are the same:" : "have the same address";
  return `${names} ${verb} ${quoteText(text)}`;
}

function describeNames({ listener }: Bound, other: Bound): string {
  if (other.listener === null) return `the admin socket and listener ${quoteText(listener ?? "")}`;
  if (listener === other.listener) return `two addresses of listener ${quoteText(other.listener)}`;
  return `listeners ${quoteText(other.listener)} and ${quoteText(listener ?? "")}`;
}

/** What includes the address, widest first, and the address itself; IPv6 sockets take IPv4 too. */
function scopesOf(host: string): string[] {
  if (host === "" || host === "::") return ["all"];
  const plain = host.replace(/^::ffff:(?=[0-9]+\.)/, "");
  if (plain === "0.0.0.0") return ["all", "IPv4"];
  return plain.includes(":") ? ["all", plain] : ["all", "IPv4", plain];
}
