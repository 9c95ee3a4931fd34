/**
 * An executable taken apart, so that a test can put one together with another program inside, or
 * none: the launcher is then what is looked at.
 */
import { zstdDecompressSync } from "node:zlib";
import type { Frame } from "../../scripts/compile/frames.ts";
import { makeImage, type Part } from "../../scripts/compile/image.ts";

const MARK = "RINGWAY-IMAGE-1\0";
const PART_BYTES = 56;
const FRAME_BYTES = 16;

export interface TakenApart {
  readonly launcher: Uint8Array;
  readonly parts: readonly Part[];
}

/** The inverse of makeImage(). */
export function takeApart(file: Uint8Array<ArrayBuffer>): TakenApart {
  const header = new TextDecoder("latin1").decode(file).indexOf(MARK) + MARK.length;
  const view = new DataView(file.buffer);
  const table = Number(view.getBigUint64(header + 8, true));
  const [partCount, frameCount] = [16, 20].map((at) => view.getUint32(header + at, true));
  const frames: (Frame & { readonly offset: number })[] = [];
  for (let i = 0; i < frameCount; i++) {
    const row = table + partCount * PART_BYTES + i * FRAME_BYTES;
    const offset = Number(view.getBigUint64(row, true));
    const stored = file.subarray(offset, offset + view.getUint32(row + 8, true));
    frames.push({ offset, stored, bytes: view.getUint32(row + 12, true) });
  }
  const parts = Array.from({ length: partCount }, (_, i): Part => {
    const row = table + i * PART_BYTES;
    const name = new TextDecoder().decode(file.subarray(row, file.indexOf(0, row)));
    const [first, count, flags] = [40, 44, 48].map((at) => view.getUint32(row + at, true));
    return {
      name,
      frames: frames.slice(first, first + count),
      executable: (flags & 1) !== 0,
      preload: (flags & 2) !== 0,
    };
  });
  return { launcher: file.subarray(0, frames[0].offset), parts };
}

export function unpackPart({ frames }: Part): Uint8Array {
  return new Uint8Array(frames.flatMap(({ stored }) => [...zstdDecompressSync(stored)]));
}

/** The same executable with `script` for what a person runs. */
export function withScript({ launcher, parts }: TakenApart, script: string): Uint8Array {
  const bytes = new TextEncoder().encode(script);
  const frame = { stored: storeRaw(bytes), bytes: bytes.length };
  return makeImage(
    launcher,
    parts.map((part) => part.name === "command.js" ? { ...part, frames: [frame] } : part),
  );
}

/** A frame of one raw block (RFC 8878, 3.1.1): short, and at once made. */
function storeRaw(bytes: Uint8Array): Uint8Array {
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  const sizes = new Uint8Array(4);
  new DataView(sizes.buffer).setUint32(0, bytes.length, true);
  const block = bytes.length << 3 | 1;
  const header = [0b1010_0000, ...sizes, block & 255, block >> 8 & 255, block >> 16];
  return new Uint8Array([...magic, ...header, ...bytes]);
}
