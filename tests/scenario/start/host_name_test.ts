import { strictEqual } from "node:assert/strict";
import { askName } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("a server may be named by a host name, which is looked up at start", async () => {
  // What "localhost" is first, IPv4 or IPv6, is the machine's choice.
  await using four = new Origin(say("served"), { hostname: "127.0.0.1" });
  await using _six = new Origin(say("served"), { hostname: "::1", port: four.port });
  const servers = [`localhost:${four.port}`];
  await using ringway = await startRingway(configText({ servers }));
  strictEqual(await askName(ringway.port()), "served");
  const [server] = (await ringway.snapshot()).backends[0].servers;
  strictEqual(server.name, `localhost:${four.port}`);
  strictEqual(
    [four.address, `[::1]:${four.port}`].includes(server.address!),
    true,
    server.address!,
  );
});
