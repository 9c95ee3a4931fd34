/**
 * Text with escapes for what a check sends and looks for: `PING\r\n`, `\x00\x01`.
 *
 * YAML has escapes of its own in double quotes, and none elsewhere; here they mean the same in
 * every form of quotes. The result is bytes. Beyond ASCII a character is its bytes in UTF-8, but
 * not those of Latin-1: of `"\xff"` in double quotes nobody can tell afterwards whether a byte was
 * meant or a letter, so it has to be said.
 */
import { quoteText } from "../base/quoted_text.ts";
import { CHECK_TEXT_BYTES_MAX } from "./config_limits.ts";
import type { Problem } from "./problem.ts";

type Decoded =
  /** One character per byte, with the code points 0 to 255. */
  | { readonly ok: true; readonly bytes: string }
  | { readonly ok: false; readonly problem: Problem };

const PLAIN: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\" };
/** One escape, complete or not, or one other character. */
const PART = /\\x([0-9A-Fa-f]{0,2})|\\([^x]|$)|[^\\]/gsu;

export function decodeEscapes(text: string): Decoded {
  let bytes = "";
  for (const [part, digits, letter] of text.matchAll(PART)) {
    if (digits !== undefined) {
      if (digits.length < 2) return refuse(`has the incomplete escape "${part}"`, INCOMPLETE);
      bytes += String.fromCharCode(parseInt(digits, 16));
    } else if (letter !== undefined) {
      const plain = PLAIN[letter];
      if (plain === undefined) return refuseEscape(letter);
      bytes += plain;
    } else {
      const encoded = encodeCharacter(part);
      if (encoded === null) return refuseLatin(part);
      bytes += encoded;
    }
  }
  if (bytes.length <= CHECK_TEXT_BYTES_MAX) return { ok: true, bytes };
  return refuse(`has ${bytes.length} bytes; at most ${CHECK_TEXT_BYTES_MAX} are allowed`);
}

const INCOMPLETE = "two hexadecimal digits follow \\x, such as \\x0a";
const KNOWN = "known are \\r \\n \\t \\\\ and \\xHH";

function refuse(message: string, hint?: string): Decoded {
  return { ok: false, problem: { kind: "value", message, hint } };
}

/** @param letter that follows a backslash; "" at the end of the text. */
function refuseEscape(letter: string): Decoded {
  if (letter === "") return refuse("ends in a single backslash", "a backslash is written \\\\");
  const shown = /^[!-~]$/.test(letter) ? `"\\${letter}"` : quoteText(`\\${letter}`);
  const hints: Readonly<Record<string, string>> = {
    "0": "write \\x00",
    u: "write the bytes of its UTF-8, each as \\xHH",
    X: "write \\x",
    R: "write \\r",
    N: "write \\n",
    T: "write \\t",
  };
  return refuse(`has the unknown escape ${shown}`, hints[letter] ?? KNOWN);
}

/** The bytes of UTF-8; null for what could be one byte as well. */
function encodeCharacter(character: string): string | null {
  const code = character.codePointAt(0)!;
  if (code < 0x80) return character;
  return code <= 0xff ? null : utf8Of(character);
}

function utf8Of(character: string): string {
  return String.fromCharCode(...new TextEncoder().encode(character));
}

function refuseLatin(character: string): Decoded {
  const escapeOf = (byte: string) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  const utf8 = Array.from(utf8Of(character), escapeOf).join("");
  const hint = `in single quotes write ${escapeOf(character)} for the byte, ${utf8} for UTF-8`;
  return refuse(`has ${quoteText(character)}, which may be one byte or two`, hint);
}
