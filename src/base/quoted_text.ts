/**
 * Text that came from outside, made fit for a message: in double quotes, cut to a length at which
 * the message stays readable, and without characters that a terminal would obey.
 *
 * Messages quote configuration files and environment variables. A file may be binary, a value may
 * carry escape sequences or marks that turn the writing direction; none of it may reach a terminal.
 */
const LENGTH_MAX = 60;

/**
 * Control characters, invisible marks and writing-direction overrides (Unicode categories Cc, Cf,
 * Zl, Zp), halves of surrogate pairs, which no encoding can carry, and spaces that are not the
 * space: a no-break space in front of a key looks like nothing is wrong.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?! )\p{Zs}/gu;

/** `text` in double quotes; quotes and backslashes in it are escaped as in JSON. */
export function quoteText(text: string): string {
  const characters = Array.from(text.slice(0, 2 * LENGTH_MAX + 2));
  const isCut = characters.length > LENGTH_MAX;
  const shown = isCut ? characters.slice(0, LENGTH_MAX - 3).join("") + "..." : text;
  const escaped = shown.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t");
  return `"${escaped.replace(UNPRINTABLE, escapeCharacter)}"`;
}

/** `text` with each unprintable character replaced by one that is as wide: columns stay right. */
export function makePrintable(text: string): string {
  return text.replaceAll("\t", " ").replace(UNPRINTABLE, "\ufffd");
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
