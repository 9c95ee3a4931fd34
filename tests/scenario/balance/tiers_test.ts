import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CheckedServers } from "../checked_servers.ts";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { named } from "../health_status.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

async function ask(ringway: RingwayProcess, count: number): Promise<Record<string, number>> {
  return tally(await askNames(ringway.port(), count));
}

const PREFERENCES = {
  priority: {
    what: "servers of a later priority",
    keys: { a: "priority: 0", b: "priority: 0", c: "priority: 1", d: "priority: 1" },
    top: "",
  },
  zone: {
    what: "servers of another zone",
    keys: { a: "zone: here", b: "", c: "zone: there", d: "zone: elsewhere" },
    top: "zone: here",
  },
};

for (const { what, keys, top } of Object.values(PREFERENCES)) {
  Deno.test(`${what} get what the better ones cannot take`, async () => {
    await using servers = await CheckedServers.start(["a", "b", "c", "d"]);
    await using ringway = await startRingway(configText({
      workers: 2,
      top,
      servers: named(servers.addresses, keys),
      backend: `balance: random, ${servers.check}`,
    }));
    deepStrictEqual(Object.keys(await ask(ringway, 40)).sort(), ["a", "b"]);
    // One of two: 1.4 times a half stay, the rest goes on.
    await servers.setDown(ringway, "a");
    const { a = 0, b, c, d } = await ask(ringway, 200);
    strictEqual(a, 0);
    // 140 expected, with a standard deviation of 6.5: five of them.
    strictEqual(b > 107 && b < 173, true, `${b} ${c} ${d}`);
    strictEqual(c > 10 && d > 10, true, `${b} ${c} ${d}`);
    await servers.setDown(ringway, "a", "b");
    deepStrictEqual(Object.keys(await ask(ringway, 40)).sort(), ["c", "d"]);
    await servers.setDown(ringway, "c");
    deepStrictEqual(Object.keys(await ask(ringway, 40)).sort(), ["a", "b"]);
  });
}

Deno.test("zones count within a priority; who has none is at home everywhere", async () => {
  await using servers = await CheckedServers.start(["a", "b", "c", "d"]);
  await using ringway = await startRingway(configText({
    top: "zone: here",
    servers: named(servers.addresses, {
      a: "priority: 0, zone: there",
      b: "priority: 1",
      c: "priority: 1, zone: here",
      d: "priority: 1, zone: there",
    }),
    backend: `balance: random, panic_threshold: 0%, ${servers.check}`,
  }));
  deepStrictEqual(await ask(ringway, 20), { a: 20 });
  await servers.setDown(ringway, "a");
  deepStrictEqual(Object.keys(await ask(ringway, 40)).sort(), ["b", "c"]);
  await servers.setDown(ringway, "a", "b", "c");
  deepStrictEqual(await ask(ringway, 20), { d: 20 });
});

Deno.test("a key stays in its tier, and what fails there goes on to the next", async () => {
  await using servers = await CheckedServers.start(["a", "b", "c"]);
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named(servers.addresses, { c: "priority: 1" }),
    backend: `balance: consistent_hash, retries: 2, ${servers.check}`,
  }));
  await servers.setDown(ringway, "a");
  const [name, ...others] = Object.keys(await ask(ringway, 30));
  deepStrictEqual(others, [], "one address, one server");
  // Without a probe having noticed.
  const server = servers.get(name);
  await server.refuse();
  const instead = Object.keys(await ask(ringway, 10));
  deepStrictEqual(instead, [name === "b" ? "c" : "b"]);
});
