/**
 * The text of one configuration file, and where in it things are.
 *
 * Everything below speaks in offsets (UTF-16 code units, half-open), as the YAML reader does; line
 * and column are made only for a message. A column counts characters, not code units or bytes: that
 * is what a caret under the line and an editor's cursor agree on.
 */

/** Half-open range of offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export class SourceText {
  /** As people call the file; only for messages. */
  readonly file: string;
  /** Without a byte order mark. */
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text.startsWith("\ufeff") ? text.slice(1) : text;
    const lineStarts = [0];
    for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1)) {
      lineStarts.push(at + 1);
    }
    this.#lineStarts = lineStarts;
  }

  /** Line number of an offset, from 1; what lies outside of the text counts as its nearer end. */
  lineAt(offset: number): number {
    let line = 1;
    // The first line that starts behind the offset.
    let above = this.#lineStarts.length + 1;
    while (line + 1 < above) {
      const middle = (line + above) >> 1;
      if (this.#lineStarts[middle - 1] <= offset) line = middle;
      else above = middle;
    }
    return line;
  }

  positionAt(offset: number): Position {
    const line = this.lineAt(offset);
    const before = this.text.slice(this.#lineStarts[line - 1], Math.max(0, offset));
    return { line, column: countCharacters(before) + 1 };
  }

  /** Characters of the span on its first line; at least 1: something to point at. */
  lengthOf(span: Span): number {
    const firstLine = /^[^\r\n]*/.exec(this.text.slice(span.start, span.end))![0];
    return Math.max(1, countCharacters(firstLine));
  }

  /** Line number `line` (from 1) without its end; null when there is no such line. */
  lineSpan(line: number): Span | null {
    const start = this.#lineStarts[line - 1];
    if (start === undefined) return null;
    let end = (this.#lineStarts[line] ?? this.text.length + 1) - 1;
    if (end > start && this.text[end - 1] === "\r") end--;
    return { start, end };
  }

  /** The text of line number `line` (from 1); null when there is no such line. */
  lineText(line: number): string | null {
    const span = this.lineSpan(line);
    return span && this.text.slice(span.start, span.end);
  }
}

function countCharacters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // The second half of a surrogate pair belongs to the character before it.
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}
