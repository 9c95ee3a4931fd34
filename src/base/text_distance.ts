/**
 * How far apart two words are, for "did you mean": Damerau-Levenshtein in its restricted form
 * (optimal string alignment), which counts a swap of neighbours as one slip, as typing does.
 *
 * Two slips are forgiven, one in a word under five letters: with more, the suggestion is more often
 * wrong than right. Words are compared without case, and `-` counts as `_`.
 */
const DISTANCE_MAX = 2;
const DISTANCE_SHORT_MAX = 1;
const SHORT_LENGTH = 5;
/** Longer than any key or name: such text is no misspelling, and not worth the time. */
const LENGTH_MAX = 128;

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn `one` into `other`.
 *
 * @param most where counting may end: beyond it the result is only known to be larger.
 */
export function textDistance(one: string, other: string, most = Infinity): number {
  const width = other.length + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: width }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column < width; column++) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(
        last[column] + 1,
        current[column - 1] + 1,
        last[column - 1] + (same ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && one[row - 1] === other[column - 2] &&
        one[row - 2] === other[column - 1];
      if (isSwap) least = Math.min(least, beforeLast[column - 2] + 1);
      current.push(least);
    }
    // A later row never holds less than the two before it do.
    if (Math.min(...current) > most && Math.min(...last) > most) return most + 1;
    beforeLast = last;
    last = current;
  }
  return last[other.length];
}

/** The candidate that `word` most likely was meant to be; the first of equals; null for none. */
export function findNearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > LENGTH_MAX) return null;
  const allowed = word.length < SHORT_LENGTH ? DISTANCE_SHORT_MAX : DISTANCE_MAX;
  const folded = fold(word);
  let nearest: string | null = null;
  let least = allowed + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > allowed) continue;
    const distance = textDistance(folded, fold(candidate), allowed);
    // A distance as long as the word is no likeness: any letter is one slip away from any other.
    if (distance >= least || distance >= Math.min(word.length, candidate.length)) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}
