import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { closedTarget, serveDatagrams } from "./test_servers.ts";
import { runProbe } from "./probe.ts";

const PROBE = { kind: "udp", send: "\xffping", expect: "p\xfeng" } as const;
const SHORT_MS = 150;
const LONG_MS = 5000;

/** Asks a server that answers with these bytes. */
function ask(answer: string, expect: string | null = PROBE.expect, host?: string) {
  return serveDatagrams(
    (_message, from, socket) => {
      const bytes = Uint8Array.from(answer, (character) => character.charCodeAt(0));
      socket.send(bytes, from.port, from.address);
    },
    (target) => runProbe({ ...PROBE, expect }, target, LONG_MS),
    host,
  );
}

Deno.test("an answer with the text passes, another fails", async () => {
  const outcome = await ask("xp\xfengx");
  assert.deepEqual(outcome, { isOk: true, text: 'answer contains "pþng"', isOurs: false });
  assert.equal((await ask("xp\xfengx", PROBE.expect, "::1")).isOk, true);
  assert.equal((await ask("ping")).text, 'answer does not contain "pþng"');
  assert.equal((await ask("")).isOk, false);
});

Deno.test("without an expectation any answer will do, an empty one too", async () => {
  assert.equal((await ask("x", null)).text, "answered");
  assert.equal((await ask("", null)).text, "answered");
});

Deno.test("what is sent are the bytes of the text behind a PROXY header", async () => {
  let got: number[] = [];
  const preface = Uint8Array.of(1, 2);
  await serveDatagrams((message, from, socket) => {
    got = [...message];
    socket.send(new Uint8Array(0), from.port, from.address);
  }, (target) => runProbe(PROBE, target, LONG_MS, { preface }));
  assert.deepEqual(got, [1, 2, 0xff, 112, 105, 110, 103]);
});

Deno.test("silence fails when the time is up, and so does a closed port", async () => {
  const silent = await serveDatagrams(() => {}, (target) => runProbe(PROBE, target, SHORT_MS));
  assert.match(silent.text, /^no answer within 150 ms/);
  assert.equal((await runProbe(PROBE, closedTarget(), SHORT_MS)).isOk, false);
});

Deno.test("an answer that comes from elsewhere is none", async () => {
  const other = createSocket("udp4");
  const outcome = await serveDatagrams((_message, from) => {
    other.send(Uint8Array.of(112, 0xfe, 110, 103), from.port, from.address);
  }, (target) => runProbe(PROBE, target, SHORT_MS));
  assert.match(outcome.text, /^no answer within 150 ms/);
  await new Promise<void>((resolve) => other.close(() => resolve()));
});

Deno.test("a unix socket and a port that is none fail", async () => {
  const unix = { host: "", port: 0, unixPath: "/tmp/x.sock" };
  assert.equal((await runProbe(PROBE, unix, LONG_MS)).text, "a unix socket takes no datagrams");
  const nowhere = { host: "127.0.0.1", port: 70_000, unixPath: null };
  assert.equal((await runProbe(PROBE, nowhere, LONG_MS)).isOk, false);
});
