import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { NotifyReceiver } from "../../../src/supervisor/test_notify_receiver.ts";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("the service manager hears that it serves, lives and drains", async () => {
  const address = `@ringway-scenario-${crypto.randomUUID()}`;
  await using receiver = await NotifyReceiver.open(address);
  await using origin = new Origin(echo);
  const ready = receiver.next("READY=1");
  const lives = receiver.next("WATCHDOG=1");
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }), {
    environment: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "200000" },
  });
  await ready;
  await lives;
  const stopping = receiver.next("STOPPING=1");
  {
    // Somebody who holds the drain up.
    using client = await Client.connect(ringway.port());
    strictEqual(await client.converse("hello"), "hello");
    ringway.kill("SIGTERM");
    await stopping;
    await receiver.next("WATCHDOG=1");
  }
  strictEqual(await ringway.exitCode(), 0);
  deepStrictEqual(receiver.received.filter((text) => text !== "WATCHDOG=1"), [
    "READY=1|STATUS=serving",
    "STOPPING=1|STATUS=draining for at most 25000 ms",
  ]);
});

Deno.test("workers know of no service manager", async () => {
  const address = `@ringway-scenario-${crypto.randomUUID()}`;
  await using _receiver = await NotifyReceiver.open(address);
  await using ringway = await startRingway(configText({ servers: ["127.0.0.1:9"] }), {
    environment: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" },
  });
  await ringway.snapshot();
  for (const pid of ringway.workerPids) {
    const names = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0")
      .map((variable) => variable.split("=")[0]);
    deepStrictEqual(names.filter((name) => /^(NOTIFY|WATCHDOG)_/.test(name)), []);
  }
});
