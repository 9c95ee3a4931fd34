import { match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { named, serverStatus, untilState } from "../health_status.ts";
import { answer, answerHttp, beSilent, MoodyServer, tell } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";

const QUICK = "interval: 100ms, timeout: 100ms, rise: 2, fall: 2";

Deno.test("an HTTP check goes by the status, and says which one it was", async () => {
  await using a = await MoodyServer.start(answerHttp(200));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { path: /healthz, ${QUICK} }`,
  }));
  await a.untilAccepted(3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  match(a.heard[0], /^GET \/healthz HTTP\/1\.[01]\r\n/);
  match(a.heard[0], new RegExp(`^host: ${a.address}\r$`, "im"));

  a.mood = answerHttp(503, { body: "overloaded" });
  await untilState(ringway, "a", "down", /2 of 2 probes failed: .*503/);
  a.mood = answerHttp(302, { headers: { Location: "http://127.0.0.2:1/elsewhere" } });
  await untilState(ringway, "a", "up");
  a.mood = answerHttp(404);
  await untilState(ringway, "a", "down", /404/);
  a.mood = answerHttp(204);
  await untilState(ringway, "a", "up");
  // A server that has taken the connection and says nothing.
  a.mood = beSilent;
  await untilState(ringway, "a", "down", /100 ms|timed? ?out/i);
});

Deno.test("method, host, headers, statuses and body of an HTTP check", async () => {
  const good = { body: "all is well, thank you" };
  await using a = await MoodyServer.start(answerHttp(418, good));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { path: "/ready?full=1", method: POST, host: app.example.test,
      headers: { X-Probe: ringway, Authorization: "Bearer t0ken" },
      expect: [200, "410-420"], body: "is well", ${QUICK} }`,
  }));
  await a.untilAccepted(3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  const [head] = a.heard;
  match(head, /^POST \/ready\?full=1 HTTP\/1\.[01]\r\n/);
  match(head, /^host: app\.example\.test\r$/im);
  match(head, /^x-probe: ringway\r$/im);
  match(head, /^authorization: Bearer t0ken\r$/im);

  a.mood = answerHttp(200, { body: "all is unwell" });
  await untilState(ringway, "a", "down", /is well|body/);
  a.mood = answerHttp(200, good);
  await untilState(ringway, "a", "up");
  a.mood = answerHttp(421, good);
  await untilState(ringway, "a", "down", /421/);
  // The body is what is looked at, whether it comes with a length, in chunks or up to the end.
  a.mood = answer(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nall is \r\n4\r\nwell\r\n0\r\n\r\n",
  );
  await untilState(ringway, "a", "up");
  a.mood = answerHttp(500, good);
  await untilState(ringway, "a", "down", /500/);
  a.mood = answer("HTTP/1.0 200 OK\r\n\r\nall is well");
  await untilState(ringway, "a", "up");
});

Deno.test("what is no HTTP answer is a failed probe, and never anything worse", async () => {
  await using a = await MoodyServer.start(answerHttp(200));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { path: /healthz, ${QUICK} }`,
  }));
  const broken = [
    "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 abc\r\n\r\n",
    "HTTP/1.1",
    "\0".repeat(5000),
    "",
  ];
  for (const text of broken) {
    a.mood = text === "" ? tell("") : answer(text);
    await untilState(ringway, "a", "down");
    a.mood = answerHttp(200);
    await untilState(ringway, "a", "up");
  }
});
