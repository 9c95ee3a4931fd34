import assert from "node:assert/strict";
import {
  EADDRNOTAVAIL,
  EAGAIN,
  ECANCELED,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EHOSTUNREACH,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  EPIPE,
  ETIMEDOUT,
} from "../base/errno.ts";
import { ACCEPT, CONNECT, RECEIVE, SEND } from "../ring/ring.ts";
import { AGAIN, BROKEN, OURS, SHORT, verdict } from "./failure.ts";

const EBADF = 9;
const KINDS = [ACCEPT, CONNECT, RECEIVE, SEND];

Deno.test("an interruption means again, a wrong fd is our own fault, for every operation", () => {
  for (const kind of KINDS) {
    assert.equal(verdict(kind, -EINTR), AGAIN);
    assert.equal(verdict(kind, -EAGAIN), AGAIN);
    assert.equal(verdict(kind, -EBADF), OURS);
  }
});

Deno.test("what the peer or the network does breaks the connection", () => {
  for (const kind of [CONNECT, RECEIVE, SEND]) {
    for (const errno of [ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ECONNREFUSED]) {
      assert.equal(verdict(kind, -errno), BROKEN, `${kind} ${errno}`);
    }
  }
});

Deno.test("accepting waits when the process or machine is short of something", () => {
  for (const errno of [EMFILE, ENFILE, ENOMEM, ENOBUFS]) {
    assert.equal(verdict(ACCEPT, -errno), SHORT);
  }
  assert.equal(verdict(ACCEPT, -ECONNABORTED), AGAIN, "this one is lost, the next is taken");
});

Deno.test("a connect that lacks local ports is not the server's fault", () => {
  assert.equal(verdict(CONNECT, -EADDRNOTAVAIL), SHORT);
});

Deno.test("a receive without a buffer waits, a cancelled one is asked for again", () => {
  assert.equal(verdict(RECEIVE, -ENOBUFS), SHORT);
  assert.equal(verdict(RECEIVE, -ECANCELED), AGAIN);
});

Deno.test("errno values that the table does not know break the connection", () => {
  for (const kind of KINDS) {
    assert.equal(verdict(kind, -133), BROKEN);
    assert.equal(verdict(kind, -512), BROKEN);
  }
});
