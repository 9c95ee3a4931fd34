import { match, strictEqual } from "node:assert/strict";
import { askName } from "../client.ts";
import { configText } from "../config_text.ts";
import { answerName, DatagramServer } from "../datagram_server.ts";
import { askDatagram } from "../datagram_socket.ts";
import { Origin, say } from "../origin.ts";
import { freePort } from "../real/free_port.ts";
import { launchRingway, startRingway } from "../ringway_process.ts";

/** Nobody else has sockets there, so the ports behind a free one are free. */
const HOST = "127.0.4.30";
const COUNT = 5;

/** The first of so many ports that are no higher than there are. */
async function freeRange(): Promise<number> {
  return Math.min(await freePort(HOST), 65_535 - COUNT);
}

Deno.test("a range of ports is one listener that answers on each", async () => {
  await using origin = new Origin(say("here"));
  const first = await freeRange();
  await using ringway = await startRingway(configText({
    workers: 2,
    bind: `${HOST}:${first}-${first + COUNT - 1}`,
    servers: [origin],
  }));
  for (let i = 0; i < COUNT; i++) strictEqual(await askName(first + i, HOST), "here");
  const { listeners } = await ringway.snapshot();
  strictEqual(listeners.length, 1);
  strictEqual(listeners[0].total, COUNT);
});

Deno.test("a range of UDP ports answers from the port that was asked", async () => {
  using server = await DatagramServer.start(answerName("here"));
  const first = await freeRange();
  await using _ringway = await startRingway(configText({
    bind: `${HOST}:${first}-${first + COUNT - 1}`,
    servers: [server],
    listener: "protocol: udp",
  }));
  // Clients take answers only from where they have asked.
  for (let i = 0; i < COUNT; i++) {
    strictEqual(await askDatagram(first + i, "x", { hostname: HOST }), "here");
  }
});

Deno.test("one port of a range in use: which one, and 1", async () => {
  const first = await freeRange();
  using _taken = Deno.listen({ hostname: HOST, port: first + 2 });
  const bind = `${HOST}:${first}-${first + COUNT - 1}`;
  await using ringway = launchRingway(configText({ bind, servers: ["127.0.0.2:1"] }));
  strictEqual(await ringway.exitCode(), 1);
  match(ringway.log.join("\n"), new RegExp(`cannot bind .*EADDRINUSE.*port ${first + 2}\\D`));
  // Nothing of it stays bound.
  Deno.listen({ hostname: HOST, port: first }).close();
});
