import assert from "node:assert/strict";
import { nameFeatures } from "./uring_features.ts";

Deno.test("bits have the names of io_uring_setup(2), and none is left out", () => {
  assert.deepEqual(nameFeatures(0), []);
  assert.deepEqual(nameFeatures(1 | 1 << 8 | 1 << 17), ["single_mmap", "ext_arg", "no_iowait"]);
  assert.deepEqual(nameFeatures(1 << 20 | 1 << 31), ["bit_20", "bit_31"]);
});
