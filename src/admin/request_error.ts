/**
 * A request that is answered with a refusal: its status, and a text for whoever sent it that says
 * what is wrong and how to mend it. Thrown where the mistake is found, answered in one place.
 */
import { quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, text: string, headers: Readonly<Record<string, string>> = {}) {
    super(text);
    this.status = status;
    this.headers = headers;
  }
}

/** So many names are listed; of more, how many there are. */
const KNOWN_SHOWN_MAX = 20;

/** What there is in place of `word`: `; did you mean "app"? known: app, api`. */
export function suggestKnown(word: string, known: readonly string[]): string {
  const near = findNearest(word, known);
  const shown = known.slice(0, KNOWN_SHOWN_MAX).join(", ");
  const hidden = known.length - KNOWN_SHOWN_MAX;
  const list = hidden > 0 ? `${shown} and ${hidden} more` : shown;
  return near === null ? `; known: ${list}` : `; did you mean ${quoteText(near)}? known: ${list}`;
}
