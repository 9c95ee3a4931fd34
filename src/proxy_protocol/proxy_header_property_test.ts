/**
 * What holds for every header and for bytes that are none: what is known of it grows with the bytes
 * and never changes, INCOMPLETE is always worth the wait, and nothing outside the range is read.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DONE, INCOMPLETE, ProxyHeader, VIOLATION, VIOLATIONS } from "./proxy_header.ts";
import {
  bytesOf,
  IPV4_ADDRESSES,
  IPV6_ADDRESSES,
  makeBlock,
  makeTlv,
  sign,
  UNIX_ADDRESSES,
} from "./test_headers.ts";

const port = fc.nat(65535);
const ipv6 = fc.oneof(fc.ipV6(), fc.constant("1111:2222:3333:4444:5555:6666:111.122.133.144"));
const line = fc.oneof(
  fc.tuple(fc.constant("TCP4"), fc.ipV4(), fc.ipV4(), port, port).map((words) => words.join(" ")),
  fc.tuple(fc.constant("TCP6"), ipv6, ipv6, port, port).map((words) => words.join(" ")),
  fc.string({ unit: "binary-ascii", maxLength: 91 })
    .map((rest) => `UNKNOWN ${rest.replace(/[\r\n]/g, "")}`),
  fc.constant("UNKNOWN"),
).map((words) => bytesOf(`PROXY ${words}\r\n`)).filter((bytes) => bytes.length <= 107);

const tlv = fc.tuple(
  fc.constantFrom(1, 2, 4, 5, 0x20, 0x30, 0xe0, 0xff),
  fc.uint8Array({ maxLength: 20 }),
).map(([type, value]) => makeTlv(type, value));

/** Not signed. */
const block = fc.record({
  command: fc.constantFrom(0, 1, 1, 1),
  shape: fc.constantFrom(
    { family: 0x11, addresses: IPV4_ADDRESSES },
    { family: 0x12, addresses: IPV4_ADDRESSES },
    { family: 0x21, addresses: IPV6_ADDRESSES },
    { family: 0x22, addresses: IPV6_ADDRESSES },
    { family: 0x31, addresses: UNIX_ADDRESSES },
    { family: 0x00, addresses: [] },
  ),
  tlvs: fc.array(tlv, { maxLength: 4 }).map((tlvs) => tlvs.flat()),
}).map(({ command, shape, tlvs }) => makeBlock({ command, ...shape, tlvs }));

const signed = fc.tuple(fc.array(tlv, { maxLength: 3 }), fc.array(tlv, { maxLength: 3 }))
  .map(([before, after]) => {
    const first = before.flat();
    const tlvs = [...first, ...makeTlv(3, [0, 0, 0, 0]), ...after.flat()];
    return sign(makeBlock({ tlvs }), 28 + first.length + 3);
  });

const valid = fc.oneof(line, block, signed);

interface Change {
  readonly at: number;
  readonly cut: number;
  readonly put: Uint8Array;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(120),
  cut: fc.nat(3),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.string({ unit: fc.constantFrom(..."0159:. af\r\n"), maxLength: 3 }).map(bytesOf),
  ),
});

/** Headers with small changes: most are broken somewhere, some are headers still. */
const nearly = fc.tuple(valid, fc.array(change, { maxLength: 3 })).map(([bytes, changes]) => {
  let changed = [...bytes];
  for (const { at, cut, put } of changes) {
    changed = [...changed.slice(0, at), ...put, ...changed.slice(at + cut)];
  }
  return Uint8Array.from(changed);
});

function parse(bytes: Uint8Array, end = bytes.length): [number, ProxyHeader] {
  const header = new ProxyHeader();
  return [header.parse(bytes, 0, end), header];
}

Deno.test("every beginning of a header is incomplete", () => {
  fc.assert(
    fc.property(valid, (bytes) => {
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(parse(bytes, end)[0], INCOMPLETE, `${end} of ${bytes.length} bytes`);
      }
      assert.equal(parse(bytes)[0], DONE);
    }),
    { numRuns: 500 },
  );
});

Deno.test("bytes that come in pieces, to one reader, give what they give at once", () => {
  const cuts = fc.array(fc.nat(300), { maxLength: 10 });
  fc.assert(
    fc.property(nearly, fc.uint8Array(), cuts, (first, rest, cuts) => {
      const bytes = Uint8Array.from([...first, ...rest]);
      const [result, atOnce] = parse(bytes);
      const inPieces = new ProxyHeader();
      for (const end of cuts.sort((a, b) => a - b)) {
        if (end >= bytes.length) break;
        const early = inPieces.parse(bytes, 0, end);
        if (early === INCOMPLETE) continue;
        assert.equal(early, result);
        assert.deepEqual(inPieces, atOnce);
      }
      assert.equal(inPieces.parse(bytes, 0, bytes.length), result);
      assert.deepEqual(inPieces, atOnce);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a violation stays the same violation however many bytes come", () => {
  fc.assert(
    fc.property(nearly, (bytes) => {
      let violation = -1;
      for (let end = 0; end <= bytes.length; end++) {
        const [result, header] = parse(bytes, end);
        if (violation >= 0) assert.deepEqual([result, header.violation], [VIOLATION, violation]);
        if (result === VIOLATION) violation = header.violation;
      }
    }),
    { numRuns: 1000 },
  );
});

/** What brings a header to its end soonest comes first. */
const NEXT = [...bytesOf("\n\r 0:."), 0, 1, 2, 3, ...bytesOf("PROXYTC46UNKW1QI"), 0x21, 0x11];

/**
 * Puts a byte at `end` with which no violation comes; false when there is none.
 *
 * @param refusals gets what the other bytes were refused for.
 */
function goOn(bytes: Uint8Array, end: number, refusals: Set<string>): boolean {
  const header = new ProxyHeader();
  for (let i = 0; i < NEXT.length + 256; i++) {
    bytes[end] = i < NEXT.length ? NEXT[i] : i - NEXT.length;
    if (header.parse(bytes, 0, end + 1) !== VIOLATION) return true;
    refusals.add(VIOLATIONS[header.violation]);
  }
  return false;
}

Deno.test("incomplete bytes can still become a header, but for their checksum", () => {
  const header = new ProxyHeader();
  const grown = new Uint8Array(5000);
  fc.assert(
    fc.property(nearly, fc.nat(), (bytes, cut) => {
      let end = cut % (bytes.length + 1);
      grown.set(bytes.subarray(0, end));
      while (header.parse(grown, 0, end) === INCOMPLETE) {
        const refusals = new Set<string>();
        if (!goOn(grown, end, refusals)) {
          assert.ok(refusals.has("version 2: wrong checksum"), [...refusals].join());
          return;
        }
        end++;
      }
    }),
    { numRuns: 300 },
  );
});

/** Bytes that fail the test when something outside of `start..end` is read. */
function guard(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      const at = typeof key === "string" ? Number(key) : NaN;
      if (!Number.isNaN(at)) {
        assert.ok(at >= start && at < end, `byte ${at} is outside of ${start}..${end}`);
      }
      return Reflect.get(target, key, target);
    },
  });
}

Deno.test("nothing outside of the range is read, and where it lies does not matter", () => {
  fc.assert(
    fc.property(nearly, fc.uint8Array(), fc.nat(), (bytes, before, cut) => {
      const length = cut % (bytes.length + 1);
      const [result, alone] = parse(bytes, length);
      const start = before.length;
      const placed = Uint8Array.from([...before, ...bytes, 0x0d, 0x0a]);
      const header = new ProxyHeader();
      const guarded = guard(placed, start, start + length);
      assert.equal(header.parse(guarded, start, start + length), result);
      assert.equal(header.headerBytes, alone.headerBytes);
      assert.deepEqual([header.source, header.destination], [alone.source, alone.destination]);
      assert.deepEqual(header.authorityLength, alone.authorityLength);
      if (result === DONE && header.authorityLength > 0) {
        assert.equal(header.authorityStart, start + alone.authorityStart);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("whatever the bytes are, the answer is one of three, its numbers in bounds", () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const [result, header] = parse(bytes);
      assert.ok([INCOMPLETE, DONE, VIOLATION].includes(result));
      if (result === DONE) assert.ok(header.headerBytes > 0 && header.headerBytes <= bytes.length);
      if (result === VIOLATION) assert.ok(VIOLATIONS[header.violation] !== undefined);
    }),
    { numRuns: 3000 },
  );
});
