/**
 * Labels of servers, what listeners and routes ask of them, and the zones in which things stand.
 *
 * All are plain words that must be equal to match, so they have one narrow form: what looks the
 * same to a person is the same. Whether any server has what is asked for is in check_subsets.ts.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { LABELS_MAX } from "./config_limits.ts";
import { must, type Problem, QUOTE_HINT } from "./problem.ts";
import { byType, say, text } from "./schema_field.ts";

/** Wide enough for names of cloud zones, versions and revisions. */
const WORD_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9_.:/@+-]{0,62})$";
const WORD_REGEXP = new RegExp(WORD_PATTERN);
const WORD_FORM = "made of letters, digits and _ . : / @ + -";
const WORD_HINT = "a letter or digit first, at most 63 characters";

function explainWord(word: string): Problem | null {
  if (WORD_REGEXP.test(word)) return null;
  return word === "" ? must("a word", word) : must(WORD_FORM, word, WORD_HINT);
}

const LABEL_NAME = v.pipe(
  v.string(),
  v.check(
    (input) => WORD_REGEXP.test(input),
    say((input) => {
      const message = `the label ${quoteText(String(input))} must be ${WORD_FORM}`;
      return { kind: "whole", message, hint: WORD_HINT };
    }),
  ),
  v.metadata({ pattern: WORD_PATTERN }),
);

const LABEL_VALUE = v.pipe(
  v.string(say((input) => must("text", input, isScalar(input) ? QUOTE_HINT : undefined))),
  v.check(
    (input) => WORD_REGEXP.test(input),
    say((input) => explainWord(String(input))!),
  ),
  v.metadata({ pattern: WORD_PATTERN }),
);

function isScalar(input: unknown): boolean {
  return typeof input === "number" || typeof input === "boolean";
}

/** A map from names of labels to their values. */
function labelMap(description: string) {
  const map = v.pipe(
    v.record(LABEL_NAME, LABEL_VALUE),
    v.minEntries(1, say(() => ({ kind: "value", message: "must hold at least one label" }))),
    v.maxEntries(
      LABELS_MAX,
      say((input) => {
        const count = Object.keys(input as object).length;
        const message = `must hold at most ${LABELS_MAX} labels, found ${count}`;
        return { kind: "value", message };
      }),
    ),
    v.description(description),
  );
  return byType({ object: map }, (input) => {
    const pair = typeof input === "string" ? /^([\w.-]+)\s*[=:]\s*([\w.-]+)$/.exec(input) : null;
    const shown = pair === null ? "{ version: v2 }" : `{ ${pair[1]}: ${pair[2]} }`;
    return must("a map from labels to values", input, `write ${shown}`);
  });
}

export const LABELS = labelMap("What the server is, for the subset of listeners and routes.");

export const LISTENER_SUBSET = labelMap(
  "Only servers of its backend that have all these labels are used.",
);

export const ROUTE_SUBSET = labelMap(
  "Only servers of the route's backend that have all these labels are used.",
);

/** @param description what stands there. */
export function zone(description: string) {
  return text(explainWord, WORD_PATTERN, ["eu-west-1a"], description);
}
