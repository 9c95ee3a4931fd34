import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { LoadProcess } from "../load_process.ts";
import { startRingway } from "../ringway_process.ts";

const GIBIBYTE = 1024 ** 3;
const PEER = import.meta.resolve("./bulk_peer.ts");

Deno.test("1 GiB each way at once arrives as it was sent", async () => {
  await using origin = new LoadProcess(PEER, ["origin", String(GIBIBYTE)]);
  const port = await origin.next<number>("its port");
  await using ringway = await startRingway(configText({ servers: [`127.0.0.1:${port}`] }));
  await using client = new LoadProcess(PEER, [
    "client",
    String(GIBIBYTE),
    String(ringway.port()),
  ]);
  strictEqual(await client.next("what it received", 60_000), GIBIBYTE);
  strictEqual(await origin.next("what it received"), GIBIBYTE);
  const { listeners, backends, workers } = await ringway.until(
    "the connection is over",
    (snapshot) => snapshot.listeners[0].open === 0,
  );
  const [server] = backends[0].servers;
  strictEqual(listeners[0].received_bytes, GIBIBYTE);
  strictEqual(listeners[0].sent_bytes, GIBIBYTE);
  strictEqual(server.received_bytes, GIBIBYTE);
  strictEqual(server.sent_bytes, GIBIBYTE);
  strictEqual(workers[0].buffers_leased, 0);
});
