/**
 * @hot
 * Who may come in: ranges of addresses that are allowed and denied, of a listener or a route.
 *
 * What is denied is out, whatever allows it; with ranges allowed, all else is out too. So the order
 * in which ranges stand in the configuration means nothing, and no range can be shadowed by an
 * earlier one. It judges addresses as they are given: that a header's word is taken for them is
 * decided elsewhere.
 */
import { CidrSet } from "./cidr.ts";

export class AccessList {
  /** Admits every address, so that asking is needless. */
  readonly isOpen: boolean;
  readonly #allowed: CidrSet;
  readonly #denied: CidrSet;

  /** Both of ranges that `parseCidr` accepts; an empty `allow` allows all. */
  constructor(allow: readonly string[], deny: readonly string[]) {
    this.#allowed = new CidrSet(allow);
    this.#denied = new CidrSet(deny);
    this.isOpen = this.#allowed.isEmpty && this.#denied.isEmpty;
  }

  /** @param at where the four words of the address begin. */
  admits(words: Int32Array, at: number): boolean {
    if (this.#denied.contains(words, at)) return false;
    return this.#allowed.isEmpty || this.#allowed.contains(words, at);
  }
}
