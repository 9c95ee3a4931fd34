/**
 * Reads in an ELF file which libraries it needs (DT_NEEDED), so that what the executable carries
 * follows the runtime and not a list that somebody wrote down once.
 *
 * Only what our two processors have: 64 bits, little endian.
 */
const MAGIC = "\x7fELF";
const CLASS_64_LITTLE = "\x02\x01";
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const TAG_END = 0;
const TAG_NEEDED = 1;
const TAG_STRINGS = 5;

interface Segment {
  readonly kind: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

/** @returns their names, in the file's order. @throws Error when it is no such file */
export function readNeeded(file: Uint8Array<ArrayBuffer>): string[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = new TextDecoder("latin1").decode(file.subarray(0, 6));
  if (start !== MAGIC + CLASS_64_LITTLE) throw new Error("not an ELF file of 64 bits");
  const number = (at: number) => Number(view.getBigUint64(at, true));
  const headers = number(32);
  const [size, count] = [view.getUint16(54, true), view.getUint16(56, true)];
  const segments: Segment[] = Array.from({ length: count }, (_, i) => {
    const at = headers + i * size;
    return {
      kind: view.getUint32(at, true),
      offset: number(at + 8),
      address: number(at + 16),
      bytes: number(at + 32),
    };
  });
  const dynamic = segments.find(({ kind }) => kind === SEGMENT_DYNAMIC);
  if (dynamic === undefined) return [];
  const names: number[] = [];
  let strings = 0;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.bytes; at += 16) {
    const [tag, value] = [number(at), number(at + 8)];
    if (tag === TAG_END) break;
    if (tag === TAG_NEEDED) names.push(value);
    if (tag === TAG_STRINGS) strings = value;
  }
  const home = segments.find(({ kind, address, bytes }) =>
    kind === SEGMENT_LOAD && strings >= address && strings < address + bytes
  );
  if (home === undefined) throw new Error("the names of an ELF file are nowhere in it");
  const base = strings - home.address + home.offset;
  return names.map((name) => {
    const end = file.indexOf(0, base + name);
    return new TextDecoder().decode(file.subarray(base + name, end));
  });
}

/**
 * Every library that `file` needs, those too that only its libraries need; without the loader.
 *
 * @param find the bytes of a library
 */
export function collectLibraries(
  file: Uint8Array<ArrayBuffer>,
  loader: string,
  find: (name: string) => Uint8Array<ArrayBuffer>,
): Map<string, Uint8Array<ArrayBuffer>> {
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  const open = [file];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of readNeeded(next)) {
      if (name === loader || found.has(name)) continue;
      const bytes = find(name);
      found.set(name, bytes);
      open.push(bytes);
    }
  }
  return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
}
