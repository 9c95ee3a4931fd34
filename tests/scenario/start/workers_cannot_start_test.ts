import { match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { launchRingway } from "../ringway_process.ts";

Deno.test("when workers die again and again before they serve, it gives up with 1", async () => {
  await using ringway = launchRingway(configText({ workers: 2, servers: ["127.0.1.1:1"] }), {
    // Something that only workers trip over.
    environment: { RINGWAY_WORKER_V8_FLAGS: "--no-such-flag" },
  });
  strictEqual(await ringway.exitCode(), 1);
  match(ringway.log.join("\n"), /workers do not start; giving up/);
  strictEqual(ringway.processes.length, 0);
});

Deno.test("then no socket of a listener is left behind", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-start-" });
  using _removal = { [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
  const bind = `unix:${folder}/listener.sock`;
  await using ringway = launchRingway(configText({ bind, servers: ["127.0.1.1:1"] }), {
    environment: { RINGWAY_WORKER_V8_FLAGS: "--no-such-flag" },
  });
  strictEqual(await ringway.exitCode(), 1);
  strictEqual(Array.from(Deno.readDirSync(folder)).length, 0);
});
