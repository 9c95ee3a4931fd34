/**
 * The servers of each backend: addresses and names must differ, each needs a name, and at least one
 * must be able to get something.
 */
import { quoteText } from "../base/quoted_text.ts";
import { formatHostPort, isUnixLike, parseServerAddress, parseUnixPath } from "../net/address.ts";
import { childOf, type ConfigTree, type MapEntry, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { addressOf, firstAt, holds, serversOf } from "./listener_tree.ts";
import { explainName, isName } from "./schema_field.ts";
import { nameByAddress, parseDemoAddress } from "./server_name.ts";
import type { Span } from "./source_text.ts";

/** @returns how many servers the backend has. */
export function checkServers(
  backend: string,
  { value }: MapEntry,
  diagnostics: DiagnosticList,
): number {
  const servers = serversOf(value);
  if (servers?.kind !== "list") return 0;
  const check = new ServerCheck(`in backend ${quoteText(backend)}`, diagnostics);
  for (const server of servers.items) check.add(server);
  check.finish(servers.items, servers.span);
  return servers.items.length;
}

class ServerCheck {
  readonly #scope: string;
  readonly #diagnostics: DiagnosticList;
  readonly #names = new Map<string, Span>();
  readonly #addresses = new Map<string, Span>();

  constructor(scope: string, diagnostics: DiagnosticList) {
    this.#scope = scope;
    this.#diagnostics = diagnostics;
  }

  add(server: ConfigTree): void {
    const address = addressOf(server);
    const text = stringOf(address);
    const canonical = text === undefined ? null : canonicalAddress(text);
    if (address === undefined || text === undefined || canonical === null) return;
    if (this.#isTaken(this.#addresses, "address", canonical, address.span)) return;
    const nameTree = childOf(server, "name");
    const name = nameTree === undefined ? nameByAddress(text) : stringOf(nameTree);
    if (name === undefined) return;
    const { span } = nameTree ?? address;
    this.#isTaken(this.#names, "name", name, span);
    if (nameTree === undefined && !isName(name)) {
      const { hint } = explainName(name);
      const message = `the address ${quoteText(text)} is no name; give the server one`;
      this.#diagnostics.error(span, message, hint);
    }
  }

  #isTaken(known: Map<string, Span>, noun: string, text: string, span: Span): boolean {
    const first = known.get(text);
    if (first === undefined) {
      known.set(text, span);
      return false;
    }
    const message = `the ${noun} ${quoteText(text)} occurs twice ${this.#scope}`;
    this.#diagnostics.error(span, message, firstAt(first, this.#diagnostics));
    return true;
  }

  /** What is wrong with all of them together. */
  finish(servers: readonly ConfigTree[], span: Span): void {
    if (servers.length === 0) return;
    const all = `all servers ${this.#scope}`;
    if (servers.every((server) => holds(childOf(server, "weight"), 0))) {
      this.#diagnostics.error(span, `${all} have weight 0, so none would get a connection`);
    }
    if (servers.every((server) => holds(childOf(server, "backup"), true))) {
      this.#diagnostics.warning(span, `${all} are backups, so they are used as if none were`);
    }
  }
}

/** One text per address; null for what is none. */
function canonicalAddress(address: string): string | null {
  if (parseDemoAddress(address) !== null) return address;
  if (isUnixLike(address)) {
    const path = parseUnixPath(address);
    return path.ok ? `unix:${path.value}` : null;
  }
  const parsed = parseServerAddress(address);
  return parsed.ok ? formatHostPort(parsed.value.host, parsed.value.port) : null;
}
