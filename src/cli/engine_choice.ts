/**
 * RINGWAY_IO: the environment may choose the engine, too, where the file is one for many machines.
 * It has precedence over `io`.
 */
import { quoteText } from "../base/quoted_text.ts";
import { IO_CHOICES, type IoChoice } from "../config/config.ts";

export const ENGINE_VARIABLE = "RINGWAY_IO";
export const ENGINE_WORDS = `one of ${IO_CHOICES.join(", ")}`;

export interface EngineWord {
  /** As it may be shown. */
  readonly text: string;
  /** Null: it is no engine. */
  readonly io: IoChoice | null;
}

/** What the environment says; null when it says nothing. */
export function readEngineWord(word = Deno.env.get(ENGINE_VARIABLE) ?? ""): EngineWord | null {
  if (word === "") return null;
  return { text: quoteText(word), io: IO_CHOICES.find((choice) => choice === word) ?? null };
}
