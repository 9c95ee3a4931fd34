/**
 * Writes tar archives (POSIX ustar) that are the same byte for byte whenever and by whomever they
 * are made: the owner is given, times are zero, the order is the given one. Written here because
 * the tar of a machine has flags of its own, and because only root could give files to others.
 */

export interface TarEntry {
  /** From the root of the archive, below 100 bytes of ASCII; a folder ends with a slash. */
  readonly path: string;
  /** Permissions. */
  readonly mode: number;
  /** User and group. */
  readonly owner: number;
  /** Of a file. */
  readonly bytes?: Uint8Array;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** What tar(1) fills an archive up to. */
const RECORD_BYTES = 20 * BLOCK_BYTES;
const FILE = "0";
const FOLDER = "5";

function makeHeader({ path, mode, owner, bytes }: TarEntry): Uint8Array {
  if (path.length >= NAME_BYTES) throw new Error(`"${path}" is too long for a tar archive`);
  const header = new Uint8Array(BLOCK_BYTES);
  const encoder = new TextEncoder();
  const put = (at: number, text: string) => header.set(encoder.encode(text), at);
  /** Octal digits, ended by a zero byte. */
  const putNumber = (at: number, width: number, value: number) =>
    put(at, value.toString(8).padStart(width - 1, "0"));
  put(0, path);
  putNumber(100, 8, mode);
  putNumber(108, 8, owner);
  putNumber(116, 8, owner);
  putNumber(124, 12, bytes?.length ?? 0);
  putNumber(136, 12, 0); // the time
  put(148, " ".repeat(8)); // the checksum, taken as spaces while it is summed
  put(156, path.endsWith("/") ? FOLDER : FILE);
  put(257, "ustar\x0000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

export function makeTar(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const padded = (bytes: number, unit: number) => Math.ceil(bytes / unit) * unit;
  const sizes = entries.map(({ bytes }) => BLOCK_BYTES + padded(bytes?.length ?? 0, BLOCK_BYTES));
  const content = sizes.reduce((sum, size) => sum + size, 0);
  // Two empty blocks are the end.
  const archive = new Uint8Array(padded(content + 2 * BLOCK_BYTES, RECORD_BYTES));
  let at = 0;
  for (const [index, entry] of entries.entries()) {
    archive.set(makeHeader(entry), at);
    if (entry.bytes !== undefined) archive.set(entry.bytes, at + BLOCK_BYTES);
    at += sizes[index];
  }
  return archive;
}
