import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { makeImage } from "./image.ts";

const LAUNCHER = new TextEncoder().encode(`code RINGWAY-IMAGE-1\0${"\0".repeat(24)} more code`);
const frame = (stored: string, bytes: number) => ({
  stored: new TextEncoder().encode(stored),
  bytes,
});

Deno.test("the launcher is told how long the file is and where its table stands", () => {
  const image = makeImage(LAUNCHER, [{ name: "a", frames: [frame("xyz", 10)] }]);
  const view = new DataView(image.buffer);
  const header = 5 + 16;
  strictEqual(view.getBigUint64(header, true), BigInt(image.length));
  const table = Number(view.getBigUint64(header + 8, true));
  strictEqual(table % 8, 0);
  strictEqual(view.getUint32(header + 16, true), 1);
  strictEqual(view.getUint32(header + 20, true), 1);
  strictEqual(image.length, table + 56 + 16);
});

Deno.test("parts stand in the table with their frames, lengths and flags", () => {
  const image = makeImage(LAUNCHER, [
    { name: "ld.so", executable: true, frames: [frame("one", 10)] },
    { name: "libc.so.6", executable: true, preload: true, frames: [frame("2", 5), frame("33", 6)] },
  ]);
  const view = new DataView(image.buffer);
  const table = Number(view.getBigUint64(5 + 16 + 8, true));
  const second = table + 56;
  strictEqual(new TextDecoder().decode(image.subarray(second, second + 10)), "libc.so.6\0");
  strictEqual(view.getBigUint64(second + 32, true), 11n);
  deepStrictEqual([40, 44, 48].map((at) => view.getUint32(second + at, true)), [1, 2, 3]);
  const last = table + 2 * 56 + 2 * 16;
  const offset = Number(view.getBigUint64(last, true));
  strictEqual(new TextDecoder().decode(image.subarray(offset, offset + 2)), "33");
  deepStrictEqual([8, 12].map((at) => view.getUint32(last + at, true)), [2, 6]);
});

Deno.test("a program that is not the launcher is refused", () => {
  throws(() => makeImage(new Uint8Array(100), []), /exactly one header/);
  const twice = new Uint8Array([...LAUNCHER, ...LAUNCHER]);
  throws(() => makeImage(twice, []), /exactly one header/);
});
