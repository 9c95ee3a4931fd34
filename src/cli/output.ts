/** Where words go: for people to standard error, data to standard output; and in which colors. */
import { type Paint, paintColors, paintNothing } from "./table.ts";

const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch {
    // The reader has gone (a closed pipe): there is nobody left to tell.
  }
}

/** For people. */
export function say(text: string): void {
  writeAll(Deno.stderr, text);
}

/** Data, for programs and pipes. */
export function print(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Colors where a terminal shows them and nobody has asked for none (https://no-color.org). */
export function ownPaint(): Paint {
  const isColored = Deno.stdout.isTerminal() && !Deno.noColor && Deno.env.get("TERM") !== "dumb";
  return isColored ? paintColors : paintNothing;
}
