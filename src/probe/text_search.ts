/**
 * Looks for a text in what a server says, piece by piece, without keeping it.
 *
 * Only the first 64 KiB count: a server may talk without end. Between pieces just so much is kept
 * as the text could have begun in.
 */
import { Buffer } from "node:buffer";

export const SEARCHED_BYTES_MAX = 64 * 1024;

export class TextSearch {
  readonly #wanted: string;
  #tail = "";
  #bytes = 0;
  #isFound = false;

  /** @param wanted one character a byte, 0..255. */
  constructor(wanted: string) {
    this.#wanted = wanted;
  }

  get isFound(): boolean {
    return this.#isFound;
  }

  /** Whether more would not change the result. */
  get isOver(): boolean {
    return this.#isFound || this.#bytes >= SEARCHED_BYTES_MAX;
  }

  add(piece: Uint8Array): void {
    if (this.isOver) return;
    const taken = piece.subarray(0, SEARCHED_BYTES_MAX - this.#bytes);
    this.#bytes += taken.length;
    const text = this.#tail + Buffer.from(taken).toString("latin1");
    this.#isFound = text.includes(this.#wanted);
    const kept = Math.max(0, this.#wanted.length - 1);
    this.#tail = text.slice(Math.max(0, text.length - kept));
  }
}
