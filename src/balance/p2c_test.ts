import assert from "node:assert/strict";
import { makePolicy } from "./policy.ts";
import { makeServerSet } from "./server_set.ts";
import { arrive, largest, makeNames, randomAt } from "./test_arrivals.ts";

Deno.test("p2c's largest load stays near the mean, where random's does not", () => {
  for (const seed of [1, 2, 3]) {
    const servers = makeServerSet(makeNames(256), new Array(256).fill(1));
    const twoChoices = largest(arrive(servers, makePolicy("p2c", servers), 25_600, seed));
    servers.open.fill(0);
    const oneChoice = largest(arrive(servers, makePolicy("random", servers), 25_600, seed));
    assert.ok(twoChoices <= 100 + 5, `p2c ${twoChoices}`);
    assert.ok(oneChoice >= 100 + 20, `random ${oneChoice}`);
  }
});

Deno.test("p2c's largest load hardly suffers from a view that is 16 arrivals old", () => {
  const servers = makeServerSet(makeNames(64), new Array(64).fill(1));
  const { pick, state } = makePolicy("p2c", servers);
  const open = new Int32Array(64);
  for (let arrival = 0; arrival < 6400; arrival++) {
    if (arrival % 16 === 0) servers.open.set(open);
    open[pick(servers, state, randomAt(4, arrival), 0)]++;
  }
  assert.ok(largest(open) <= 100 + 8, `${largest(open)}`);
});

Deno.test("p2c never picks the most loaded of several servers", () => {
  const servers = makeServerSet(makeNames(4), [1, 1, 1, 1]);
  servers.open.set([5, 9, 5, 5]);
  const { pick, state } = makePolicy("p2c", servers);
  for (let draw = 0; draw < 5000; draw++) {
    assert.notEqual(pick(servers, state, randomAt(5, draw), 0), 1);
  }
});

Deno.test("p2c draws each pair of servers as often as two draws in proportion to weight do", () => {
  const weights = [1, 2, 3, 4];
  const servers = makeServerSet(makeNames(4), weights);
  const { pick, state } = makePolicy("p2c", servers);
  const draws = 40_000;
  for (let one = 0; one < 4; one++) {
    for (let other = 0; other < one; other++) {
      // Of all pairs only this one is without the two loaded servers.
      servers.open.fill(1_000_000);
      servers.open[one] = servers.open[other] = 0;
      let both = 0;
      for (let draw = 0; draw < draws; draw++) {
        // Who wins against a tie is the first drawn, so let each of the two win in turn.
        const random = randomAt(6, draw);
        servers.open[one] = 0;
        servers.open[other] = 1000;
        const first = pick(servers, state, random, 0);
        servers.open[one] = 1000;
        servers.open[other] = 0;
        const second = pick(servers, state, random, 0);
        if (first === one && second === other) both++;
      }
      const [left, right] = [weights[one], weights[other]];
      const expected = draws * (left / 10) * (right / (10 - left)) +
        draws * (right / 10) * (left / (10 - right));
      const sigma = Math.sqrt(expected * (1 - expected / draws));
      assert.ok(Math.abs(both - expected) < 5 * sigma, `${one},${other}: ${both} ${expected}`);
    }
  }
});

Deno.test("p2c settles between two servers by load per weight alone", () => {
  const servers = makeServerSet(["a", "b"], [3, 1]);
  const { pick, state } = makePolicy("p2c", servers);
  for (const random of [0, 0x40000000, 0x80000000, 0xffffffff]) {
    servers.open.set([1, 0]);
    assert.equal(pick(servers, state, random, 0), 0, "2/3 < 1/1");
    servers.open.set([5, 0]);
    assert.equal(pick(servers, state, random, 0), 1, "1/1 < 6/3");
  }
});
