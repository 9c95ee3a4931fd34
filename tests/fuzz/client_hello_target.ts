/**
 * The promises of reading a ClientHello: any bytes get a verdict that depends on them alone and
 * that more bytes do not change, what is accepted is a host name and a list of protocols, and into
 * which records the message was cut makes no difference.
 *
 * Mutated bytes seldom keep the lengths around them right. So the input is tried as a connection
 * sends it, as a message in a record, and as extensions, as names and as protocols in a message
 * whose lengths are right.
 */
import {
  CLIENT_HELLO_BYTES_MAX,
  ClientHello,
  DONE,
  INCOMPLETE,
  VIOLATION,
} from "../../src/proxy/tls/client_hello.ts";
import { VIOLATIONS } from "../../src/proxy/tls/hello_violation.ts";
import {
  extension,
  makeHello,
  makeMessage,
  record,
  sized,
  toRecords,
} from "../../src/proxy/tls/test_hello.ts";
import { TlsRoutes } from "../../src/proxy/tls/tls_routes.ts";
import { promise } from "./target.ts";

const AROUND = 300;
const PREFIXES = 24;
const HOST_NAME = /^(?=.{1,255}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const ROUTES = new TlsRoutes([
  { sni: ["www.example.com", "*.example.com"], alpn: ["h2"] },
  { sni: ["*.example", "localhost"], alpn: [] },
  { sni: [], alpn: ["http/1.1", "\x01"] },
]);

export const CLIENT_HELLO_WORDS = [
  ...["\x16\x03\x01", "\x16\x03\x03\x01", "\x16\x03\x01\0\x01", "\x01\0\0", "\x03\x03", "\0\x02"],
  ...["\0\0\0\x0e\0\x0c\0\0\x09localhost", "\0\x10\0\x05\0\x03\x02h2", "\0\0\0\0", "\0\x10\0\0"],
  ...["\x02h2", "\x08http/1.1", "\0\0\x03a.b", "\0\0\x0810.0.0.1", "www.", ".", "-", "_", "*"],
  ...["\n\n", "\x1a\x1a", "\0\x17\0\0", "\0+\0\x03\x02\x03\x04", "\x15\x03\x01\0\x02", "\0", "A"],
  ...["GET / HTTP/1.1\r\n", "\x7f", "\x40\0", "\x3f\x7f"],
];

export function runClientHello(input: Uint8Array): void {
  runConnection(input);
  // In full records, a message that may be too long all the same.
  const bytes = Array.from(input);
  runConnection(Uint8Array.from(record(bytes)));
  runConnection(toRecords([1, ...sized(3, bytes)]));
  runConnection(makeHello(bytes));
  runConnection(makeHello(extension(0, sized(2, bytes))));
  runConnection(makeHello(extension(0, sized(2, [0, ...sized(2, bytes)]))));
  runConnection(makeHello(extension(16, sized(2, bytes))));
  const cut = toRecords(makeMessage({ extensions: [bytes] }), bytes.map((byte) => 1 + byte));
  runConnection(cut);
}

/** All that is known after a parse, as a text to compare. */
function read(hello: ClientHello, bytes: Uint8Array, start: number, end: number): string {
  const verdict = hello.parse(bytes, start, end);
  const { helloBytes, sni, alpnCount, alpnLength, violation, alert } = hello;
  const list = hello.alpnBytes.subarray(0, alpnLength).join();
  return [verdict, helloBytes, sni, alpnCount, list, violation, alert].join(" ");
}

function runConnection(bytes: Uint8Array): void {
  const hello = new ClientHello();
  const found = read(hello, bytes, 0, bytes.length);
  const verdict = Number(found[0]);
  promise([INCOMPLETE, DONE, VIOLATION].includes(verdict), "one of three verdicts");
  if (verdict === DONE) checkDone(hello, bytes);
  if (verdict === VIOLATION) {
    promise(VIOLATIONS[hello.violation] !== undefined, "a violation has a text");
    promise(hello.alert > 0 && hello.alert < 256, "and an alert");
  } else {
    promise(hello.violation === -1 && hello.alert === 0, "only a violation has a violation");
  }
  promise(verdict !== INCOMPLETE || bytes.length < CLIENT_HELLO_BYTES_MAX, "waiting ends");
  for (const filling of [0, 255]) {
    const padded = new Uint8Array(bytes.length + 2 * AROUND).fill(filling);
    padded.set(bytes, AROUND);
    promise(read(hello, padded, AROUND, AROUND + bytes.length) === found, "whatever is around");
  }
  const step = 1 + Math.floor(bytes.length / PREFIXES);
  for (let end = 0; end < bytes.length; end += step) {
    const before = read(hello, bytes, 0, end);
    promise(before[0] === String(INCOMPLETE) || before === found, "more bytes change nothing");
  }
}

function checkDone(hello: ClientHello, bytes: Uint8Array): void {
  const { helloBytes, sni } = hello;
  promise(helloBytes > 0 && helloBytes <= bytes.length, "the message lies in the bytes");
  promise(helloBytes <= CLIENT_HELLO_BYTES_MAX, "and within the bound");
  promise(sni === "" || HOST_NAME.test(sni), "a host name");
  let protocols = 0;
  for (let at = 0; at < hello.alpnLength; at += 1 + hello.alpnBytes[at]) {
    const protocol = hello.alpnBytes.subarray(at + 1, at + 1 + hello.alpnBytes[at]);
    promise(protocol.length > 0 && hello.hasAlpn(protocol), "each protocol is offered");
    protocols++;
  }
  promise(protocols === hello.alpnCount, "as many protocols as counted");
  const route = ROUTES.match(hello);
  promise(route >= -1 && route < 3, "a route, or none");
  ROUTES.mismatchAlert(hello);
  const other = new ClientHello();
  const before = other.parse(bytes, 0, helloBytes - 1);
  promise(before === INCOMPLETE, "without its last byte it is not complete");
  checkRecords(bytes.subarray(0, helloBytes), hello);
}

/** The same message in records of other sizes. */
function checkRecords(bytes: Uint8Array, hello: ClientHello): void {
  const message: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + (bytes[at + 3] << 8 | bytes[at + 4]);
    message.push(...bytes.subarray(at + 5, end));
    at = end;
  }
  for (const size of [1, 7, 500]) {
    const cut = toRecords(message, new Array(Math.ceil(message.length / size)).fill(size));
    const other = new ClientHello();
    const verdict = other.parse(cut, 0, cut.length);
    if (cut.length > CLIENT_HELLO_BYTES_MAX) continue;
    promise(verdict === DONE && other.helloBytes === cut.length, "in records of any size");
    promise(other.sni === hello.sni && other.alpnCount === hello.alpnCount, "the same is read");
  }
}
