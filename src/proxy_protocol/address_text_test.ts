import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4, parseIpv6 } from "../net/address.ts";
import { formatIpWords, parseIpWords } from "../net/ip_words.ts";
import {
  portOfText,
  readIpv4Text,
  readIpv6Text,
  readPortText,
  TEXT_OPEN,
  TEXT_WRONG,
} from "./address_text.ts";
import { bytesOf } from "./test_headers.ts";

type Read = typeof readIpv4Text;

/** The words of a text in front of a blank; null when there is no such text. */
function readWords(read: Read, text: string): number[] | null {
  const bytes = bytesOf(`${text} `);
  const words = new Int32Array(6).fill(77);
  const behind = read(bytes, 0, bytes.length, words, 1);
  if (behind !== text.length) return null;
  assert.deepEqual([words[0], words[5]], [77, 77]);
  return [...words.subarray(1, 5)];
}

function expectedWords(text: string, isIp: boolean): number[] | null {
  return isIp ? [...parseIpWords(text)!] : null;
}

const ipv4Like = fc.oneof(
  fc.ipV4(),
  fc.array(fc.constantFrom("0", "1", "25", "255", "256", "00", "01", "", "1000"), {
    minLength: 3,
    maxLength: 5,
  }).map((parts) => parts.join(".")),
);
const ipv6Piece = fc.constantFrom(
  ...["0", "1", "ffff", "ABCD", "00", "12345", "g", "", ":", ":", "::", "1:2:3", "1.2.3.4", "256."],
);
const ipv6Like = fc.oneof(
  fc.ipV6(),
  fc.array(ipv6Piece, { maxLength: 9 }).map((parts) => parts.join(":")),
  fc.array(ipv6Piece, { maxLength: 9 }).map((parts) => parts.join("")),
);

Deno.test("IPv4 is read exactly where the text of a configuration is, with the same words", () => {
  fc.assert(
    fc.property(ipv4Like, (text) => {
      const expected = expectedWords(text, parseIpv4(text) !== null);
      assert.deepEqual(readWords(readIpv4Text, text), expected, text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("IPv6 is read exactly where the text of a configuration is, with the same words", () => {
  fc.assert(
    fc.property(ipv6Like, (text) => {
      const expected = expectedWords(text, parseIpv6(text) !== null);
      assert.deepEqual(readWords(readIpv6Text, text), expected, text);
    }),
    { numRuns: 5000 },
  );
});

const IPV6_FORMS = [
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
  ["::13.1.68.3", "::d01:4403"],
  ["0:0:0:0:0:FFFF:129.144.52.38", "129.144.52.38"],
  ["1:2:3:4:5::0.0.0.1", "1:2:3:4:5::1"],
  ["1:2:3:4:5:6:255.255.255.255", "1:2:3:4:5:6:ffff:ffff"],
] as const;

Deno.test("IPv6 is read in the forms of RFC 4291, in either case", () => {
  for (const [text, canonical] of IPV6_FORMS) {
    const words = readWords(readIpv6Text, text);
    assert.ok(words !== null, text);
    assert.equal(formatIpWords(Int32Array.from(words), 0), canonical);
  }
});

Deno.test("whatever begins a right text is open, and nothing else is", () => {
  // With what can follow anywhere, an open text must become right by going on greedily.
  const alphabet = [" ", "0", ":", ".", "1"];
  const texts = fc.oneof(
    ipv4Like,
    ipv6Like,
    fc.string({ unit: fc.constantFrom(..."01f:."), maxLength: 50 }),
  );
  fc.assert(
    fc.property(texts, fc.constantFrom(readIpv4Text, readIpv6Text), fc.nat(), (text, read, cut) => {
      const words = new Int32Array(4);
      const stateOf = (text: string) => read(bytesOf(text), 0, text.length, words, 0);
      let whole = text.slice(0, cut % (text.length + 1));
      if (stateOf(whole) !== TEXT_OPEN) return;
      for (let i = 0; i < 50 && stateOf(whole) === TEXT_OPEN; i++) {
        const next = alphabet.find((next) => stateOf(whole + next) !== TEXT_WRONG);
        assert.ok(next !== undefined, `nothing can follow ${JSON.stringify(whole)}`);
        whole += next;
      }
      assert.equal(stateOf(whole), whole.length - 1, whole);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("the first byte that cannot belong to an address makes it wrong", () => {
  const cases: [Read, string][] = [
    [readIpv4Text, "256"],
    [readIpv4Text, "01"],
    [readIpv4Text, "1.."],
    [readIpv4Text, "."],
    [readIpv4Text, "1.2.3 "],
    [readIpv4Text, "1.2.3.x"],
    [readIpv6Text, ":1"],
    [readIpv6Text, " "],
    [readIpv6Text, "1::2::"],
    [readIpv6Text, ":::"],
    [readIpv6Text, "12345"],
    [readIpv6Text, "1: "],
    [readIpv6Text, "1:2:3:4:5:6:7 "],
    [readIpv6Text, "1:2:3:4:5:6:7:8:"],
    [readIpv6Text, "::1:2:3:4:5:6:7:"],
    [readIpv6Text, "1:2:3:4:5:6:7::8"],
    [readIpv6Text, "1."],
    [readIpv6Text, "1:2:3:4:5:6:7:8."],
    [readIpv6Text, "::1:2:3:4:5:6:7."],
    [readIpv6Text, "::256."],
    [readIpv6Text, "::f."],
    [readIpv6Text, "::1.02"],
    [readIpv6Text, "fe80::1:g"],
  ];
  const words = new Int32Array(4);
  for (const [read, text] of cases) {
    const before = text.length - 1;
    assert.equal(read(bytesOf(text), 0, before, words, 0), TEXT_OPEN, `before the end of ${text}`);
    assert.equal(read(bytesOf(text), 0, text.length, words, 0), TEXT_WRONG, text);
  }
});

Deno.test("a port is a canonical decimal number of 16 bits", () => {
  for (let port = 0; port <= 65535; port += port < 200 || port > 65000 ? 1 : 97) {
    const bytes = bytesOf(`x${port} `);
    const behind = readPortText(bytes, 1, bytes.length);
    assert.equal(behind, bytes.length - 1);
    assert.equal(portOfText(bytes, 1, behind), port);
    assert.equal(readPortText(bytes, 1, behind), TEXT_OPEN);
  }
  for (const text of ["65536", "100000", "00", "01", "-1", "+1", " ", "\r", "a"]) {
    const bytes = bytesOf(text);
    assert.equal(readPortText(bytes, 0, bytes.length), TEXT_WRONG, text);
  }
  assert.equal(readPortText(new Uint8Array(0), 0, 0), TEXT_OPEN);
});
