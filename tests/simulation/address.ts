/**
 * Addresses of the simulated world as texts and numbers, the pools that clients get theirs from,
 * and their way into the words and bytes that the worker knows.
 *
 * Pools say what an address is good for, independently of the code under test: whether a list
 * admits it, and whether its PROXY headers are believed.
 */
import type { Random } from "../../src/base/random.ts";
import { formatIp, parseIp } from "../../src/net/address.ts";
import { formatIpWords, IP_WORDS, parseIpWords } from "../../src/net/ip_words.ts";
import { AF_INET, AF_INET6, AF_UNIX, encodeSocketAddress } from "../../src/net/socket_address.ts";

export interface Address {
  /** In its canonical form. */
  readonly ip: string;
  readonly port: number;
}

export function addressText({ ip, port }: Address): string {
  return `${ip} ${port}`;
}

export function isIpv4(ip: string): boolean {
  return !ip.includes(":");
}

export function canonicalIp(text: string): string {
  const bytes = parseIp(text);
  if (bytes === null) throw new Error(`"${text}" is no IP address`);
  return formatIp(bytes);
}

const knownWords = new Map<string, Int32Array>();

/** As net/ip_words.ts has them. */
export function wordsOf(ip: string): Int32Array {
  let words = knownWords.get(ip);
  if (words === undefined) {
    words = parseIpWords(ip)!;
    knownWords.set(ip, words);
  }
  return words;
}

export function ipOfWords(words: Int32Array, at: number): string {
  return formatIpWords(words.subarray(at, at + IP_WORDS), 0);
}

/** struct sockaddr as a socket of `family` has it; null is the client of a unix socket. */
export function encodeAddress(address: Address | null, family: number): Uint8Array {
  if (address === null) return Uint8Array.of(AF_UNIX, 0, 0);
  const bytes = parseIp(address.ip)!;
  const isMapped = bytes.length === 4 && family === AF_INET6;
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes);
  return encodeSocketAddress(isMapped ? mapped : bytes, address.port);
}

/** What a client's address is: where it lives, and for whom it may speak. */
export type Pool = "good" | "bad" | "proxy";

const IPV4_POOLS: Readonly<Record<Pool, string>> = {
  good: "10.0.0.0/16",
  bad: "10.66.0.0/16",
  proxy: "10.1.0.0/16",
};
const IPV6_POOLS: Readonly<Record<Pool, string>> = {
  good: "2001:db8::/48",
  bad: "2001:db8:66::/48",
  proxy: "2001:db8:1::/48",
};

export const TRUSTED_RANGES = [IPV4_POOLS.proxy, IPV6_POOLS.proxy];
export const BAD_RANGES = [IPV4_POOLS.bad, IPV6_POOLS.bad];
export const GOOD_RANGES = [IPV4_POOLS.good, IPV6_POOLS.good, ...TRUSTED_RANGES];

/** Few addresses, so that some clients share one, or a network. */
export function drawIp(random: Random, family: number, pool: Pool): string {
  const network = random.below(3);
  const host = 1 + random.below(3);
  if (family === AF_INET) {
    return `${IPV4_POOLS[pool].slice(0, -"0.0/16".length)}${network}.${host}`;
  }
  return canonicalIp(`${IPV6_POOLS[pool].slice(0, -"::/48".length)}:0:${network}::${host}`);
}

/** What counts as one client where clients are limited: an address of IPv4, a /64 of IPv6. */
export function clientNetwork(ip: string): string {
  if (isIpv4(ip)) return ip;
  const words = wordsOf(ip);
  return `${words[0]} ${words[1]}`;
}

export const FAMILIES = [AF_INET, AF_INET6] as const;
