import assert from "node:assert/strict";
import fc from "fast-check";
import { ServerStanding } from "./server_standing.ts";
import { CAUSES, type ServerState } from "./server_state.ts";
import { SHARE_FULL } from "./slow_start.ts";

const RULES = { slowStartMs: 10_000, closesOnDown: false };

function makeStanding(rules = RULES, initial: "up" | "down" = "up"): ServerStanding {
  return new ServerStanding({ name: "a", weight: 100, backup: false }, rules, initial, 0);
}

Deno.test("the first claim decides, and when it goes what it covered is in force again", () => {
  const standing = makeStanding();
  const claims = [
    ["ejection", "ejected"],
    ["agent_health", "down"],
    ["probe", "down"],
    ["agent", "drain"],
    ["operator", "maint"],
  ] as const;
  claims.forEach(([cause, state], at) => {
    standing.claim(cause, state, `${cause} says so`);
    standing.settle("", 1000 + at);
    assert.equal(standing.state, state);
    assert.equal(standing.reason, `${cause} says so`);
  });
  for (const [at, [cause]] of [...claims.entries()].reverse()) {
    assert.ok(standing.withdraw(cause));
    assert.ok(!standing.withdraw(cause), "it is gone");
    standing.settle("nothing against it", 2000);
    const [next, state] = at === 0 ? [null, "up"] : claims[at - 1];
    assert.equal(standing.state, state);
    assert.equal(standing.reason, next === null ? "nothing against it" : `${next} says so`);
  }
});

Deno.test("for any claims the state is that of the first that stands", () => {
  const states = ["down", "ejected", "drain", "maint"] as const;
  const claims = fc.array(fc.option(fc.constantFrom(...states)), {
    minLength: CAUSES.length,
    maxLength: CAUSES.length,
  });
  fc.assert(
    fc.property(claims, (claims) => {
      const standing = makeStanding();
      claims.forEach((state, at) => {
        if (state !== null) standing.claim(CAUSES[at], state, state);
      });
      standing.settle("", 1);
      const expected: ServerState = claims.find((state) => state !== null) ?? "up";
      assert.equal(standing.state, expected);
      assert.equal(standing.reason, expected === "up" ? "" : expected);
      assert.equal(standing.sinceMs, expected === "up" ? 0 : 1);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("a state lasts from its beginning, also when another claim takes over", () => {
  const standing = makeStanding();
  standing.claim("probe", "down", "first");
  standing.settle("", 1000);
  standing.claim("probe", "down", "second");
  standing.settle("", 2000);
  assert.deepEqual([standing.sinceMs, standing.reason], [1000, "second"]);
  standing.claim("agent_health", "down", "third");
  standing.withdraw("probe");
  standing.settle("", 3000);
  assert.deepEqual([standing.sinceMs, standing.reason], [1000, "third"]);
});

Deno.test("settling says whether workers must know, and only once", () => {
  const standing = makeStanding();
  assert.ok(!standing.settle("", 0), "nothing has happened");
  standing.claim("probe", "down", "");
  assert.ok(standing.settle("", 0), "state");
  standing.claim("agent_health", "down", "");
  assert.ok(!standing.settle("", 0), "down already");
  standing.weight = 5;
  assert.ok(standing.settle("", 0), "weight");
  standing.percent = 50;
  assert.ok(standing.settle("", 0), "share");
  standing.closings++;
  assert.ok(standing.settle("", 0), "closings");
  assert.ok(!standing.settle("", 0));
});

Deno.test("a server that works again starts slowly, one that was only drained does not", () => {
  for (const state of ["down", "ejected", "maint", "drain"] as const) {
    const standing = makeStanding();
    standing.claim("operator", state, "");
    standing.settle("", 1000);
    standing.withdraw("operator");
    standing.settle("", 2000);
    assert.equal(standing.share, state === "drain" ? SHARE_FULL : 25, state);
    standing.settle("", 7000);
    assert.equal(standing.share, state === "drain" ? SHARE_FULL : 128, state);
    standing.settle("", 12_000);
    assert.equal(standing.share, SHARE_FULL, state);
  }
});

Deno.test("a server restarted during a drain is cold when the drain ends", () => {
  const standing = makeStanding();
  standing.claim("operator", "drain", "");
  standing.claim("probe", "down", "");
  standing.settle("", 1000);
  standing.withdraw("probe");
  standing.settle("", 2000);
  standing.withdraw("operator");
  standing.settle("", 4000);
  assert.equal(standing.share, 51, "a fifth, as two of ten seconds have passed");
});

Deno.test("nothing starts slowly when the program starts, but what fails at first does", () => {
  const good = makeStanding(RULES, "down");
  good.withdraw("probe");
  good.settle("", 1000);
  assert.deepEqual([good.state, good.share], ["up", SHARE_FULL]);
  const bad = makeStanding(RULES, "down");
  bad.claim("probe", "down", "1 of 2 probes failed");
  bad.settle("", 1000);
  bad.withdraw("probe");
  bad.settle("", 2000);
  assert.deepEqual([bad.state, bad.share], ["up", 25]);
});

Deno.test("connections are closed once when a server goes down, also behind a drain", () => {
  const standing = makeStanding({ ...RULES, closesOnDown: true });
  standing.claim("operator", "drain", "");
  standing.settle("", 0);
  assert.equal(standing.closings, 0);
  standing.claim("agent_health", "down", "");
  standing.settle("", 0);
  assert.equal(standing.closings, 1);
  standing.claim("probe", "down", "");
  standing.withdraw("operator");
  standing.settle("", 0);
  assert.equal(standing.closings, 1);
});

Deno.test("connections stay when a server is ejected or in maint, or the rules keep them", () => {
  const closing = makeStanding({ ...RULES, closesOnDown: true });
  closing.claim("ejection", "ejected", "");
  closing.settle("", 0);
  closing.claim("operator", "maint", "");
  closing.settle("", 0);
  assert.equal(closing.closings, 0);
  const keeping = makeStanding();
  keeping.claim("probe", "down", "");
  keeping.settle("", 0);
  assert.equal(keeping.closings, 0);
});

Deno.test("a server that is down from the start has nothing to close", () => {
  const standing = makeStanding({ ...RULES, closesOnDown: true }, "down");
  standing.claim("probe", "down", "1 of 2 probes failed");
  standing.settle("", 0);
  assert.equal(standing.closings, 0);
});

Deno.test("a weight is overridden until it is the configured one again", () => {
  const standing = makeStanding();
  assert.ok(!standing.isOverridden);
  standing.weight = 7;
  assert.ok(standing.isOverridden);
  standing.weight = 100;
  assert.ok(!standing.isOverridden);
  standing.claim("operator", "drain", "");
  assert.ok(standing.isOverridden);
  standing.withdraw("operator");
  standing.claim("agent", "drain", "");
  assert.ok(!standing.isOverridden, "an agent is no operator");
});
