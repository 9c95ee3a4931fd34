import assert from "node:assert/strict";
import { EPERM } from "../base/errno.ts";
import { gatherVersions } from "./version.ts";

Deno.test("of the executable it is told from which commit and of what it is made", () => {
  const components = [{ name: "liburing", version: "2.9", licence: "MIT" }];
  const runtime = { name: "deno", version: "2.9.6" };
  const facts = { version: "0.1.0", commit: "abc", runtime, components };
  const versions = gatherVersions(facts, 0x81);
  assert.equal(versions.commit, "abc");
  assert.deepEqual(versions.components, components);
  assert.equal(versions.engine, "uring");
  assert.deepEqual(versions.io_uring, {
    error: null,
    features: ["single_mmap", "sqpoll_nonfixed"],
  });
});

Deno.test("of the source tree there is no commit; without a ring the engine is epoll", () => {
  const { commit, components, engine, io_uring: uring, deno } = gatherVersions(null, -EPERM);
  assert.deepEqual([commit, components, engine], [null, [], "epoll"]);
  assert.deepEqual(uring, { error: "operation not permitted (EPERM)", features: [] });
  assert.equal(deno, Deno.version.deno);
});
