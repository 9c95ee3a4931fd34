/**
 * Makes inputs: from a sample, or from nothing, by a few changes of the kinds that break parsers.
 *
 * Small changes reach deep into a parser, since most of the input stays good; repetition finds what
 * costs more than it should. All chance comes from the generator that is passed in: the same
 * generator makes the same input.
 */
import type { Random } from "../../src/base/random.ts";

const CHANGES_MAX = 6;
const REPEATS_MAX = 2000;
/** Bytes that mean something in many languages, and the edges of UTF-8. */
const BYTES = [
  ...[0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x20, 0x22, 0x27, 0x28, 0x2a, 0x2c, 0x2d, 0x2e, 0x2f],
  ...[0x30, 0x3a, 0x3b, 0x3c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xef, 0xff],
];

/** What mutation draws from. */
export interface Stock {
  readonly samples: readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
  /** Inputs are not made longer. */
  readonly bytesMax: number;
}

export function makeInput(random: Random, stock: Stock): Uint8Array {
  const { samples, bytesMax } = stock;
  const fromNothing = samples.length === 0 || random.oneIn(8);
  let input = fromNothing ? makeNoise(random) : pick(random, samples);
  const changes = random.below(CHANGES_MAX + 1);
  for (let i = 0; i < changes; i++) input = change(random, input, stock).subarray(0, bytesMax);
  return input.slice(0, bytesMax);
}

function makeNoise(random: Random): Uint8Array {
  const length = random.below(random.oneIn(10) ? 2000 : 40);
  return Uint8Array.from(
    { length },
    () => random.oneIn(2) ? pick(random, BYTES) : random.below(256),
  );
}

function change(random: Random, input: Uint8Array, stock: Stock): Uint8Array {
  const at = random.below(input.length + 1);
  const end = at + random.below(Math.min(input.length - at, 1 + random.below(64)) + 1);
  const piece = input.subarray(at, end);
  switch (random.below(8)) {
    case 0:
      return splice(input, at, at, Uint8Array.of(pick(random, BYTES)));
    case 1:
      return splice(input, at, Math.min(at + 1, input.length), Uint8Array.of(random.below(256)));
    case 2:
      return splice(input, at, end, new Uint8Array(0));
    case 3:
      return splice(
        input,
        at,
        end,
        repeat(piece, 2 + random.below(random.oneIn(4) ? REPEATS_MAX : 8), stock),
      );
    case 4: {
      const to = random.below(input.length + 1);
      return splice(input, to, to, piece);
    }
    case 5: {
      if (stock.samples.length === 0) return input;
      const other = pick(random, stock.samples);
      const from = random.below(other.length + 1);
      return splice(input, at, end, other.subarray(from, from + random.below(200)));
    }
    case 6: {
      if (stock.words.length === 0) return input;
      return splice(input, at, end, pick(random, stock.words));
    }
    default: {
      if (stock.words.length === 0) return input;
      const word = pick(random, stock.words);
      return splice(
        input,
        at,
        at,
        repeat(word, 1 + random.below(random.oneIn(6) ? REPEATS_MAX : 3), stock),
      );
    }
  }
}

function pick<T>(random: Random, from: ArrayLike<T>): T {
  return from[random.below(from.length)];
}

function splice(input: Uint8Array, start: number, end: number, piece: Uint8Array): Uint8Array {
  const result = new Uint8Array(input.length - (end - start) + piece.length);
  result.set(input.subarray(0, start));
  result.set(piece, start);
  result.set(input.subarray(end), start + piece.length);
  return result;
}

function repeat(piece: Uint8Array, times: number, { bytesMax }: Stock): Uint8Array {
  const result = new Uint8Array(Math.min(piece.length * times, bytesMax));
  for (let at = 0; at < result.length; at++) result[at] = piece[at % piece.length];
  return result;
}
