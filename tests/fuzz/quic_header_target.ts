/**
 * The promises of reading QUIC: every datagram gets a verdict that depends on its own bytes alone,
 * what is said to be an id lies in the datagram, and an id that was learned is found again.
 */
import { QuicDirectory } from "../../src/proxy/udp/quic_directory.ts";
import { INVALID, LONG, QuicHeader, SHORT } from "../../src/proxy/udp/quic_header.ts";
import { promise } from "./target.ts";

const AROUND = 300;
const SERVER = 4711;

export const QUIC_HEADER_WORDS = [
  ...["\x7f", "@", "\0", "\0\0\0\x01", "k3C\xcf", "\0\0\0\0", "\n\n\n\n", "\x14", "\x08", "\x04"],
  ...["\x08abcdefgh", "\x04abcd", "\x14abcdefghijklmnopqrst", "\xff", "\x80", "\0\0"],
];

export function runQuicHeader(input: Uint8Array): void {
  runDatagram(input);
  // Most first bytes make a short header; as a long one the rest is looked at too.
  if (input.length > 0) {
    const long = input.slice();
    long[0] |= 0x80;
    runDatagram(long);
  }
}

function runDatagram(input: Uint8Array): void {
  const header = new QuicHeader();
  const verdict = header.parse(input, 0, input.length);
  promise([INVALID, LONG, SHORT].includes(verdict), "one of three verdicts");
  const { version, dcidStart, dcidLength, scidStart, scidLength } = header;
  for (const filling of [0, 255]) {
    const padded = new Uint8Array(input.length + 2 * AROUND).fill(filling);
    padded.set(input, AROUND);
    const again = header.parse(padded, AROUND, AROUND + input.length);
    promise(again === verdict, "the same verdict whatever is around");
    if (verdict === INVALID) continue;
    promise(header.version === version, "the same version");
    promise(header.dcidStart - AROUND === dcidStart, "the same destination");
    promise(header.dcidLength === dcidLength, "of the same length");
    promise(header.scidLength === scidLength, "and the same source");
  }
  if (verdict === INVALID) return;
  promise(dcidLength >= 0 && dcidStart + dcidLength <= input.length, "the destination is inside");
  promise(scidLength >= 0 && scidStart + scidLength <= input.length, "the source is inside");
  if (verdict === SHORT) {
    promise(dcidStart + dcidLength === input.length, "all of it may be the id");
  } else promise(scidStart === dcidStart + dcidLength + 1, "one id behind the other");
  checkDirectory(input, scidStart, scidLength);
  checkDirectory(input, dcidStart, dcidLength);
}

function checkDirectory(input: Uint8Array, start: number, length: number): void {
  const tables = [new Float64Array(16), new Float64Array(16)];
  const asker = new QuicDirectory(tables, 1);
  promise(asker.find(input, start, length) === -1, "an empty directory finds nothing");
  new QuicDirectory(tables, 0).learn(input, start, length, SERVER);
  const found = length >= 1 && length <= 20 ? SERVER : -1;
  promise(asker.byLength(input, start, length) === found, "what has 1 to 20 bytes is found");
  promise(asker.find(input, start, length) === found, "also without knowing its length");
}
