import assert from "node:assert/strict";
import { serveDatagrams } from "./test_servers.ts";
import { runProbe } from "./probe.ts";

const PROBE = { kind: "dns", name: "example.com", type: "A" } as const;
const SHORT_MS = 150;
const LONG_MS = 5000;

/** Asks a server that turns each query into an answer with these flags. */
function ask(flags: number, records: number, host?: string) {
  return serveDatagrams(
    (query, from, socket) => {
      const message = query.slice();
      message.set([flags >> 8, flags & 255], 2);
      message[7] = records;
      socket.send(message, from.port, from.address);
    },
    (target) => runProbe(PROBE, target, LONG_MS),
    host,
  );
}

Deno.test("an answer without an error passes, also one without records", async () => {
  const outcome = await ask(0x8180, 2);
  assert.deepEqual(outcome, { isOk: true, text: "NOERROR, 2 records", isOurs: false });
  assert.equal((await ask(0x8180, 0)).text, "NOERROR, 0 records");
  assert.equal((await ask(0x8180, 1, "::1")).text, "NOERROR, 1 record");
});

Deno.test("errors of the server fail by name", async () => {
  const outcome = await ask(0x8183, 0);
  assert.deepEqual(outcome, { isOk: false, text: "NXDOMAIN", isOurs: false });
  assert.equal((await ask(0x8182, 0)).text, "SERVFAIL");
  assert.equal((await ask(0x8185, 0)).text, "REFUSED");
});

Deno.test("a server that says nothing fails when the time is up", async () => {
  const outcome = await serveDatagrams(() => {}, (target) => runProbe(PROBE, target, SHORT_MS));
  assert.match(outcome.text, /^no answer within 150 ms/);
});

Deno.test("rubbish before the answer is passed over, nothing but rubbish fails", async () => {
  const late = await serveDatagrams((query, from, socket) => {
    socket.send(new Uint8Array(0), from.port, from.address);
    socket.send(query, from.port, from.address);
    const message = query.slice();
    message[2] = 0x81;
    socket.send(message, from.port, from.address);
  }, (target) => runProbe(PROBE, target, LONG_MS));
  assert.equal(late.isOk, true);
  const flood = await serveDatagrams((_query, from, socket) => {
    for (let i = 0; i < 64; i++) socket.send(new Uint8Array(20), from.port, from.address);
  }, (target) => runProbe(PROBE, target, LONG_MS));
  assert.equal(flood.text, "answers do not fit the request");
});

Deno.test("what cannot be asked fails without being sent", async () => {
  const target = { host: "127.0.0.1", port: 9, unixPath: null };
  const outcome = await runProbe({ ...PROBE, type: "XX" }, target, LONG_MS);
  assert.equal(outcome.text, 'cannot ask a name server for "example.com XX"');
});
