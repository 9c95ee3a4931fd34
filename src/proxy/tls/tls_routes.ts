/**
 * @hot
 * Which route a TLS client takes, by the server name and the protocols of its ClientHello: the
 * first one in the order of the configuration whose conditions all hold.
 *
 * A listener may have a thousand routes, so they are not tried one by one. For each server name and
 * for each "*.suffix" there is the list of the routes that name it, in order, and one list for the
 * routes that take any name. A client's name is in few of these lists; in each the search ends at
 * the first route that takes the client's protocols, or at one that comes after a route found
 * already. The protocols of the client are looked up once, however many routes ask about them.
 *
 * That this is the same as trying them in order is what the test compares it with.
 */
import { ByteKeys } from "./byte_keys.ts";
import type { ClientHello } from "./client_hello.ts";
import { NO_APPLICATION_PROTOCOL, UNRECOGNIZED_NAME } from "./tls_alert.ts";

const DOT = 0x2e;
const WILDCARD = "*.";

const utf8 = new TextEncoder();

export interface TlsMatch {
  /** Exact names, or "*.example.com" for names with one label or more in front; empty: any. */
  readonly sni: readonly string[];
  /** Protocols of which the client offers one; empty: any, also none. */
  readonly alpn: readonly string[];
}

/** Texts numbered as they come, and for each the routes that name it, in order. */
class RouteLists {
  readonly #texts = new Map<string, number[]>();

  add(text: string, route: number): void {
    const routes = this.#texts.get(text);
    if (routes === undefined) this.#texts.set(text, [route]);
    else routes.push(route);
  }

  keys(): ByteKeys {
    return new ByteKeys(Array.from(this.#texts.keys(), encode));
  }

  lists(): Int32Array[] {
    return Array.from(this.#texts.values(), toInt32Array);
  }
}

function encode(text: string): Uint8Array {
  return utf8.encode(text);
}

function toInt32Array(numbers: readonly number[]): Int32Array {
  return Int32Array.from(numbers);
}

export class TlsRoutes {
  readonly #count: number;
  readonly #unnamed: Int32Array;
  readonly #names: ByteKeys;
  readonly #nameRoutes: readonly Int32Array[];
  readonly #suffixes: ByteKeys;
  readonly #suffixRoutes: readonly Int32Array[];
  readonly #protocols: ByteKeys;
  /** For each route the numbers of the protocols that it takes; empty: any. */
  readonly #routeProtocols: readonly Int32Array[];
  /** For each protocol the last search whose client offers it. */
  readonly #offered: Int32Array;
  #search = 0;

  constructor(routes: readonly TlsMatch[]) {
    const names = new RouteLists();
    const suffixes = new RouteLists();
    const unnamed: number[] = [];
    const protocols = new Map<string, number>();
    const routeProtocols: Int32Array[] = [];
    for (let route = 0; route < routes.length; route++) {
      const { sni, alpn } = routes[route];
      if (sni.length === 0) unnamed.push(route);
      for (let i = 0; i < sni.length; i++) {
        const pattern = sni[i].toLowerCase();
        if (pattern.startsWith(WILDCARD)) suffixes.add(pattern.slice(WILDCARD.length), route);
        else names.add(pattern, route);
      }
      const numbers = new Int32Array(alpn.length);
      for (let i = 0; i < alpn.length; i++) {
        if (!protocols.has(alpn[i])) protocols.set(alpn[i], protocols.size);
        numbers[i] = protocols.get(alpn[i])!;
      }
      routeProtocols.push(numbers);
    }
    this.#count = routes.length;
    this.#unnamed = Int32Array.from(unnamed);
    this.#names = names.keys();
    this.#nameRoutes = names.lists();
    this.#suffixes = suffixes.keys();
    this.#suffixRoutes = suffixes.lists();
    this.#protocols = new ByteKeys(Array.from(protocols.keys(), encode));
    this.#routeProtocols = routeProtocols;
    this.#offered = new Int32Array(protocols.size);
  }

  /**
   * @param hello that is DONE.
   * @returns the index of the first route that matches, or -1.
   */
  match(hello: ClientHello): number {
    this.#lookUpProtocols(hello);
    return this.#find(hello, false);
  }

  /** The alert for a client that `match` has no route for: says whether its name was the reason. */
  mismatchAlert(hello: ClientHello): number {
    return this.#find(hello, true) < 0 ? UNRECOGNIZED_NAME : NO_APPLICATION_PROTOCOL;
  }

  #find(hello: ClientHello, anyProtocol: boolean): number {
    const name = hello.sniBytes;
    const end = hello.sniLength;
    let first = this.#firstOf(this.#unnamed, this.#count, anyProtocol);
    if (end > 0) {
      const exact = this.#names.find(name, 0, end);
      if (exact >= 0) first = this.#firstOf(this.#nameRoutes[exact], first, anyProtocol);
    }
    const dots = this.#suffixes.count > 0 ? end : 0;
    for (let at = 0; at < dots; at++) {
      if (name[at] !== DOT) continue;
      const suffix = this.#suffixes.find(name, at + 1, end);
      if (suffix >= 0) first = this.#firstOf(this.#suffixRoutes[suffix], first, anyProtocol);
    }
    return first < this.#count ? first : -1;
  }

  /** The first route of the list that takes the protocols, if it comes before `bound`. */
  #firstOf(routes: Int32Array, bound: number, anyProtocol: boolean): number {
    for (let i = 0; i < routes.length && routes[i] < bound; i++) {
      if (anyProtocol || this.#takesProtocols(routes[i])) return routes[i];
    }
    return bound;
  }

  #takesProtocols(route: number): boolean {
    const protocols = this.#routeProtocols[route];
    if (protocols.length === 0) return true;
    for (let i = 0; i < protocols.length; i++) {
      if (this.#offered[protocols[i]] === this.#search) return true;
    }
    return false;
  }

  #lookUpProtocols(hello: ClientHello): void {
    // A number of the search instead of a mark that would have to be taken off again.
    this.#search = (this.#search + 1) & 0x3fffffff;
    if (this.#search === 0) {
      this.#offered.fill(0);
      this.#search = 1;
    }
    if (this.#protocols.count === 0) return;
    const list = hello.alpnBytes;
    for (let at = 0; at < hello.alpnLength;) {
      const next = at + 1 + list[at];
      const protocol = this.#protocols.find(list, at + 1, next);
      if (protocol >= 0) this.#offered[protocol] = this.#search;
      at = next;
    }
  }
}
