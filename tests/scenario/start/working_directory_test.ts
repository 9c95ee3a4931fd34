import { strictEqual } from "node:assert/strict";
import { askName } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { launchRingway, ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

Deno.test("it runs from any working directory", async () => {
  await using origin = new Origin(say("served"));
  await using ringway = await startRingway(configText({ servers: [origin] }), { folder: "/" });
  strictEqual(await askName(ringway.port()), "served");
});

Deno.test("without -c it takes ringway.yaml of the working directory", async () => {
  await using origin = new Origin(say("served"));
  const folder = await Deno.makeTempDir({ prefix: "ringway-scenario-" });
  try {
    await Deno.writeTextFile(`${folder}/ringway.yaml`, configText({ servers: [origin] }));
    await using ringway = await startRingway("", { folder, command: [...RUN_MAIN, "serve"] });
    strictEqual(await askName(ringway.port()), "served");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("deno task serve takes -c from where the person is", async () => {
  await using origin = new Origin(say("served"));
  const folder = `${ROOT}/config`;
  await using ringway = launchRingway("", {
    folder,
    command: [Deno.execPath(), "task", "--quiet", "serve", "-c", "tcp.yaml"],
    environment: { POSTGRES_PORT: "0", CACHE_PORT: "0", CACHE_1_PORT: String(origin.port) },
  });
  await ringway.untilServing();
  strictEqual(ringway.port("postgres") > 0, true);
});
