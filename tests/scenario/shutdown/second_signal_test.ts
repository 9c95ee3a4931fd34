import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

for (const [name, status] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test(`${name} again cuts what is open, and it ends with ${status}`, async () => {
    await using origin = new Origin(sayThenEcho("!"));
    await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
    using client = await Client.connect(ringway.port());
    await client.receive(1);
    ringway.kill(name);
    await ringway.untilLogged(`${name}: draining`);
    strictEqual(await client.converse("still there?"), "still there?");
    // As an impatient person does. Those that come very soon are taken for the first one.
    await until("it has ended", () => {
      ringway.kill(name);
      return ringway.hasEnded;
    }, { state: () => ringway.state });
    strictEqual((await client.receiveRest()).end, "reset");
    strictEqual(await ringway.exitCode(), status);
    strictEqual(ringway.processes.length, 0);
  });
}

Deno.test("the second signal may be another one", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  ringway.kill("SIGQUIT");
  await ringway.untilLogged("SIGQUIT: draining");
  await until("it has ended", () => {
    ringway.kill("SIGINT");
    return ringway.hasEnded;
  }, { state: () => ringway.state });
  strictEqual((await client.receiveRest()).end, "reset");
  strictEqual(await ringway.exitCode(), 130);
});
