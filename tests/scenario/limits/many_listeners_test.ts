import { deepStrictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { withOpenFiles } from "../launcher.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

/** Enough for 64 connections: fewer than there might be accepts waiting on all listeners. */
const FILES = 256;
const LISTENERS = 40;

Deno.test("every listener is served, however few files there are", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  const names = Array.from({ length: LISTENERS }, (_, i) => `web-${i}`);
  const lines = names.map((name) => `  ${name}: { bind: "127.0.0.1:0", backend: app }`);
  await using ringway = await startRingway(
    `
workers: 1
listeners:
${lines.join("\n")}
backends:
  app: ["${origin.address}"]
`,
    { launcher: withOpenFiles(FILES) },
  );
  using clients = new DisposableStack();
  const served = new Set<string>();
  for (const name of names) {
    const client = clients.use(await Client.connect(ringway.port(name)));
    client.receive(1).then(() => served.add(name), () => {});
  }
  await ringway.untilTurned(20);
  deepStrictEqual(names.filter((name) => !served.has(name)), [], "listeners that serve nobody");
});
