import { strictEqual } from "node:assert/strict";
import { askName, Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin, say, swallow } from "../origin.ts";
import { openFileCount } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

Deno.test("a connection without a byte reaches the server and ends", async () => {
  await using origin = new Origin(swallow);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using client = await Client.connect(ringway.port());
  await client.endWriting();
  const { text, end } = await client.receiveRest();
  strictEqual(text, "");
  strictEqual(end, "fin");
  const { listeners, backends } = await ringway.until("it is over", (snapshot) => {
    return snapshot.workers[0].tunnels === 0;
  });
  strictEqual(listeners[0].total, 1);
  strictEqual(backends[0].servers[0].total, 1);
  strictEqual(listeners[0].received_bytes + listeners[0].sent_bytes, 0);
});

Deno.test("a client that is gone at once leaves nothing behind", async () => {
  await using origin = new Origin(swallow);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const [worker] = ringway.workerPids;
  const files = openFileCount(worker);
  for (let i = 0; i < 500; i++) (await Client.connect(ringway.port()))[Symbol.dispose]();
  const { listeners, backends } = await ringway.until("all have come and gone", (snapshot) => {
    return snapshot.listeners[0].total === 500 && snapshot.workers[0].tunnels === 0;
  });
  strictEqual(listeners[0].refused, 0);
  strictEqual(listeners[0].open + backends[0].servers[0].open, 0);
  await until("every file is closed", () => openFileCount(worker) === files, {
    state: () => `${openFileCount(worker)} of ${files} before`,
  });
});

Deno.test("a server may speak first", async () => {
  await using origin = new Origin(say("220 ready"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  strictEqual(await askName(ringway.port()), "220 ready");
});

Deno.test("many small writes arrive whole and in order", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using client = await Client.connect(ringway.port());
  const words = Array.from({ length: 20_000 }, (_, i) => `${i} `);
  const text = words.join("");
  const [got] = await Promise.all([
    client.receive(text.length),
    (async () => {
      for (const word of words) await client.send(word);
    })(),
  ]);
  strictEqual(got === text, true);
});

Deno.test("one byte at a time goes there and back", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using client = await Client.connect(ringway.port());
  for (let i = 0; i < 2000; i++) {
    const letter = String.fromCharCode(97 + i % 26);
    strictEqual(await client.converse(letter), letter);
  }
});
