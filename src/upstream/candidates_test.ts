import assert from "node:assert/strict";
import fc from "fast-check";
import { makePolicy } from "../balance/policy.ts";
import { makeServerSet } from "../balance/server_set.ts";
import { SERVER_STATES, type ServerState } from "../health/server_state.ts";
import { Candidates } from "./candidates.ts";
import type { BackendPlan, ServerPlan } from "./plan.ts";
import { ServerBoard } from "./server_board.ts";
import { backendPlan, serverPlan } from "./test_plan.ts";

/** Servers of other backends stand before these on the board. */
const BEFORE = 2;

/** Of servers whose addresses are known, unless a test says otherwise. */
function makeCandidates(servers: readonly Partial<ServerPlan>[], more: Partial<BackendPlan> = {}) {
  const plans = servers.map((server, i) => serverPlan(`s${i}`, server));
  const plan = backendPlan({ servers: plans, ...more });
  const shape = { workers: 1, servers: BEFORE + servers.length, backends: 2 };
  const board = new ServerBoard(new Float64Array(ServerBoard.floats(shape)), shape);
  const set = makeServerSet(plans.map(({ name }) => name), plans.map(({ weight }) => weight));
  const { pick, state } = makePolicy(plan.balance, set);
  const candidates = new Candidates(plan, BEFORE, board, set, state);
  candidates.known.fill(1);
  candidates.refresh();
  /** What the supervisor says of a server, and the worker reads. */
  const tell = (server: number, said: { state?: ServerState; weight?: number; share?: number }) => {
    const { state = "up", weight = plans[server].weight, share = 256 } = said;
    board.setServer(BEFORE + server, SERVER_STATES.indexOf(state), weight, share, 0);
    candidates.refresh();
  };
  const tierOf = (subset = 0) => [...candidates.tiers[subset].tierOf];
  return { candidates, set, pick, state, board, tell, tierOf };
}

// ---- Who gets new connections ---------------------------------------------------------------

Deno.test("as configured all servers get new connections, except those of weight 0", () => {
  const { candidates, tierOf } = makeCandidates([{}, { weight: 0 }, { weight: 9 }]);
  assert.deepEqual([...candidates.isUp], [1, 0, 1]);
  assert.deepEqual(tierOf(), [0, -1, 0]);
});

Deno.test("a server that is not up gets none, whatever the reason", () => {
  const noPanic = { panicThreshold: 0 };
  for (const state of SERVER_STATES) {
    const { candidates, tell, tierOf } = makeCandidates([{}, {}], noPanic);
    tell(0, { state });
    assert.deepEqual([...candidates.isUp], [state === "up" ? 1 : 0, 1], state);
    assert.deepEqual(tierOf(), [state === "up" ? 0 : -1, 0], state);
  }
});

Deno.test("faulty is who was found not to work, not who was taken out", () => {
  const { candidates, tell } = makeCandidates([{}, {}, {}, {}, {}]);
  SERVER_STATES.forEach((state, server) => tell(server, { state }));
  const faulty = SERVER_STATES.filter((_, server) => candidates.isFaulty(server));
  assert.deepEqual(faulty, ["down", "ejected"]);
});

Deno.test("weight 0 or a share of nothing keeps new connections away, like a drain", () => {
  for (const said of [{ weight: 0 }, { share: 0 }]) {
    const { candidates, tell, tierOf } = makeCandidates([{}, {}, {}]);
    tell(0, said);
    assert.deepEqual([...candidates.isUp], [0, 1, 1]);
    assert.deepEqual(tierOf(), [-1, 0, 0]);
    assert.equal(candidates.isFaulty(0), false);
    // It is not one of those whose absence may mean panic.
    tell(1, { state: "down" });
    assert.equal(candidates.tiers[0].isPanicking, false, "one of the two that count is up");
  }
});

Deno.test("a weight that is given while running makes a candidate of who had none", () => {
  const { tell, tierOf } = makeCandidates([{}, { weight: 0 }]);
  tell(1, { weight: 3 });
  assert.deepEqual(tierOf(), [0, 0]);
});

Deno.test("a server whose address is not known counts among all, and is not available", () => {
  const { candidates, tierOf } = makeCandidates([{}, {}, {}], { panicThreshold: 0.6 });
  candidates.known[1] = 0;
  candidates.update();
  assert.deepEqual(tierOf(), [0, -1, 0]);
  candidates.known[0] = 0;
  candidates.update();
  assert.equal(candidates.tiers[0].isPanicking, true, "a third is available");
});

Deno.test("what is on the board counts once it is read, not before", () => {
  const { candidates, board } = makeCandidates([{}, {}]);
  board.setServer(BEFORE, SERVER_STATES.indexOf("maint"), 1, 256, 0);
  candidates.update();
  assert.deepEqual([...candidates.isUp], [1, 1]);
  candidates.refresh();
  assert.deepEqual([...candidates.isUp], [0, 1]);
});

// ---- Backups and subsets --------------------------------------------------------------------

Deno.test("backups are known as such, and are a tier only when nobody else is available", () => {
  const { candidates, tell, tierOf } = makeCandidates([{ backup: true }, {}]);
  assert.deepEqual([...candidates.isBackup], [1, 0]);
  assert.deepEqual([...candidates.isUp], [1, 1], "it could be used");
  assert.deepEqual(tierOf(), [-1, 0]);
  tell(1, { state: "down" });
  assert.deepEqual(tierOf(), [0, -1]);
});

Deno.test("each subset has tiers of its own servers alone", () => {
  const { candidates, tell, tierOf } = makeCandidates([{}, { priority: 1 }, {}], {
    subsets: [[0, 1, 2], [1], [1, 2]],
  });
  assert.deepEqual(candidates.members.map((each) => [...each]), [[1, 1, 1], [0, 1, 0], [0, 1, 1]]);
  assert.deepEqual([tierOf(0), tierOf(1), tierOf(2)], [[0, 1, 0], [-1, 0, -1], [-1, 1, 0]]);
  tell(2, { state: "ejected" });
  assert.deepEqual(tierOf(2), [-1, 0, -1]);
  assert.deepEqual(candidates.tiers.map(({ isPanicking }) => isPanicking), [false, false, false]);
  tell(1, { state: "down" });
  const isPanicking = candidates.tiers.map((tiers) => tiers.isPanicking);
  assert.deepEqual(isPanicking, [true, true, true]);
  assert.deepEqual(tierOf(1), [-1, 0, -1], "panic does not reach beyond the subset");
});

// ---- Weights --------------------------------------------------------------------------------

Deno.test("policies see the share of a weight, all raised alike so that little is not none", () => {
  const { set, tell } = makeCandidates([{ weight: 1 }, { weight: 2 }], { balance: "round_robin" });
  assert.deepEqual([...set.weights], [128, 256]);
  tell(0, { share: 26 });
  assert.deepEqual([...set.weights], [13, 256]);
  tell(1, { weight: 1 });
  assert.deepEqual([...set.weights], [26, 256]);
});

Deno.test("consistent hashing gets weights and shares apart, so that no other key moves", () => {
  const { set, tell } = makeCandidates([{ weight: 1 }, { weight: 2 }], {
    balance: "consistent_hash",
  });
  assert.deepEqual([[...set.weights], [...set.shares]], [[1, 2], [256, 256]]);
  tell(0, { share: 26 });
  assert.deepEqual([[...set.weights], [...set.shares]], [[1, 2], [26, 256]]);
});

Deno.test("a changed weight moves keys, as it does where the weight was configured", () => {
  const balance = "consistent_hash" as const;
  const keys = Array.from({ length: 2000 }, (_, i) => (i * 2_654_435_761) >>> 0);
  const spread = ({ set, pick, state }: ReturnType<typeof makeCandidates>) => {
    set.eligible.fill(1);
    return keys.map((key) => pick(set, state, 0, key));
  };
  const changed = makeCandidates([{}, {}, {}], { balance });
  const before = spread(changed);
  changed.tell(2, { weight: 5 });
  const configured = makeCandidates([{}, {}, { weight: 5 }], { balance });
  assert.deepEqual(spread(changed), spread(configured));
  changed.tell(2, {});
  assert.deepEqual(spread(changed), before);
});

// ---- All together ---------------------------------------------------------------------------

Deno.test("in a tier is who belongs to the subset, is known, up, and has weight and share", () => {
  const server = fc.record({
    state: fc.constantFrom(...SERVER_STATES),
    weight: fc.nat(2),
    share: fc.constantFrom(0, 1, 256),
    isKnown: fc.boolean(),
    isMember: fc.boolean(),
    priority: fc.nat(2),
    isForeignZone: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(server, { minLength: 1, maxLength: 5 }), (servers) => {
    const all = servers.map((_, i) => i);
    const members = all.filter((i) => servers[i].isMember);
    const { candidates, tell, tierOf } = makeCandidates(
      servers.map(({ priority, isForeignZone }) => ({ priority, isForeignZone })),
      { subsets: [all, members], panicThreshold: 0 },
    );
    servers.forEach(({ isKnown, ...said }, i) => {
      candidates.known[i] = Number(isKnown);
      tell(i, said);
    });
    const isUp = servers.map(({ state, weight, share, isKnown }) =>
      state === "up" && weight > 0 && share > 0 && isKnown
    );
    assert.deepEqual([...candidates.isUp], isUp.map(Number));
    assert.deepEqual(tierOf(0).map((tier) => tier >= 0), isUp);
    assert.deepEqual(
      tierOf(1).map((tier) => tier >= 0),
      isUp.map((isUp, i) => isUp && servers[i].isMember),
    );
  }));
});
