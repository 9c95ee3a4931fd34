/**
 * Puts the executable together: the launcher, the frames of every part, and the table that the
 * launcher reads. The other half of this format is shim/launcher/image.h.
 *
 * The launcher learns where the table is, and how long the whole file should be, by a header
 * inside it that is filled in here. At the end of the file it would be lost with the end.
 */
import type { Frame } from "./frames.ts";

export interface Part {
  readonly name: string;
  readonly frames: readonly Frame[];
  /** Holds machine code. */
  readonly executable?: boolean;
  /** A library that the dynamic loader gets before the program. */
  readonly preload?: boolean;
}

const MARK = "RINGWAY-IMAGE-1\0";
const NAME_BYTES = 32;
const PART_BYTES = 56;
const FRAME_BYTES = 16;
const PARTS_MAX = 32;
const EXECUTABLE = 1;
const PRELOAD = 2;
/** Frames begin where a page does not matter, but the table is read as numbers of 8 bytes. */
const ALIGNMENT = 8;

/** @throws Error when the launcher is not one, or a part does not fit its row. */
export function makeImage(
  launcher: Uint8Array,
  parts: readonly Part[],
): Uint8Array<ArrayBuffer> {
  if (parts.length > PARTS_MAX) throw new Error(`${parts.length} parts, ${PARTS_MAX} at most`);
  const frames = parts.flatMap((part) => part.frames);
  const stored = frames.reduce((sum, frame) => sum + frame.stored.length, 0);
  const tableOffset = align(launcher.length + stored);
  const bytes = tableOffset + parts.length * PART_BYTES + frames.length * FRAME_BYTES;
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  image.set(launcher);
  fillHeader(image, findHeader(launcher), [bytes, tableOffset], [parts.length, frames.length]);

  let offset = launcher.length;
  let row = tableOffset + parts.length * PART_BYTES;
  for (const frame of frames) {
    image.set(frame.stored, offset);
    view.setBigUint64(row, BigInt(offset), true);
    view.setUint32(row + 8, frame.stored.length, true);
    view.setUint32(row + 12, frame.bytes, true);
    offset += frame.stored.length;
    row += FRAME_BYTES;
  }
  let first = 0;
  row = tableOffset;
  for (const part of parts) {
    const name = new TextEncoder().encode(part.name);
    if (name.length >= NAME_BYTES) throw new Error(`the name "${part.name}" is too long`);
    image.set(name, row);
    const length = part.frames.reduce((sum, frame) => sum + frame.bytes, 0);
    view.setBigUint64(row + NAME_BYTES, BigInt(length), true);
    view.setUint32(row + NAME_BYTES + 8, first, true);
    view.setUint32(row + NAME_BYTES + 12, part.frames.length, true);
    const flags = (part.executable ? EXECUTABLE : 0) | (part.preload ? PRELOAD : 0);
    view.setUint32(row + NAME_BYTES + 16, flags, true);
    first += part.frames.length;
    row += PART_BYTES;
  }
  return image;
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function fillHeader(
  image: Uint8Array<ArrayBuffer>,
  header: number,
  wide: readonly number[],
  narrow: readonly number[],
): void {
  const view = new DataView(image.buffer, header + MARK.length);
  wide.forEach((value, i) => view.setBigUint64(8 * i, BigInt(value), true));
  narrow.forEach((value, i) => view.setUint32(8 * wide.length + 4 * i, value, true));
}

/** Where the mark stands in the launcher: once, or this is not the launcher that is meant. */
function findHeader(launcher: Uint8Array): number {
  // One character for each byte, so that an index in the text is one in the bytes.
  const text = new TextDecoder("latin1").decode(launcher);
  const at = text.indexOf(MARK);
  if (at < 0 || text.indexOf(MARK, at + 1) >= 0) {
    throw new Error("the launcher does not have exactly one header; see shim/launcher/image.c");
  }
  return at;
}
