import assert from "node:assert/strict";
import { choosePath } from "./admin_path.ts";

const SERVICE = "/run/ringway/ringway.sock";

Deno.test("the machine's service is asked by who runs none of their own", () => {
  const choose = (...present: string[]) =>
    choosePath("/run/user/7/ringway.sock", (path) => present.includes(path));
  assert.equal(choose("/run/user/7/ringway.sock", SERVICE), "/run/user/7/ringway.sock");
  assert.equal(choose(SERVICE), SERVICE);
  // Of two places that are empty the own one is told.
  assert.equal(choose(), "/run/user/7/ringway.sock");
});
