/**
 * Breaks a line of text between words, where the place that shows it would not: a drawing, and a
 * page that the formatter is to leave as it is.
 *
 * @returns lines of at most `characters`, but for a word that alone is longer.
 */
export function wrapWords(text: string, characters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > characters) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
