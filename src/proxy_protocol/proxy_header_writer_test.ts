import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIp } from "../net/address.ts";
import { isIpv4Words, parseIpWords, writeIpv6Bytes } from "../net/ip_words.ts";
import { DONE, PROXY_V1_BYTES_MAX, ProxyHeader } from "./proxy_header.ts";
import {
  PROXY_V2_BYTES_MAX,
  ProxyExtras,
  writeProxyV1,
  writeProxyV2,
} from "./proxy_header_writer.ts";
import { bytesOf, IPV4_ADDRESSES, IPV6_ADDRESSES, makeBlock, makeTlv } from "./test_headers.ts";

interface Path {
  readonly from: Int32Array;
  readonly fromPort: number;
  readonly to: Int32Array;
  readonly toPort: number;
}

function path(from: string, fromPort: number, to: string, toPort: number): Path {
  return { from: parseIpWords(from)!, fromPort, to: parseIpWords(to)!, toPort };
}

const PATH = path("192.0.2.1", 1111, "192.0.2.2", 80);
const PATH_V6 = path("2001:db8::1", 1, "::ffff:1.2.3.4", 65535);

/** Writes in the middle of bytes and looks that nothing else changes. */
function written(write: (into: Uint8Array, at: number) => number, room: number): Uint8Array {
  const into = new Uint8Array(room + 5).fill(0xaa);
  const length = write(into, 5);
  assert.ok(into.subarray(0, 5).every((byte) => byte === 0xaa));
  assert.ok(into.subarray(5 + length).every((byte) => byte === 0xaa));
  return into.slice(5, 5 + length);
}

function lineOf({ from, fromPort, to, toPort }: Path, hasAddress = true): string {
  const words = Int32Array.from([...from, -1, ...to]);
  const line = written(
    (into, at) => writeProxyV1(into, at, words, 0, fromPort, words, 5, toPort, hasAddress),
    PROXY_V1_BYTES_MAX,
  );
  return String.fromCharCode(...line);
}

interface Asked {
  readonly hasAddress?: boolean;
  readonly isStream?: boolean;
  readonly extras?: ProxyExtras;
}

function blockOf({ from, fromPort, to, toPort }: Path, asked: Asked = {}): Uint8Array {
  const { hasAddress = true, isStream = true, extras = new ProxyExtras() } = asked;
  const words = Int32Array.from([-1, ...from, ...to]);
  return written(
    (into, at) =>
      writeProxyV2(into, at, words, 1, fromPort, words, 5, toPort, hasAddress, isStream, extras),
    PROXY_V2_BYTES_MAX,
  );
}

function makeExtras(alpn: string, authority: string, uniqueId: string): ProxyExtras {
  const extras = new ProxyExtras();
  extras.alpnBytes = bytesOf(`<${alpn}>`);
  extras.alpnStart = 1;
  extras.alpnLength = alpn.length;
  extras.authorityBytes = bytesOf(`<<${authority}>>`);
  extras.authorityStart = 2;
  extras.authorityLength = authority.length;
  extras.uniqueIdBytes = bytesOf(uniqueId);
  extras.uniqueIdLength = uniqueId.length;
  return extras;
}

Deno.test("a pair of IPv4 addresses is a line of TCP4", () => {
  assert.equal(lineOf(PATH), "PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n");
  const longest = path("255.255.255.255", 65535, "255.255.255.255", 65535);
  assert.equal(lineOf(longest).length, 56);
  assert.equal(
    lineOf(path("0.0.0.0", 0, "10.20.100.9", 9)),
    "PROXY TCP4 0.0.0.0 10.20.100.9 0 9\r\n",
  );
});

Deno.test("a pair with an IPv6 address is a line of TCP6, IPv4 as IPv4-mapped", () => {
  assert.equal(lineOf(PATH_V6), "PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 1 65535\r\n");
  const mapped = path("1.2.3.4", 80, "::", 443);
  assert.equal(lineOf(mapped), "PROXY TCP6 ::ffff:1.2.3.4 :: 80 443\r\n");
  const full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  assert.equal(lineOf(path(full, 65535, full, 65535)).length, 104);
});

Deno.test("a client that is not known is an UNKNOWN line and a LOCAL block", () => {
  assert.equal(lineOf(PATH, false), "PROXY UNKNOWN\r\n");
  const extras = makeExtras("h2", "example.com", "1");
  for (const isStream of [true, false]) {
    const block = blockOf(PATH, { hasAddress: false, isStream, extras });
    assert.deepEqual(block, makeBlock({ command: 0, family: 0, addresses: [] }));
  }
});

Deno.test("a block has addresses as bytes, of the family that both have", () => {
  assert.deepEqual(blockOf(PATH), makeBlock({ family: 0x11, addresses: IPV4_ADDRESSES }));
  assert.deepEqual(blockOf(PATH_V6), makeBlock({ family: 0x21, addresses: IPV6_ADDRESSES }));
  assert.deepEqual(blockOf(PATH, { isStream: false }), makeBlock({ family: 0x12 }));
  const datagram = blockOf(PATH_V6, { isStream: false });
  assert.deepEqual(datagram, makeBlock({ family: 0x22, addresses: IPV6_ADDRESSES }));
});

Deno.test("a block says ALPN, authority and unique id where they are known", () => {
  const all = makeExtras("h2", "example.com", "id");
  const [alpn, authority, uniqueId] = [
    makeTlv(1, "h2"),
    makeTlv(2, "example.com"),
    makeTlv(5, "id"),
  ];
  const tlvs = [...alpn, ...authority, ...uniqueId];
  assert.deepEqual(blockOf(PATH, { extras: all }), makeBlock({ tlvs }));
  const name = blockOf(PATH, { extras: makeExtras("", "example.com", "") });
  assert.deepEqual(name, makeBlock({ tlvs: authority }));
  all.clear();
  assert.deepEqual(blockOf(PATH, { extras: all }), makeBlock());
});

Deno.test("the longest values make the longest block, and longer ones are left out whole", () => {
  const value = (length: number) => "x".repeat(length);
  const longest = makeExtras(value(255), value(255), value(128));
  const tlvs = [makeTlv(1, value(255)), makeTlv(2, value(255)), makeTlv(5, value(128))].flat();
  const expected = makeBlock({ family: 0x21, addresses: IPV6_ADDRESSES, tlvs });
  assert.deepEqual(blockOf(PATH_V6, { extras: longest }), expected);
  assert.equal(expected.length, PROXY_V2_BYTES_MAX);
  const extras = makeExtras(value(256), value(256), value(129));
  assert.deepEqual(blockOf(PATH, { extras }), makeBlock());
});

const anyWords = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.array(fc.constantFrom(0, 0, 0, 1, 0x10, 0xffff), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.map((group) => group.toString(16)).join(":")),
).map((text) => parseIpWords(text)!);
const port = fc.nat(65535);
const anyPath: fc.Arbitrary<Path> = fc.record({
  from: anyWords,
  fromPort: port,
  to: anyWords,
  toPort: port,
});

Deno.test("IPv6 of a line is the canonical text", () => {
  fc.assert(
    fc.property(anyWords, (words) => {
      const bytes = new Uint8Array(16);
      writeIpv6Bytes(words, 0, bytes, 0);
      const toIpv6 = path("::", 0, "::", 0);
      const text = lineOf({ ...toIpv6, from: words }).split(" ")[2];
      assert.equal(text, formatIp(bytes));
    }),
    { numRuns: 2000 },
  );
});

function readBack(bytes: Uint8Array, { from, fromPort, to, toPort }: Path): ProxyHeader {
  const header = new ProxyHeader();
  assert.equal(header.parse(bytes, 0, bytes.length), DONE);
  assert.equal(header.headerBytes, bytes.length);
  assert.deepEqual([header.source, header.destination], [from, to]);
  assert.deepEqual([header.sourcePort, header.destinationPort], [fromPort, toPort]);
  assert.equal(header.hasAddress, true);
  assert.equal(header.isIpv4, isIpv4Words(from, 0) && isIpv4Words(to, 0));
  return header;
}

Deno.test("what is written as a line is read as the same", () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      assert.equal(readBack(bytesOf(lineOf(path)), path).version, 1);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("what is written as a block is read as the same", () => {
  const text = (maxLength: number) => fc.string({ unit: "binary-ascii", maxLength });
  const values = fc.tuple(text(255), text(255), text(128));
  fc.assert(
    fc.property(anyPath, fc.boolean(), values, (path, isStream, [alpn, authority, uniqueId]) => {
      const extras = makeExtras(alpn, authority, uniqueId);
      const bytes = blockOf(path, { isStream, extras });
      const header = readBack(bytes, path);
      assert.deepEqual([header.version, header.isStream], [2, isStream]);
      const { alpnStart, authorityStart, uniqueIdStart } = header;
      const valueOf = (start: number, length: number) => bytes.slice(start, start + length);
      assert.deepEqual(valueOf(alpnStart, header.alpnLength), bytesOf(alpn));
      assert.deepEqual(valueOf(authorityStart, header.authorityLength), bytesOf(authority));
      assert.deepEqual(valueOf(uniqueIdStart, header.uniqueIdLength), bytesOf(uniqueId));
    }),
    { numRuns: 500 },
  );
});

Deno.test("too little room, a wrong port, a value outside its bytes are the caller's", () => {
  const fault = { name: "AssertionFailure" };
  const { from, to } = PATH;
  const none = new ProxyExtras();
  const short = new Uint8Array(PROXY_V2_BYTES_MAX - 1);
  assert.throws(() => writeProxyV2(short, 0, from, 0, 1, to, 0, 2, true, true, none), fault);
  const line = new Uint8Array(PROXY_V1_BYTES_MAX);
  assert.throws(() => writeProxyV1(line, 1, from, 0, 1, to, 0, 2, true), fault);
  assert.throws(() => writeProxyV1(line, 0, from, 0, 65536, to, 0, 2, true), fault);
  assert.throws(() => blockOf({ ...PATH, toPort: -1 }), fault);
  const extras = makeExtras("h2", "", "");
  extras.alpnStart = 3;
  assert.throws(() => blockOf(PATH, { extras }), fault);
});
