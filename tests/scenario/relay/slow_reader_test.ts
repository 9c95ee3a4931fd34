import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";
import { sendPattern, StreamPattern } from "../stream_pattern.ts";

const BYTES = 64 * 1024 * 1024;
const PHASE_BYTES = 8 * 1024 * 1024;

Deno.test("a slow reader gets everything, and its server is held back meanwhile", async () => {
  const pattern = new StreamPattern(7);
  await using origin = new Origin(async (connection) => {
    await sendPattern(connection, pattern, BYTES);
  });
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using client = await Client.connect(ringway.port());
  let pauses = 0;
  let received = 0;
  while (received < BYTES - 2 * PHASE_BYTES) {
    // Reads nothing until the server is held back, then for a while, and so on.
    const snapshot = await ringway.until("the server is held back", (each) => {
      return workerCount(each, "ringway_worker_receive_pauses_total") > pauses;
    });
    pauses = workerCount(snapshot, "ringway_worker_receive_pauses_total");
    // What is read from the server and not sent yet is bounded.
    const inside = snapshot.backends[0].servers[0].received_bytes -
      snapshot.listeners[0].sent_bytes;
    strictEqual(inside <= 1024 * 1024, true, `${inside} bytes are inside`);
    const bytes = await client.receiveBytes(PHASE_BYTES);
    strictEqual(pattern.fits(received, bytes), true);
    received += bytes.length;
  }
  const rest = await client.receiveBytes(BYTES - received);
  strictEqual(pattern.fits(received, rest), true);
  strictEqual((await client.receiveRest()).end, "fin");
});
