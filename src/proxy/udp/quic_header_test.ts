import assert from "node:assert/strict";
import fc from "fast-check";
import { INVALID, LONG, QuicHeader, SHORT } from "./quic_header.ts";

const header = new QuicHeader();

function makeLong(version: number, dcid: readonly number[], scid: readonly number[]): number[] {
  const words = [24, 16, 8, 0].map((shift) => (version >>> shift) & 255);
  return [0xc3, ...words, dcid.length, ...dcid, scid.length, ...scid];
}

const ID = fc.array(fc.nat(255), { maxLength: 255 });

Deno.test("a long header has a version and both connection ids, of any length up to 255", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      ID,
      ID,
      fc.array(fc.nat(255), { maxLength: 40 }),
      fc.nat(9),
      (version, dcid, scid, payload, before) => {
        const bytes = Uint8Array.from([
          ...new Array(before).fill(7),
          ...makeLong(version, dcid, scid),
        ]);
        const whole = Uint8Array.from([...bytes, ...payload]);
        assert.equal(header.parse(whole, before, whole.length), LONG);
        assert.equal(header.version, version);
        const { dcidStart, dcidLength, scidStart, scidLength } = header;
        assert.deepEqual([...whole.subarray(dcidStart, dcidStart + dcidLength)], dcid);
        assert.deepEqual([...whole.subarray(scidStart, scidStart + scidLength)], scid);
        assert.deepEqual([dcidLength, scidLength], [dcid.length, scid.length]);
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a long header that is cut off anywhere is invalid, whatever stands behind it", () => {
  const bytes = Uint8Array.from([...makeLong(1, [1, 2, 3], [4, 5]), ...new Array(300).fill(0)]);
  const length = makeLong(1, [1, 2, 3], [4, 5]).length;
  for (let end = 0; end < length; end++) {
    assert.equal(header.parse(bytes, 0, end), INVALID);
    assert.equal(header.parse(bytes.slice(0, end), 0, end), INVALID);
  }
  assert.equal(header.parse(bytes, 0, length), LONG);
});

Deno.test("in a short header the id is somewhere in all that follows the first byte", () => {
  const bytes = Uint8Array.of(0xff, 0x41, 1, 2, 3, 0xff);
  assert.equal(header.parse(bytes, 1, 5), SHORT);
  const { version, dcidStart, dcidLength, scidLength } = header;
  assert.deepEqual([version, dcidStart, dcidLength, scidLength], [0, 2, 3, 0]);
  assert.equal(header.parse(bytes, 1, 2), SHORT);
  assert.equal(header.dcidLength, 0);
});

Deno.test("a short header after a long one has nothing left of it", () => {
  header.parse(Uint8Array.from(makeLong(1, [1], [2])), 0, 9);
  assert.equal(header.parse(Uint8Array.of(0x40, 9), 0, 2), SHORT);
  assert.deepEqual([header.version, header.scidStart, header.scidLength], [0, 0, 0]);
});

Deno.test("the bits that only a version gives a meaning to do not matter", () => {
  const bytes = Uint8Array.from(makeLong(1, [1], [2]));
  for (let first = 0; first < 256; first++) {
    bytes[0] = first;
    assert.equal(header.parse(bytes, 0, bytes.length), first < 128 ? SHORT : LONG);
  }
});

Deno.test("a datagram without bytes is invalid", () => {
  assert.equal(header.parse(new Uint8Array(4), 2, 2), INVALID);
  assert.equal(header.parse(new Uint8Array(0), 0, 0), INVALID);
});
