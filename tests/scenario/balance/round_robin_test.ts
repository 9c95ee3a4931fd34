import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("round_robin gives one worker's connections to the servers in turns", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using c = new Origin(say("c"));
  await using ringway = await startRingway(configText({ servers: [a, b, c] }));
  const names = await askNames(ringway.port(), 12);
  // Where it starts is left to chance; from there on the order is that of the file.
  const turns = "abc".slice("abc".indexOf(names[0])) + "abcabcabcabc";
  strictEqual(names.join(""), turns.slice(0, 12));
});

Deno.test("round_robin gives turns by weight, spread out, and none for weight 0", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using c = new Origin(say("c"));
  await using ringway = await startRingway(configText({
    servers: [
      `{ address: "${a.address}", weight: 4 }`,
      `{ address: "${b.address}", weight: 2 }`,
      `{ address: "${c.address}", weight: 0 }`,
    ],
  }));
  const names = await askNames(ringway.port(), 18);
  for (let i = 0; i < 18; i += 6) deepStrictEqual(tally(names.slice(i, i + 6)), { a: 4, b: 2 });
  strictEqual(names.join("").includes("bb"), false, "b's turns stand between those of a");
});

Deno.test("round_robin is even with several workers, each with turns of its own", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [a, b] }));
  const names = await askNames(ringway.port(), 60);
  const counts = tally(names);
  // Each worker may be one ahead.
  strictEqual(Math.abs(counts.a - counts.b) <= 2, true, JSON.stringify(counts));
});
