import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { closedTarget, drip, serveTcp, writeForEver } from "./test_servers.ts";
import { runAgentCheck } from "./agent_check.ts";

const LONG_MS = 5000;

function ask(answer: (socket: Socket) => void, timeoutMs = LONG_MS) {
  return serveTcp(answer, (target) => runAgentCheck({ send: null }, target, timeoutMs));
}

Deno.test("the line of an agent comes without its end", async () => {
  const expected = { isOk: true, text: '"up 50%"', isOurs: false, line: "up 50%" };
  assert.deepEqual(await ask((socket) => void socket.write("up 50%\n")), expected);
  assert.deepEqual(await ask((socket) => void socket.write("up 50%\r\nmore\n")), expected);
  assert.deepEqual(await ask((socket) => void socket.end("up 50%")), expected);
  const empty = await ask((socket) => void socket.write("\n"));
  assert.equal(empty.line, "", "whether it means something is decided elsewhere");
});

Deno.test("what follows the line, and that the agent ends, does not change it", async () => {
  for (const more of ["", "more", "more\n", "down\n".repeat(20)]) {
    const outcome = await ask((socket) => void socket.end(`up 50%\n${more}`));
    assert.equal(outcome.line, "up 50%");
    const apart = await ask((socket) => {
      socket.setNoDelay(true);
      socket.write("up 50%\n", () => socket.end(more));
    });
    assert.equal(apart.line, "up 50%");
  }
});

Deno.test("a line may come in pieces, and be in any language", async () => {
  const outcome = await ask((socket) => {
    socket.setNoDelay(true);
    socket.write("down#vo", () => socket.write("ll: größer\n"));
  });
  assert.equal(outcome.line, "down#voll: größer");
});

Deno.test("an agent gets what it is to be sent first", async () => {
  const outcome = await serveTcp((socket) => {
    socket.once("data", (piece) => socket.write(`up#${piece.toString("latin1").trim()}\n`));
  }, (target) => runAgentCheck({ send: "hello \xff\n" }, target, LONG_MS));
  assert.equal(outcome.line, "up#hello ÿ");
});

Deno.test("256 bytes with their end are a line, more are none", async () => {
  const longest = await ask((socket) => void socket.write(`${"a".repeat(255)}\n`));
  assert.equal(longest.line, "a".repeat(255));
  const tooLong = {
    isOk: false,
    text: "more than 256 bytes without an end of line",
    isOurs: false,
    line: null,
  };
  assert.deepEqual(await ask((socket) => void socket.write(`${"a".repeat(256)}\n`)), tooLong);
  assert.deepEqual(await ask((socket) => void socket.end("a".repeat(257))), tooLong);
  const endless = await ask((socket) => writeForEver(socket, new Uint8Array(16_384).fill(97)));
  assert.deepEqual(endless, tooLong);
});

Deno.test("an agent that is silent, slow, gone or broken has no line", async () => {
  const silent = await ask(() => {}, 150);
  assert.match(silent.text, /^no line within 150 ms/);
  assert.equal(silent.line, null);
  const slow = await ask((socket) => drip(socket, "u"), 150);
  assert.equal(slow.line, null);
  const ended = await ask((socket) => void socket.end());
  assert.equal(ended.text, "connection closed without an answer");
  const broken = await ask((socket) => socket.write("up", () => socket.resetAndDestroy()));
  assert.equal(broken.isOk, false);
  const refused = await runAgentCheck({ send: null }, closedTarget(), LONG_MS);
  assert.equal(refused.text, "connection refused (ECONNREFUSED)");
});
