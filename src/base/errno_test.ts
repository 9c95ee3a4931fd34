import assert from "node:assert/strict";
import * as errno from "./errno.ts";

Deno.test("each error that the program knows by name is told by that name and in words", () => {
  const constants = Object.entries(errno).filter(([, value]) => typeof value === "number");
  assert.ok(constants.length > 15);
  for (const [name, number] of constants as [string, number][]) {
    const text = errno.describeErrno(number);
    assert.ok(text.endsWith(` (${name})`), `${name}: ${text}`);
  }
});

Deno.test("numbers are those of Linux", () => {
  assert.deepEqual(
    [errno.EPERM, errno.EAGAIN, errno.EINVAL, errno.EADDRINUSE, errno.ECANCELED],
    [1, 11, 22, 98, 125],
  );
});

Deno.test("an error is described the same positive and negated, as the kernel returns it", () => {
  assert.equal(errno.describeErrno(-errno.EPIPE), "broken pipe (EPIPE)");
  assert.equal(errno.describeErrno(errno.EPIPE), "broken pipe (EPIPE)");
});

Deno.test("an error without words keeps its number", () => {
  assert.equal(errno.describeErrno(-121), "errno 121");
});
