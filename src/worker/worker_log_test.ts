import assert from "node:assert/strict";
import { EAGAIN, ECONNREFUSED } from "../base/errno.ts";
import { LOG_LINE_BYTES_MAX, LOG_LINES_PER_SECOND } from "../limits.ts";
import { LOG_DROPPED, WORKER_METRICS } from "../metrics/metric_names.ts";
import type { Level } from "../log/log.ts";
import type { Backend } from "../upstream/backend.ts";
import { WorkerLog } from "./worker_log.ts";

function makeLog(threshold: Level = "info") {
  const lines: string[] = [];
  const row = new Float64Array(WORKER_METRICS.length);
  const state = { nowMs: 5000, isFull: false };
  const log = new WorkerLog(
    (line) => {
      if (state.isFull) throw new Error("the pipe is full");
      lines.push(new TextDecoder().decode(line));
    },
    () => state.nowMs,
    row,
    threshold,
  );
  return { log, lines, state, dropped: () => row[LOG_DROPPED] };
}

const backend = { name: "app", serverNames: ["one"], connectTimeoutMs: 250 } as unknown as Backend;

Deno.test("a line is a message to the supervisor, with level and text", () => {
  const { log, lines } = makeLog();
  log.log("warn", "something");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { type: "log", level: "warn", text: "something" },
  ]);
  assert.ok(lines[0].endsWith("\n"));
});

Deno.test("lines below the threshold are not written, and not counted as dropped", () => {
  const { log, lines, dropped } = makeLog("error");
  log.log("warn", "nobody wants it");
  assert.deepEqual([lines.length, dropped()], [0, 0]);
});

Deno.test("what exceeds the rate of a second is dropped and counted, until the next", () => {
  const { log, lines, state, dropped } = makeLog();
  for (let i = 0; i < LOG_LINES_PER_SECOND + 7; i++) log.log("warn", "again");
  assert.deepEqual([lines.length, dropped()], [LOG_LINES_PER_SECOND, 7]);
  state.nowMs += 1000;
  log.log("warn", "again");
  assert.equal(lines.length, LOG_LINES_PER_SECOND + 1);
});

Deno.test("a full pipe and a line too long for it drop the line, and stop nothing", () => {
  const { log, lines, state, dropped } = makeLog();
  state.isFull = true;
  log.log("info", "lost");
  state.isFull = false;
  log.log("info", "x".repeat(LOG_LINE_BYTES_MAX));
  assert.deepEqual([lines.length, dropped()], [0, 2]);
});

Deno.test("failures name server, backend and cause", () => {
  const { log, lines } = makeLog();
  log.connectFailed(backend, 0, -ECONNREFUSED);
  log.connectFailed(backend, 0, -125);
  log.refused("web", backend, "no server took it");
  log.acceptFailed("web", -24);
  const texts = lines.map((line) => JSON.parse(line).text);
  assert.match(texts[0], /server "one" of backend "app": connection refused/);
  assert.match(texts[1], /no answer within 250 ms/);
  assert.match(texts[2], /listener "web", backend "app": connection closed, no server took it/);
  assert.match(texts[3], /listener "web".*too many open files/);
});

Deno.test("a client whose first bytes are not understood is told with the reason", () => {
  const { log, lines, dropped } = makeLog("info");
  log.misread("web", "it sent no PROXY header");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { type: "log", level: "info", text: 'listener "web": client refused, it sent no PROXY header' },
  ]);
  // Peers cause it as often as they like, and must not drown what is wrong here.
  for (let i = 0; i < LOG_LINES_PER_SECOND; i++) log.misread("web", "again");
  assert.equal(lines.length, LOG_LINES_PER_SECOND / 2);
  log.acceptFailed("web", -EAGAIN);
  assert.equal(lines.length, LOG_LINES_PER_SECOND / 2 + 1);
  assert.match(lines.at(-1)!, /no local port is left/);
  assert.equal(dropped(), LOG_LINES_PER_SECOND / 2 + 1);
  const quiet = makeLog("warn");
  quiet.log.misread("web", "nobody wants it");
  assert.deepEqual([quiet.lines.length, quiet.dropped()], [0, 0]);
});
