/**
 * @hot
 * Ranges of addresses by their prefix (CIDR, RFC 4632), and sets of them.
 *
 * A range is written in one way only. `10.1.2.3/8` is all of 10.0.0.0/8 to some programs and a slip
 * to others; in a list of who may come in it is safer to ask what was meant. An address alone is a
 * range of one. There are no words such as "private" for what a reader would have to look up, and
 * nothing here resolves a name.
 *
 * IPv4 and IPv6 are two worlds, although ip_words.ts has an IPv4 address as a mapped IPv6 one:
 * `::/0` is every IPv6 address and no IPv4 one, whichever socket a client came through. A mapped
 * range (`::ffff:10.0.0.0/104`) is the IPv4 range that it maps.
 *
 * Prefixes nest or are disjoint. So a set keeps the outermost ones, sorted, and finds an address by
 * binary search: with ten thousand ranges as with ten, and without touching the heap.
 */
import { assert } from "../base/assert.ts";
import { quoteText } from "../base/quoted_text.ts";
import { type AddressProblem, type Parsed, parseIp, parseIpv4 } from "./address.ts";
import { formatIpWords, IP_WORDS, isIpv4Words, readIpv4Words, readIpv6Words } from "./ip_words.ts";

const WORD_BITS = 32;
const IPV4_BITS = 32;
/** Bits of an IPv6 address before the IPv4 address that it maps. */
const IPV4_FIRST_BIT = 96;
/** Flipped in two words, it makes signed comparison order them as unsigned ones. */
const SIGN_BIT = 1 << 31;

export interface Cidr {
  /** The first address, as in ip_words.ts. */
  readonly words: Int32Array;
  /** Leading bits that all its addresses share: 0..128; of an IPv4 range 96 more than written. */
  readonly bits: number;
  /** The one text of this range, always with a prefix: `10.0.0.0/8`, `::1/128`. */
  readonly text: string;
}

/** The forms `10.0.0.0/8`, `2001:db8::/32`, and an address alone. */
// cold: at start and at a reload
export function parseCidr(text: string): Parsed<Cidr> {
  const slash = text.indexOf("/");
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === null) return refuse(text, explainAddress(text));
  const written = slash < 0 ? ip.length * 8 : parsePrefix(text.slice(slash + 1));
  if (written < 0 || written > ip.length * 8) return refuse(text, explainPrefix(text, ip.length));

  const words = new Int32Array(IP_WORDS);
  if (ip.length === 4) readIpv4Words(ip, 0, words, 0);
  else readIpv6Words(ip, 0, words, 0);
  const isIpv4 = isIpv4Words(words, 0);
  const bits = ip.length === 4 ? IPV4_FIRST_BIT + written : written;
  if (isIpv4 && bits < IPV4_FIRST_BIT) return refuse(text, explainMapped(words, bits));

  const first = words.map((word, index) => word & maskOf(bits, index));
  const canonical = formatRange(first, bits);
  if (first.some((word, index) => word !== words[index])) {
    const message = `has bits set behind its prefix: ${quoteText(text)}`;
    return { ok: false, problem: { message, hint: `write "${canonical}"` } };
  }
  return { ok: true, value: { words: first, bits, text: canonical } };
}

/** Which addresses are in any of some ranges. */
export class CidrSet {
  /** Made of no ranges, so that it contains nothing. */
  readonly isEmpty: boolean;
  readonly #ipv4: SortedRanges;
  readonly #ipv6: SortedRanges;

  /** @param texts what `parseCidr` accepts; whoever reads a configuration has asked it. */
  // cold: at start and at a reload
  constructor(texts: readonly string[]) {
    const cidrs = texts.map((text) => {
      const parsed = parseCidr(text);
      assert(parsed.ok, "a set is made of valid ranges");
      return parsed.value;
    });
    this.isEmpty = cidrs.length === 0;
    this.#ipv4 = sortRanges(cidrs.filter(isIpv4Range));
    this.#ipv6 = sortRanges(cidrs.filter((cidr) => !isIpv4Range(cidr)));
  }

  /** @param at where the four words of the address begin. */
  contains(words: Int32Array, at: number): boolean {
    const isIpv4 = isIpv4Words(words, at);
    const ranges = isIpv4 ? this.#ipv4 : this.#ipv6;
    // All IPv4 addresses have the same words before the last.
    const from = isIpv4 ? IP_WORDS - 1 : 0;
    let low = 0;
    let high = ranges.count;
    // Ranges before `low` begin at the address or before it, those from `high` on behind it.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareWords(ranges.firsts, middle * IP_WORDS, words, at, from) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compareWords(ranges.lasts, (low - 1) * IP_WORDS, words, at, from) >= 0;
  }
}

/** Disjoint ranges in ascending order; IP_WORDS words each, with their sign bits flipped. */
interface SortedRanges {
  readonly count: number;
  readonly firsts: Int32Array;
  readonly lasts: Int32Array;
}

// cold: at start and at a reload
function sortRanges(cidrs: readonly Cidr[]): SortedRanges {
  const sorted = [...cidrs].sort(compareRanges);
  const firsts = new Int32Array(cidrs.length * IP_WORDS);
  const lasts = new Int32Array(cidrs.length * IP_WORDS);
  let count = 0;
  for (const { words, bits } of sorted) {
    const isNested = count > 0 && compareWords(lasts, (count - 1) * IP_WORDS, words, 0, 0) >= 0;
    if (isNested) continue;
    for (let i = 0; i < IP_WORDS; i++) {
      firsts[count * IP_WORDS + i] = flipSign(words[i]);
      lasts[count * IP_WORDS + i] = flipSign(words[i] | ~maskOf(bits, i));
    }
    count++;
  }
  return { count, firsts, lasts };
}

/** By first address; the outer range first, where two begin at the same one. */
function compareRanges(left: Cidr, right: Cidr): number {
  for (let i = 0; i < IP_WORDS; i++) {
    const difference = flipSign(left.words[i]) - flipSign(right.words[i]);
    if (difference !== 0) return difference;
  }
  return left.bits - right.bits;
}

/** The order of the flipped words at `start` and the plain ones at `at`, from word `from` on. */
function compareWords(
  flipped: Int32Array,
  start: number,
  words: Int32Array,
  at: number,
  from: number,
): number {
  for (let i = from; i < IP_WORDS; i++) {
    const left = flipped[start + i];
    const right = flipSign(words[at + i]);
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function flipSign(word: number): number {
  return word ^ SIGN_BIT;
}

function isIpv4Range(cidr: Cidr): boolean {
  return cidr.bits >= IPV4_FIRST_BIT && isIpv4Words(cidr.words, 0);
}

/** The part of a prefix of `bits` that lies in word `index`, as a mask. */
function maskOf(bits: number, index: number): number {
  const here = bits - index * WORD_BITS;
  if (here <= 0) return 0;
  // Shifting by 32 would not shift at all.
  return here >= WORD_BITS ? -1 : -1 << (WORD_BITS - here);
}

// cold: at start and at a reload
function formatRange(first: Int32Array, bits: number): string {
  const hidden = isIpv4Words(first, 0) && bits >= IPV4_FIRST_BIT ? IPV4_FIRST_BIT : 0;
  return `${formatIpWords(first, 0)}/${bits - hidden}`;
}

/** -1 for what is no decimal number, or has zeros in front. */
// cold: at start and at a reload
function parsePrefix(text: string): number {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : -1;
}

const ALL_HINT = 'all addresses are "0.0.0.0/0" and "::/0"';
/** What stands for addresses elsewhere. */
const WORD_HINTS = new Map([
  ["all", ALL_HINT],
  ["any", ALL_HINT],
  ["everyone", ALL_HINT],
  ["*", ALL_HINT],
  ["localhost", 'write "127.0.0.0/8" and "::1"'],
]);

/** For a text that does not begin with an address. */
// cold: at start and at a reload
function explainAddress(text: string): string {
  const hint = WORD_HINTS.get(text.trim().toLowerCase()) ?? explainSlip(text);
  if (hint !== undefined) return hint;
  if (/^[0-9.]+-[0-9.]+$/.test(text)) {
    return 'a range is written with a prefix, such as "10.0.0.0/8"';
  }
  if (/^[0-9.]+(\/|$)/.test(text)) {
    return "IPv4 is four decimal numbers from 0 to 255, without zeros in front";
  }
  return 'a range is an IP address and a prefix, such as "10.0.0.0/8" or "2001:db8::/32"';
}

// cold: at start and at a reload
function explainPrefix(text: string, ipBytes: number): string {
  const family = ipBytes === 4 ? "IPv4" : "IPv6";
  return explainSlip(text) ?? `an ${family} prefix is a number from 0 to ${ipBytes * 8}`;
}

// cold: at start and at a reload
function explainSlip(text: string): string | undefined {
  const meant = correct(text);
  if (meant !== undefined) return `write "${meant}"`;
  return /[\s,;]/.test(text.trim()) ? "write ranges one by one, as a list" : undefined;
}

/** For a mapped address with a prefix that ends before the IPv4 address in it. */
// cold: at start and at a reload
function explainMapped(words: Int32Array, bits: number): string {
  if (bits <= IPV4_BITS) {
    const meant = parseCidr(`${formatIpWords(words, 0)}/${bits}`);
    if (meant.ok) return `write "${meant.value.text}"`;
  }
  return `a range of mapped IPv4 addresses has a prefix from ${IPV4_FIRST_BIT} to 128`;
}

/** No range is longer by far; the expressions below take their time with what is. */
const SLIP_LENGTH_MAX = 100;
/** Slips that leave no doubt of what was meant, and what to put in their place. */
// cold: at start and at a reload
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^\s+|\s+$/g, ""],
  [/\s*\/\s*/, "/"],
  // [::1], [::1]:80 and 10.0.0.1:80
  [/^\[([^\]]*)\](:[0-9]+)?/, "$1"],
  [/^([0-9.]+):[0-9]+/, "$1"],
  [/%[^/]*/, ""],
  [/\/0+(?=[0-9])/, "/"],
  // 10.*.*.* is 10 with one number written, as in 10/8 and 10.0/16.
  [/^((?:[0-9]+\.)+)(?:\*\.)*\*?$/, "$1/"],
];

/** The range that `text` surely means though it is not written so, or undefined. */
// cold: at start and at a reload
function correct(text: string): string | undefined {
  if (text.length > SLIP_LENGTH_MAX) return undefined;
  let meant = text;
  for (const [slip, replacement] of SLIPS) meant = meant.replace(slip, replacement);
  const parts = /^([0-9]+(?:\.[0-9]+){0,2})\.?\/(.*)$/.exec(meant);
  if (parts !== null) {
    const numbers = parts[1].split(".");
    const padded = [...numbers, "0", "0", "0"].slice(0, 4).join(".");
    meant = `${padded}/${parts[2] === "" ? numbers.length * 8 : parts[2]}`;
  }
  const mask = parseIpv4(meant.slice(meant.indexOf("/") + 1));
  if (meant.includes("/") && mask !== null) {
    const ones = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
    if (/01/.test(ones)) return undefined;
    meant = `${meant.slice(0, meant.indexOf("/"))}/${ones.replaceAll("0", "").length}`;
  }
  if (meant === text) return undefined;
  const parsed = parseCidr(meant);
  return parsed.ok ? parsed.value.text : undefined;
}

// cold: at start and at a reload
function refuse(text: string, hint: string): Parsed<never> {
  const problem: AddressProblem = { message: `is no address range: ${quoteText(text)}`, hint };
  return { ok: false, problem };
}
