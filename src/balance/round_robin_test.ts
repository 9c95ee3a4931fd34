import assert from "node:assert/strict";
import fc from "fast-check";
import { makePolicy } from "./policy.ts";
import { makeServerSet, type ServerSet, WEIGHT_MAX } from "./server_set.ts";
import { largest, makeNames, randomAt } from "./test_arrivals.ts";

/** The names picked one after the other, with ties in the order of the configuration. */
function takeTurns(servers: ServerSet, turns: number): string {
  const { pick, state } = makePolicy("round_robin", servers);
  const names: string[] = [];
  for (let turn = 0; turn < turns; turn++) names.push(servers.names[pick(servers, state, 0, 0)]);
  return names.join(" ");
}

Deno.test("weights 5,1,1 give a a b a c a a, again and again", () => {
  const servers = makeServerSet(["a", "b", "c"], [5, 1, 1]);
  assert.equal(takeTurns(servers, 14), "a a b a c a a a a b a c a a");
});

Deno.test("equal weights give plain round robin", () => {
  assert.equal(takeTurns(makeServerSet(["a", "b", "c"], [7, 7, 7]), 7), "a b c a b c a");
});

Deno.test("a heavy server's turns are spread out, no closer or further than needed", () => {
  // 3 of 10: gaps of 3 and 4 turns only.
  const turns = takeTurns(makeServerSet(["a", "b"], [3, 7]), 200).split(" ");
  const positions = turns.flatMap((name, turn) => name === "a" ? [turn] : []);
  for (let index = 1; index < positions.length; index++) {
    const gap = positions[index] - positions[index - 1];
    assert.ok(gap === 3 || gap === 4, `gap ${gap}`);
  }
});

Deno.test("the state is back at zero after each whole cycle", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
      fc.nat(0xffffffff),
      (weights, random) => {
        const servers = makeServerSet(makeNames(weights.length), weights);
        const { pick, state } = makePolicy("round_robin", servers);
        const sum = weights.reduce((left, right) => left + right);
        const picks = new Array(weights.length).fill(0);
        for (let turn = 0; turn < sum; turn++) picks[pick(servers, state, random, 0)]++;
        assert.deepEqual(picks, weights);
        assert.ok(state.runningWeights.every((running) => running === 0));
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a server that was away comes back without a burst", () => {
  const servers = makeServerSet(["a", "b", "c"], [1, 1, 1]);
  const { pick, state } = makePolicy("round_robin", servers);
  servers.eligible[1] = 0;
  for (let turn = 0; turn < 1000; turn++) pick(servers, state, 0, 0);
  servers.eligible[1] = 1;
  const picks = [0, 0, 0];
  for (let turn = 0; turn < 30; turn++) picks[pick(servers, state, 0, 0)]++;
  assert.deepEqual(picks, [10, 10, 10]);
});

Deno.test("retries count as turns: a failing server does not double its successor's load", () => {
  const servers = makeServerSet(makeNames(5), [1, 1, 1, 1, 1]);
  const { pick, state } = makePolicy("round_robin", servers);
  const served = new Array(5).fill(0);
  for (let exchange = 0; exchange < 1000; exchange++) {
    servers.eligible[2] = 1;
    let server = pick(servers, state, 0, 0);
    if (server === 2) {
      servers.eligible[2] = 0;
      server = pick(servers, state, 0, 0);
    }
    served[server]++;
  }
  assert.equal(served[2], 0);
  // Were the retries on top of the turns, the successor would serve 400 and the others 200.
  for (const server of [0, 1, 3, 4]) {
    assert.ok(served[server] >= 230 && served[server] <= 290, served.join());
  }
});

Deno.test("no order of eligibility and weights drives a claim beyond its bound", () => {
  for (const count of [2, 3, 7, 24]) {
    const servers = makeServerSet(makeNames(count), new Array(count).fill(1));
    const { pick, state } = makePolicy("round_robin", servers);
    const running = state.runningWeights;
    const bound = ((count - 1) / 2) * count * WEIGHT_MAX;
    let peak = 0;
    for (let turn = 0; turn < 50_000; turn++) {
      // Against the policy: mostly one server with a small claim against one with a large claim,
      // as only picks among unequal claims could make them more unequal.
      const one = randomAt(turn, 0) % count;
      const other = randomAt(turn, 1) % count;
      servers.eligible.fill(0);
      servers.eligible[one] = servers.eligible[other] = 1;
      servers.weights[one] = randomAt(turn, 2) % (WEIGHT_MAX + 1);
      servers.weights[other] = running[other] > running[one] ? WEIGHT_MAX : 1;
      pick(servers, state, 0, 0);
      peak = Math.max(peak, largest(running.map(Math.abs)));
    }
    assert.equal(running.reduce((left, right) => left + right), 0);
    assert.ok(peak <= bound, `${count} servers: ${peak} > ${bound}`);
  }
});

Deno.test("workers that start together do not all begin with the same server", () => {
  const servers = makeServerSet(makeNames(8), new Array(8).fill(1));
  const picks = new Array(8).fill(0);
  for (let worker = 0; worker < 800; worker++) {
    const { pick, state } = makePolicy("round_robin", servers);
    picks[pick(servers, state, randomAt(1, worker), 0)]++;
  }
  // 100 expected in each, standard deviation 9.4.
  for (const count of picks) assert.ok(Math.abs(count - 100) < 47, picks.join());
});

Deno.test("only the first random number matters", () => {
  const servers = makeServerSet(makeNames(6), [4, 1, 1, 2, 2, 2]);
  const steady = makePolicy("round_robin", servers);
  const varied = makePolicy("round_robin", servers);
  for (let turn = 0; turn < 100; turn++) {
    const random = turn === 0 ? 0xabcdef01 : randomAt(9, turn);
    assert.equal(
      varied.pick(servers, varied.state, random, 0),
      steady.pick(servers, steady.state, 0xabcdef01, 0),
    );
  }
});
