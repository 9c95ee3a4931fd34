/**
 * Reads the PROXY headers that servers of the simulation get. Written from the specification
 * (haproxy.org, doc/proxy-protocol.txt) and not with the parser of the program: what the program
 * writes is judged by something else. It takes only what the program has reason to write.
 */
import { formatIp } from "../../src/net/address.ts";
import { type Address, addressText, canonicalIp } from "./address.ts";
import { promise } from "./promise.ts";

export interface ShownHeader {
  /** null: the header says that it does not know. */
  readonly source: Address | null;
  readonly destination: Address | null;
  readonly authority: string;
  readonly alpn: string;
  readonly uniqueId: string;
}

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES = 16;
const LINE_BYTES_MAX = 107;
const LINE = /^PROXY (TCP[46]) ([0-9a-f:.]+) ([0-9a-f:.]+) (\d+) (\d+)\r\n$/;

export interface ShownHeaderBytes {
  readonly header: ShownHeader;
  readonly bytes: number;
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** null while it is not whole. @throws BrokenPromise when it is no header. */
export function readShownHeader(
  version: "v1" | "v2",
  bytes: Uint8Array,
  isStream: boolean,
): ShownHeaderBytes | null {
  return version === "v1" ? readLine(bytes) : readBlock(bytes, isStream);
}

function readLine(bytes: Uint8Array): ShownHeaderBytes | null {
  const end = bytes.indexOf(10);
  if (end < 0) {
    promise(bytes.length < LINE_BYTES_MAX, "a header of version 1 is a short line");
    return null;
  }
  const text = textOf(bytes.subarray(0, end + 1));
  const none = { authority: "", alpn: "", uniqueId: "" };
  if (text === "PROXY UNKNOWN\r\n") {
    return { header: { source: null, destination: null, ...none }, bytes: end + 1 };
  }
  const match = LINE.exec(text);
  promise(match !== null, `"${text.trim()}" is a header of version 1`);
  const [, word, from, to, fromPort, toPort] = match;
  promise((word === "TCP4") === !`${from}${to}`.includes(":"), "a header's family is true");
  promise(canonicalIp(from) === from && canonicalIp(to) === to, "addresses have one form");
  const source = { ip: from, port: Number(fromPort) };
  const destination = { ip: to, port: Number(toPort) };
  return { header: { source, destination, ...none }, bytes: end + 1 };
}

function readBlock(bytes: Uint8Array, isStream: boolean): ShownHeaderBytes | null {
  const begin = textOf(bytes.subarray(0, SIGNATURE.length));
  promise(SIGNATURE.startsWith(begin), "a header of version 2 begins with its signature");
  if (bytes.length < FIXED_BYTES) return null;
  const length = (bytes[14] << 8) | bytes[15];
  const end = FIXED_BYTES + length;
  if (bytes.length < end) return null;
  if (bytes[12] === 0x20) {
    promise(bytes[13] === 0 && length === 0, "a header without addresses says nothing else");
    const none = { source: null, destination: null, authority: "", alpn: "", uniqueId: "" };
    return { header: none, bytes: end };
  }
  promise(bytes[12] === 0x21, "a header is of version 2 and speaks for a client");
  const ipBytes = bytes[13] >> 4 === 1 ? 4 : 16;
  promise(bytes[13] >> 4 === (ipBytes === 4 ? 1 : 2), "a header has IPv4 or IPv6");
  promise((bytes[13] & 15) === (isStream ? 1 : 2), "a header tells the transport");
  const ipAt = (at: number) => formatIp(bytes.slice(at, at + ipBytes));
  const portsAt = FIXED_BYTES + 2 * ipBytes;
  const portAt = (at: number) => (bytes[at] << 8) | bytes[at + 1];
  const texts = new Map<number, string>();
  for (let at = portsAt + 4; at < end;) {
    const bytesOfValue = portAt(at + 1);
    promise(at + 3 + bytesOfValue <= end, "a TLV fits in its header");
    promise(!texts.has(bytes[at]), "a TLV stands once");
    texts.set(bytes[at], textOf(bytes.subarray(at + 3, at + 3 + bytesOfValue)));
    at += 3 + bytesOfValue;
  }
  const header: ShownHeader = {
    source: { ip: ipAt(FIXED_BYTES), port: portAt(portsAt) },
    destination: { ip: ipAt(FIXED_BYTES + ipBytes), port: portAt(portsAt + 2) },
    authority: texts.get(2) ?? "",
    alpn: texts.get(1) ?? "",
    uniqueId: texts.get(5) ?? "",
  };
  return { header, bytes: end };
}

function describe({ source, destination, authority, alpn, uniqueId }: ShownHeader): string {
  // Where only one of them is IPv4 it is shown as IPv6.
  const ends = [source, destination].map((end) =>
    end === null ? "unknown" : addressText(end).replace(/^::ffff:(?=\d+\.)/, "")
  );
  return [...ends, authority, alpn, uniqueId].join(", ");
}

/** @param version of the header; the first one has room for addresses only. */
export function expectHeader(shown: ShownHeader, due: ShownHeader, version: "v1" | "v2"): void {
  const isBare = version === "v1" || due.source === null;
  const none = { authority: "", alpn: "", uniqueId: "" };
  const wanted = describe(isBare ? { ...due, ...none } : due);
  promise(describe(shown) === wanted, `a server is shown "${wanted}", not "${describe(shown)}"`);
}
