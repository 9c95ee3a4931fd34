import assert from "node:assert/strict";
import { findGroup, findUser } from "./accounts.ts";

const FILES: Readonly<Record<string, string>> = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:34:www:/var/www:/usr/sbin/nologin\n",
  "/etc/group": "root:x:0:\nweb:x:34:www-data\n",
};
const read = (path: string) => FILES[path] ?? "";

Deno.test("users and groups are found by name", () => {
  assert.deepEqual(findUser("www-data", read), { uid: 33, gid: 34 });
  assert.equal(findGroup("web", read), 34);
});

Deno.test("a number is itself, and has a group of its own if there is such a user", () => {
  assert.deepEqual(findUser("33", read), { uid: 33, gid: 34 });
  assert.deepEqual(findUser("65532", read), { uid: 65532, gid: null });
  assert.equal(findGroup("65532", read), 65532);
});

Deno.test("a name that is unknown is told, with the file and what to write", () => {
  assert.throws(
    () => findUser("nobody", read),
    /^Error: there is no user "nobody" in \/etc\/passwd; write the number$/,
  );
  assert.throws(() => findGroup("x", () => ""), /no group "x" in \/etc\/group; write the number/);
});

Deno.test("a name is no number, and no part of a name", () => {
  assert.throws(() => findUser("www", read), /there is no user "www"/);
  assert.throws(() => findGroup("", read), /there is no group ""/);
});
