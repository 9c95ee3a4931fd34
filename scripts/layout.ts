/**
 * Writes ffi/layout.ts from the offsets that the C compiler chose.
 *
 * The shim carries its own layout as text (rw_layout), so the generator asks the built library
 * instead of parsing C. ffi/shim.ts compares the same text at every start: a library of another
 * build is refused by name, never read at wrong offsets.
 */
import { openLibrary, readLayoutText } from "../ffi/shim.ts";

export function renderLayout(text: string): string {
  const rows = text.trimEnd().split("\n");
  const constants = rows.map((row) => `export const ${row.replace("=", " = ")};`);
  return [
    "/**",
    " * Offsets inside the shim's control block, in bytes, and the numbers that go with them.",
    " * Generated from shim/shim.c by `deno task layout`; do not edit.",
    " */",
    ...constants,
    "",
    "/** The same, one row each, as the library must report it when it is opened. */",
    "export const LAYOUT_ROWS = [",
    ...rows.map((row) => `  ${JSON.stringify(row)},`),
    "];",
    "",
  ].join("\n");
}

if (import.meta.main) {
  const path = `${import.meta.dirname}/../ffi/layout.ts`;
  Deno.writeTextFileSync(path, renderLayout(readLayoutText(openLibrary())));
  Deno.exit(0);
}
