import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { findCollections } from "./garbage.ts";

const OUTPUT = `2026 warn worker 0: [71:0x5ab0]       23 ms: Scavenge 4.0 (6.1) -> 3.2 (6.3) MB
[71:0x5ab0]      900 ms: Scavenge 5.0 (6.1) -> 3.2 (6.3) MB, pooled: 0.0 MB
[71:0x5ab0]     1500 ms: Mark-Compact 5.0 (6.1) -> 3.2 (6.3) MB, 1.2 / 0.0 ms
serving
`;

Deno.test("collections are found within the time asked for", () => {
  strictEqual(findCollections(OUTPUT, 0, 2000).length, 3);
  strictEqual(findCollections("nothing", 0, 1e9).length, 0);
  deepStrictEqual(findCollections(OUTPUT, 500, 1000), [
    "900 ms: Scavenge 5.0 (6.1) -> 3.2 (6.3) MB, pooled: 0.0 MB",
  ]);
});
