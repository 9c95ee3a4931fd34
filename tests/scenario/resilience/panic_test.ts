import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CheckedServers } from "../checked_servers.ts";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { backendStatus, command, expectNoRestart, named, untilState } from "../health_status.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const NAMES = ["a", "b", "c", "d"];

async function isPanicking(ringway: RingwayProcess): Promise<boolean> {
  return backendStatus(await ringway.snapshot()).panic;
}

/** Who serves, in the order of names. */
async function whoServes(ringway: RingwayProcess, count = 16): Promise<string> {
  return Object.keys(tally(await askNames(ringway.port(), count))).sort().join("");
}

Deno.test("with too few servers left all are used, until enough are back", async () => {
  await using servers = await CheckedServers.start(NAMES);
  await using ringway = await startRingway(configText({
    servers: named(servers.addresses),
    backend: `balance: round_robin, ${servers.check}`,
  }));
  await servers.setDown(ringway, "a", "b");
  // Half of them is what the threshold asks for.
  strictEqual(await isPanicking(ringway), false);
  strictEqual(await whoServes(ringway), "cd");
  await servers.setDown(ringway, "a", "b", "c");
  strictEqual(await isPanicking(ringway), true);
  strictEqual(await whoServes(ringway), "abcd");
  await servers.setDown(ringway, ...NAMES);
  strictEqual(await isPanicking(ringway), true);
  strictEqual(await whoServes(ringway), "abcd");
  // Who was taken out on purpose stays out.
  await command(ringway, "maint", "app/b");
  await untilState(ringway, "b", "maint");
  strictEqual(await isPanicking(ringway), true);
  strictEqual(await whoServes(ringway), "acd");
  await command(ringway, "ready", "app/b");
  await servers.setDown(ringway, "a");
  strictEqual(await isPanicking(ringway), false);
  strictEqual(await whoServes(ringway), "bcd");
  await expectNoRestart(ringway);
});

Deno.test("panic_threshold: 0% uses the last one alone, and then nobody", async () => {
  await using servers = await CheckedServers.start(NAMES);
  await using ringway = await startRingway(configText({
    servers: named(servers.addresses),
    backend: `panic_threshold: 0%, ${servers.check}`,
  }));
  await servers.setDown(ringway, "a", "b", "c");
  strictEqual(await isPanicking(ringway), false);
  strictEqual(await whoServes(ringway), "d");
  await servers.setDown(ringway, ...NAMES);
  strictEqual(await isPanicking(ringway), false);
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { "": 4 });
  const { listeners } = await ringway.until("they are counted", (snapshot) => {
    return snapshot.listeners[0].refused === 4;
  });
  strictEqual(listeners[0].open, 0);
  strictEqual(servers.get("a").acceptedCount, 0);
  await expectNoRestart(ringway);
});

Deno.test("an available backup is better than a panic", async () => {
  await using servers = await CheckedServers.start(["a", "b", "spare"]);
  await using ringway = await startRingway(configText({
    servers: named(servers.addresses, { spare: "backup: true" }),
    backend: servers.check,
  }));
  strictEqual(await whoServes(ringway), "ab");
  await servers.setDown(ringway, "a");
  strictEqual(await whoServes(ringway), "b");
  await servers.setDown(ringway, "a", "b");
  strictEqual(await isPanicking(ringway), false);
  strictEqual(await whoServes(ringway), "spare");
  await servers.setDown(ringway, "a", "b", "spare");
  strictEqual(await isPanicking(ringway), true);
  strictEqual(await whoServes(ringway), "ab");
  await servers.setDown(ringway, "spare");
  strictEqual(await isPanicking(ringway), false);
  strictEqual(await whoServes(ringway), "ab");
  await expectNoRestart(ringway);
});
