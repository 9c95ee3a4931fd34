/**
 * Finds what somebody meant by a word that is none here: the same word in another spelling, the
 * word of another balancer, or a slip of the keyboard.
 *
 * The words themselves are in vocabulary.ts and its neighbours; here is how they are looked up.
 */
import { findNearest } from "../base/text_distance.ts";

export interface Vocabulary {
  /** The word here, and what it is called elsewhere. */
  readonly foreign: Readonly<Record<string, readonly string[]>>;
  /** Kept for later versions: words of the documented design. */
  readonly later: readonly string[];
  /** Of these and of those with advice, the ones that stand in place of a required key. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Words of the sections in this one, by key: elsewhere they stand without a section. */
  readonly within?: Readonly<Record<string, Section>>;
  /** What to do about words that have no place here but one further out, or none at all. */
  readonly advice?: Readonly<Record<string, string>>;
}

export interface Section extends Vocabulary {
  readonly keys: readonly string[];
}

/** The known word that `word` is another name of, in any case and with hyphens; or null. */
export function findMeaning(
  word: string,
  known: readonly string[],
  { foreign, later }: Vocabulary,
): string | null {
  const meanings = meaningsOf(foreign);
  for (const each of [word, foldWord(word)]) {
    if (known.includes(each) || later.includes(each)) return each;
    const meaning = meanings.get(each);
    if (meaning !== undefined) return meaning;
  }
  return null;
}

/** The known word that `word` most likely was meant to be. */
export function suggestWord(
  word: string,
  known: readonly string[],
  vocabulary: Vocabulary,
): string | null {
  const exact = findMeaning(word, known, vocabulary);
  if (exact !== null) return exact;
  const meanings = meaningsOf(vocabulary.foreign);
  const nearest = findNearest(word, [...known, ...vocabulary.later, ...meanings.keys()]);
  return nearest === null ? null : meanings.get(nearest) ?? nearest;
}

type Foreign = Vocabulary["foreign"];

/** From foreign words to ours; made once, for a file may have thousands of unknown keys. */
const MEANINGS = new WeakMap<Foreign, ReadonlyMap<string, string>>();

function meaningsOf(foreign: Foreign): ReadonlyMap<string, string> {
  const made = MEANINGS.get(foreign);
  if (made !== undefined) return made;
  const meanings = new Map<string, string>();
  for (const [here, elsewhere] of Object.entries(foreign)) {
    for (const word of elsewhere) meanings.set(word, here);
  }
  MEANINGS.set(foreign, meanings);
  return meanings;
}

/** In the spelling of keys here; `option httpchk` is two words elsewhere. */
export function foldWord(word: string): string {
  return word.toLowerCase().replace(/[- ]/g, "_");
}

/** The section that has `word` as a key or knows its meaning, and that key; or null. */
export function findSection(
  word: string,
  { within = {} }: Vocabulary,
): { readonly section: string; readonly key: string } | null {
  const sections = Object.entries(within);
  const folded = foldWord(word);
  const owner = sections.find(([, { keys }]) => keys.includes(folded));
  if (owner !== undefined) return { section: owner[0], key: folded };
  for (const [section, { foreign }] of sections) {
    const key = findMeaning(word, [], { foreign, later: [] });
    if (key !== null) return { section, key };
  }
  return null;
}

/** What is advised about `word`, in any case and with hyphens; or null. */
export function findAdvice(word: string, { advice = {} }: Vocabulary): string | null {
  const folded = foldWord(word);
  return Object.hasOwn(advice, folded) ? advice[folded] : null;
}
