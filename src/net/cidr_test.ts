import assert from "node:assert/strict";
import fc from "fast-check";
import { CidrSet, parseCidr } from "./cidr.ts";
import { formatIpWords, isIpv4Words, parseIpWords } from "./ip_words.ts";

/** Words that often begin alike, so that ranges nest and addresses hit them and their edges. */
const word = fc.constantFrom(0, 1, 2, -1, 1 << 31, 0x7fffffff, 0x0a000000, 0x0a000001, 0xffff);
const ipv4 = fc.oneof(word, fc.integer()).map((last) => Int32Array.of(0, 0, 0xffff, last | 0));
const ipv6 = fc.tuple(word, word, word, fc.oneof(word, fc.integer()))
  .map((words) => Int32Array.from(words));
const address = fc.oneof(ipv4, ipv6);

function toNumber(words: Int32Array): bigint {
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

/** What CidrSet.contains says, by definition. */
function matchesNaively(first: Int32Array, bits: number, words: Int32Array): boolean {
  const isIpv4Range = bits >= 96 && isIpv4Words(first, 0);
  if (isIpv4Range !== isIpv4Words(words, 0)) return false;
  const hidden = BigInt(128 - bits);
  return toNumber(first) >> hidden === toNumber(words) >> hidden;
}

/** The range of `bits` that has the address in it, as text. */
function rangeAround(words: Int32Array, bits: number): string {
  const isIpv4 = isIpv4Words(words, 0);
  const shown = isIpv4 ? bits % 33 : bits;
  const hidden = BigInt(isIpv4 ? 32 - shown : 128 - bits);
  const number = (toNumber(words) >> hidden) << hidden;
  const first = [96n, 64n, 32n, 0n].map((shift) => Number(BigInt.asIntN(32, number >> shift)));
  return `${formatIpWords(Int32Array.from(first), 0)}/${shown}`;
}

const range = fc.tuple(address, fc.nat(128)).map(([words, bits]) => rangeAround(words, bits))
  .filter((text) => parseCidr(text).ok);

function problemOf(text: string): string {
  const parsed = parseCidr(text);
  assert.ok(!parsed.ok, `${text} is accepted`);
  return `${parsed.problem.message}; ${parsed.problem.hint}`;
}

function contains(texts: string[], ip: string): boolean {
  return new CidrSet(texts).contains(parseIpWords(ip)!, 0);
}

Deno.test("a range has one text, its first address, and bits that count from 96 in IPv4", () => {
  const forms: [string, string, number][] = [
    ["10.0.0.0/8", "10.0.0.0/8", 104],
    ["10.0.0.1", "10.0.0.1/32", 128],
    ["0.0.0.0/0", "0.0.0.0/0", 96],
    ["::/0", "::/0", 0],
    ["::1", "::1/128", 128],
    ["2001:0DB8:0:0::/32", "2001:db8::/32", 32],
    ["fe80::/10", "fe80::/10", 10],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8", 104],
    ["::ffff:a00:0/104", "10.0.0.0/8", 104],
    ["::ffff:0:0/96", "0.0.0.0/0", 96],
    ["::ffff:10.0.0.1", "10.0.0.1/32", 128],
  ];
  for (const [text, canonical, bits] of forms) {
    const parsed = parseCidr(text);
    assert.ok(parsed.ok, text);
    assert.equal(parsed.value.text, canonical);
    assert.equal(parsed.value.bits, bits, text);
    const first = canonical.slice(0, canonical.indexOf("/"));
    assert.deepEqual(parsed.value.words, parseIpWords(first), text);
    assert.deepEqual(parseCidr(canonical), parsed);
  }
});

Deno.test("bits behind the prefix are refused with the range that was likely meant", () => {
  const message = 'has bits set behind its prefix: "10.1.2.3/8"; write "10.0.0.0/8"';
  assert.equal(problemOf("10.1.2.3/8"), message);
  assert.match(problemOf("2001:db8::1/32"), /; write "2001:db8::\/32"$/);
  assert.match(problemOf("0.0.0.1/0"), /; write "0\.0\.0\.0\/0"$/);
  assert.match(problemOf("::ffff:10.1.0.0/104"), /; write "10\.0\.0\.0\/8"$/);
});

Deno.test("a prefix is a decimal number without zeros in front, up to the address's bits", () => {
  const message = 'is no address range: "10.0.0.0/33"; an IPv4 prefix is a number from 0 to 32';
  assert.equal(problemOf("10.0.0.0/33"), message);
  for (const prefix of ["", "-1", "+8", "0x8", "8.5", "8/8", "1e1", "١"]) {
    assert.match(problemOf(`10.0.0.0/${prefix}`), /an IPv4 prefix is a number from 0 to 32/);
  }
  assert.match(problemOf("2001:db8::/129"), /an IPv6 prefix is a number from 0 to 128/);
});

Deno.test("words that mean addresses elsewhere are refused with what to write", () => {
  for (const text of ["all", "ANY", "*", " any "]) {
    assert.match(problemOf(text), /; all addresses are "0\.0\.0\.0\/0" and "::\/0"$/);
  }
  assert.match(problemOf("localhost"), /; write "127\.0\.0\.0\/8" and "::1"$/);
  assert.match(problemOf("example.com"), /a range is an IP address and a prefix/);
  assert.match(problemOf(""), /a range is an IP address and a prefix/);
});

Deno.test("slips that leave no doubt are answered with the range that was meant", () => {
  const slips: [string, string][] = [
    ["10.0.0.0 / 8", "10.0.0.0/8"],
    [" 10.0.0.0/8", "10.0.0.0/8"],
    ["10/8", "10.0.0.0/8"],
    ["192.168/16", "192.168.0.0/16"],
    ["10.", "10.0.0.0/8"],
    ["10.*.*.*", "10.0.0.0/8"],
    ["192.168.1.*", "192.168.1.0/24"],
    ["10.0.0.0/255.255.0.0", "10.0.0.0/16"],
    ["10.0.0.0/08", "10.0.0.0/8"],
    ["10.0.0.1:80", "10.0.0.1/32"],
    ["[::1]:80", "::1/128"],
    ["[2001:db8::]/32", "2001:db8::/32"],
    ["fe80::1%eth0", "fe80::1/128"],
    ["::ffff:10.0.0.0/8", "10.0.0.0/8"],
  ];
  for (const [text, meant] of slips) {
    assert.ok(problemOf(text).endsWith(`; write "${meant}"`), `${text}: ${problemOf(text)}`);
  }
});

Deno.test("what leaves doubt is answered with the rule", () => {
  assert.match(problemOf("10.0.0.0/8, 10.1.0.0/16"), /write ranges one by one/);
  assert.match(problemOf("10.0.0.1 10.0.0.2"), /write ranges one by one/);
  assert.match(problemOf("10.0.0.1-10.0.0.9"), /a range is written with a prefix/);
  assert.match(problemOf("10.0.0.300"), /four decimal numbers from 0 to 255/);
  assert.match(problemOf("010.0.0.1"), /four decimal numbers from 0 to 255/);
  assert.match(problemOf("10.0.0.0/255.0.255.0"), /a number from 0 to 32/);
  assert.match(
    problemOf("::ffff:10.0.0.0/90"),
    /mapped IPv4 addresses has a prefix from 96 to 128/,
  );
});

Deno.test("no text makes parsing throw, and what is accepted is written in one way", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."0123456789afF:./[]%*-, x".split("")),
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.oneof(text, range), (text) => {
      const parsed = parseCidr(text);
      if (parsed.ok) assert.deepEqual(parseCidr(parsed.value.text), parsed);
      else assert.notEqual(parsed.problem.hint, "");
    }),
    { seed: 1, numRuns: 3000 },
  );
  assert.match(problemOf("1.".repeat(100_000)), /four decimal numbers/);
});

Deno.test("a set contains an address exactly when one of its ranges does", () => {
  let hits = 0;
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.array(address), (texts, addresses) => {
      const set = new CidrSet(texts);
      for (const words of addresses) {
        const expected = texts.some((text) => {
          const parsed = parseCidr(text);
          return parsed.ok && matchesNaively(parsed.value.words, parsed.value.bits, words);
        });
        if (expected) hits++;
        assert.equal(set.contains(words, 0), expected, `${texts} ${formatIpWords(words, 0)}`);
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
  assert.ok(hits > 500, "the addresses hit ranges often");
});

Deno.test("a range holds its first and last address and neither neighbour", () => {
  const edges: [string, string[], string[]][] = [
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]],
    ["128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255", "0.0.0.0"]],
    ["1.2.3.4", ["1.2.3.4"], ["1.2.3.3", "1.2.3.5"]],
    ["2001:db8::/33", ["2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"], [
      "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
      "2001:db8:8000::",
    ]],
    ["8000::/1", ["8000::", "ffff::1"], ["7fff::", "::1"]],
  ];
  for (const [range, inside, outside] of edges) {
    for (const ip of inside) assert.ok(contains([range], ip), `${ip} in ${range}`);
    for (const ip of outside) assert.ok(!contains([range], ip), `${ip} in ${range}`);
  }
});

Deno.test("an IPv6 range has no IPv4 address in it, though those are mapped into IPv6", () => {
  assert.ok(!contains(["::/0"], "10.0.0.1"));
  assert.ok(!contains(["::/64"], "10.0.0.1"));
  assert.ok(!contains(["0.0.0.0/0"], "2001:db8::1"));
  assert.ok(contains(["0.0.0.0/0"], "::ffff:10.0.0.1"));
  assert.ok(contains(["::ffff:0:0/96"], "10.0.0.1"));
});

Deno.test("a set without ranges is empty and contains nothing", () => {
  assert.ok(new CidrSet([]).isEmpty);
  assert.ok(!new CidrSet(["10.0.0.1"]).isEmpty);
  assert.ok(!contains([], "10.0.0.1"));
  assert.ok(!contains([], "::"));
});

Deno.test("addresses are read from where they stand in the words", () => {
  const words = new Int32Array(12);
  words.set(parseIpWords("10.0.0.1")!, 4);
  words.set(parseIpWords("2001:db8::1")!, 8);
  const set = new CidrSet(["10.0.0.0/8", "2001:db8::/32"]);
  assert.deepEqual([0, 4, 8].map((at) => set.contains(words, at)), [false, true, true]);
});

Deno.test("a set of many ranges finds each of them and nothing between", () => {
  const texts: string[] = [];
  for (let i = 0; i < 5000; i++) texts.push(`${i >> 6 & 255}.${i & 63}.${i >> 3 & 255}.0/24`);
  const set = new CidrSet([...texts].reverse());
  for (const text of texts) {
    const words = parseIpWords(text.slice(0, text.indexOf("/")))!;
    words[3] += 200;
    assert.ok(set.contains(words, 0), text);
    words[3] ^= 1 << 22;
    assert.ok(!set.contains(words, 0), text);
  }
});

Deno.test("a set is made of valid ranges only", () => {
  assert.throws(() => new CidrSet(["10.0.0.1/8"]), /valid ranges/);
});
