/**
 * Compresses a part into frames of zstd that do not depend on each other, so that the launcher's
 * threads can share the work. What was compressed once is kept: a runtime takes a minute, and
 * changes only with its version.
 *
 * The parameters are a compromise that was measured, fixed, and part of the cache's key: same bytes
 * in, same bytes out.
 */
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";

export interface Frame {
  readonly stored: Uint8Array;
  /** Unpacked. */
  readonly bytes: number;
}

/**
 * The launcher has the same number (FRAME_BYTES_MAX). One huge page: the decoder jumps back in what
 * it has written, and that should be near. The runtime takes 101 ms of CPU to decode like this, 125
 * with frames of 4 MiB, which are 2 % smaller.
 */
export const FRAME_BYTES = 2 * 1024 * 1024;

/** Level 19 saves 8 %, takes ten times as long to make, and a fifth longer to decode. */
const PARAMETERS = {
  [constants.ZSTD_c_compressionLevel]: 12,
  // Whatever lies further back than a frame is long is not there.
  [constants.ZSTD_c_windowLog]: 21,
  [constants.ZSTD_c_checksumFlag]: 1,
  [constants.ZSTD_c_contentSizeFlag]: 1,
};
const AT_ONCE = 2;

const compress = promisify(zstdCompress) as (
  bytes: Uint8Array,
  options: { readonly params: Readonly<Record<number, number>> },
) => Promise<Uint8Array>;

/** @param cache a folder for frames, which must exist */
export async function makeFrames(bytes: Uint8Array, cache: string): Promise<Frame[]> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += FRAME_BYTES) {
    pieces.push(bytes.subarray(at, at + FRAME_BYTES));
  }
  const frames: Frame[] = new Array(pieces.length);
  let next = 0;
  const takePieces = async () => {
    for (let i = next++; i < pieces.length; i = next++) {
      frames[i] = await makeFrame(pieces[i], cache);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takePieces));
  return frames;
}

async function makeFrame(piece: Uint8Array, cache: string): Promise<Frame> {
  const own = new TextEncoder().encode(JSON.stringify(PARAMETERS));
  const decisive = new Uint8Array(own.length + piece.length);
  decisive.set(own);
  decisive.set(piece, own.length);
  const key = await crypto.subtle.digest("SHA-256", decisive);
  const path = `${cache}/${new Uint8Array(key).toHex()}.zst`;
  try {
    return { stored: Deno.readFileSync(path), bytes: piece.length };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const stored = await compress(piece, { params: PARAMETERS });
  Deno.writeFileSync(`${path}.new-${Deno.pid}`, stored);
  Deno.renameSync(`${path}.new-${Deno.pid}`, path);
  return { stored, bytes: piece.length };
}
