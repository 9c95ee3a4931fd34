/**
 * The promises of the PROXY protocol: no bytes make parsing throw, a header is found where it ends
 * and not before, nothing that was found changes with more bytes or another look, and what is
 * written of it is read as the same.
 *
 * Noise hardly ever gets past the first bytes, so each input is tried as it is and as what follows
 * beginnings that are right.
 */
import {
  DONE,
  INCOMPLETE,
  PROXY_HEADER_BYTES_MAX,
  PROXY_V1_BYTES_MAX,
  ProxyHeader,
  VIOLATION,
  VIOLATIONS,
} from "../../src/proxy_protocol/proxy_header.ts";
import {
  PROXY_V2_BYTES_MAX,
  ProxyExtras,
  writeProxyV1,
  writeProxyV2,
} from "../../src/proxy_protocol/proxy_header_writer.ts";
import { promise } from "./target.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const IPV4_ADDRESSES = "\x0a\0\0\x01\x0a\0\0\x02\x30\x39\x01\x50";

export const PROXY_PROTOCOL_WORDS = [
  ...["PROXY ", "TCP4 ", "TCP6 ", "UNKNOWN", "\r\n", " ", "0", "65535", "65536", "1.2.3.4"],
  ...["255.255.255.255", "::", ":", "ffff:", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "01", "."],
  ...["PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP6 ::1 ::2 3 4\r\n", "PROXY UNKNOWN\r\n"],
  ...[SIGNATURE, "\x20\0\0\0", "\x21\x11\0\x0c", "\x21\x21\0\x24", "\x21\x31", IPV4_ADDRESSES],
  ...[`${SIGNATURE}\x21\x11\0\x11${IPV4_ADDRESSES}\x01\0\x02h2`, "\x01\0\x02h2", "\x02\0\x03a.b"],
  ...["\x03\0\x04", "\x03\0\x04\0\0\0\0", "\x04\0\0", "\x05\0\x01i", "\x20\0\x05\x01\0\0\0\0"],
];

/** Each is a right beginning. */
const BEGINNINGS = ["", "PROXY TCP4 ", "PROXY TCP6 ", "PROXY TCP6 ::1 ::2 ", "PROXY UNKNOWN"]
  .map((text) => new TextEncoder().encode(text));

/** Commands and families before a length that is that of the input. */
const FIELDS = [[0x20, 0x11], [0x21, 0x11], [0x21, 0x22], [0x21, 0x31], [0x21, 0x00]];

export function runProxyProtocol(input: Uint8Array): void {
  for (const beginning of BEGINNINGS) tryBytes(join(beginning, input));
  const signature = new TextEncoder().encode(SIGNATURE);
  const { length } = input;
  for (const fields of FIELDS) {
    tryBytes(join(signature, [...fields, length >> 8, length & 255], input));
  }
}

function join(...parts: ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tryBytes(bytes: Uint8Array): void {
  const header = new ProxyHeader();
  const result = header.parse(bytes, 0, bytes.length);
  promise([INCOMPLETE, DONE, VIOLATION].includes(result), "one of three results");
  const again = new ProxyHeader();
  promise(again.parse(bytes, 0, bytes.length) === result, "the same result");
  promise(describe(again) === describe(header), "the same header");
  if (result === INCOMPLETE) {
    promise(bytes.length < PROXY_HEADER_BYTES_MAX, "no waiting beyond the longest header");
  } else if (result === VIOLATION) {
    promise(VIOLATIONS[header.violation] !== undefined, "a violation with a name");
    const longer = join(bytes, [0x0d, 0x0a]);
    promise(again.parse(longer, 0, longer.length) === VIOLATION, "a violation for good");
    promise(again.violation === header.violation, "the same violation with more bytes");
  } else {
    checkHeader(bytes, header);
  }
}

function checkHeader(bytes: Uint8Array, header: ProxyHeader): void {
  const { headerBytes, version } = header;
  const bytesMax = version === 1 ? PROXY_V1_BYTES_MAX : PROXY_HEADER_BYTES_MAX;
  promise(headerBytes > 0 && headerBytes <= Math.min(bytes.length, bytesMax), "a length in bounds");
  const values = [
    [header.alpnStart, header.alpnLength],
    [header.authorityStart, header.authorityLength],
    [header.uniqueIdStart, header.uniqueIdLength],
  ];
  for (const [start, length] of values) {
    promise(length === 0 || start + length <= headerBytes, "values within the header");
  }
  const alone = new ProxyHeader();
  promise(alone.parse(bytes, 0, headerBytes) === DONE, "a header without what follows");
  promise(describe(alone) === describe(header), "the same header without what follows");
  promise(alone.parse(bytes, 0, headerBytes - 1) === INCOMPLETE, "no header before its end");
  if (header.hasAddress) checkWritten(bytes, header);
}

function checkWritten(bytes: Uint8Array, header: ProxyHeader): void {
  const { source, destination, sourcePort, destinationPort, isStream } = header;
  const written = new Uint8Array(PROXY_V2_BYTES_MAX);
  const back = new ProxyHeader();
  const line = writeProxyV1(
    written,
    0,
    source,
    0,
    sourcePort,
    destination,
    0,
    destinationPort,
    true,
  );
  promise(back.parse(written, 0, line) === DONE && back.headerBytes === line, "a line is read");
  promise(describePath(back) === describePath(header), "the same addresses in a line");
  const extras = new ProxyExtras();
  extras.alpnBytes = extras.authorityBytes = extras.uniqueIdBytes = bytes;
  extras.alpnStart = header.alpnStart;
  extras.alpnLength = header.alpnLength;
  extras.authorityStart = header.authorityStart;
  extras.authorityLength = header.authorityLength;
  extras.uniqueIdStart = header.uniqueIdStart;
  extras.uniqueIdLength = header.uniqueIdLength;
  const block = writeProxyV2(
    written,
    0,
    source,
    0,
    sourcePort,
    destination,
    0,
    destinationPort,
    true,
    isStream,
    extras,
  );
  promise(back.parse(written, 0, block) === DONE && back.headerBytes === block, "a block is read");
  promise(back.isStream === isStream, "the same transport in a block");
  promise(describePath(back) === describePath(header), "the same addresses in a block");
  const { authorityLength } = header;
  const isKept = authorityLength <= 255 && authorityLength === back.authorityLength;
  promise(isKept || back.authorityLength === 0, "a name that is whole, or none");
}

function describePath(header: ProxyHeader): string {
  const { source, destination, sourcePort, destinationPort } = header;
  return [source, sourcePort, destination, destinationPort].join();
}

function describe(header: ProxyHeader): string {
  return JSON.stringify(header);
}
