import assert from "node:assert/strict";
import { formatBytes } from "./byte_text.ts";

Deno.test("bytes are shown in powers of 1024 with one decimal", () => {
  const shown: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [10 * 1024 ** 3, "10.0 GiB"],
    [2 ** 53, "8.0 PiB"],
    [2 ** 63, "8192.0 PiB"],
  ];
  for (const [bytes, text] of shown) assert.equal(formatBytes(bytes), text);
});
