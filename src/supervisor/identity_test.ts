import assert from "node:assert/strict";
import { BindError } from "./bind_error.ts";
import { findIdentity } from "./identity.ts";

const ROOT = { uid: 0, gid: 0 };
const USERS: Readonly<Record<string, { uid: number; gid: number | null }>> = {
  root: { uid: 0, gid: 0 },
  web: { uid: 33, gid: 34 },
  "65532": { uid: 65532, gid: null },
};
const find = {
  user: (name: string) => USERS[name],
  group: (name: string) => name === "web" ? 34 : Number(name),
};

function identity(user: string | null, group: string | null, current = ROOT) {
  return findIdentity({ user, group }, current, find);
}

Deno.test("root becomes the user that is named, of the user's group or of the one named", () => {
  assert.deepEqual(identity("web", null), { uid: 33, gid: 34 });
  assert.deepEqual(identity("web", "12"), { uid: 33, gid: 12 });
  assert.deepEqual(identity("65532", "65532"), { uid: 65532, gid: 65532 });
});

Deno.test("who names nobody, or himself, stays who he is", () => {
  assert.equal(identity(null, null), null);
  assert.equal(identity("root", null), null);
  const web = { uid: 33, gid: 34 };
  assert.equal(identity("web", null, web), null);
  assert.equal(identity("web", "web", web), null);
  assert.equal(identity("65532", null, { uid: 65532, gid: 5 }), null);
});

Deno.test("nobody but root becomes another", () => {
  const web = { uid: 33, gid: 34 };
  for (const [user, group] of [["root", null], ["web", "12"]] as const) {
    assert.throws(() => identity(user, group, web), (failure) => {
      assert.ok(failure instanceof BindError && failure.errno === 1);
      assert.match(failure.message, /^cannot become user ".*EPERM\); start as root, or as that/);
      return true;
    });
  }
});

Deno.test("a number of no account needs a group beside it", () => {
  assert.throws(() => identity("65532", null), /"65532" has no group: .*; set group as well/);
});
