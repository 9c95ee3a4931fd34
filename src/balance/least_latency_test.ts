import assert from "node:assert/strict";
import { CANDIDATES_COMPARED_MAX } from "./least_latency.ts";
import { LATENCY_CELLS, PeakEwma } from "./peak_ewma.ts";
import { makePolicy } from "./policy.ts";
import { makeServerSet, type ServerSet } from "./server_set.ts";
import { arrive, largest, makeNames, randomAt } from "./test_arrivals.ts";

function makeServers(weights: readonly number[], costs: readonly number[]): ServerSet {
  const servers = makeServerSet(makeNames(weights.length), weights);
  servers.costs.set(costs);
  return servers;
}

function pickOnce(servers: ServerSet, random = 0x12345678): number {
  const { pick, state } = makePolicy("least_latency", servers);
  return pick(servers, state, random, 0);
}

Deno.test("of a few servers the least latency x (open + 1) / weight is picked", () => {
  const servers = makeServers([1, 1, 1], [4, 2, 3]);
  assert.equal(pickOnce(servers), 1);
  servers.open.set([0, 1, 0]);
  assert.equal(pickOnce(servers), 2, "3 before 2 x 2 and 4");
  servers.open.set([0, 1, 1]);
  servers.weights[0] = 2;
  assert.equal(pickOnce(servers), 0, "4/2 before 2 x 2 and 2 x 3");
});

Deno.test("load settles in inverse proportion to the latencies", () => {
  const servers = makeServers([1, 1, 2], [10, 30, 10]);
  arrive(servers, makePolicy("least_latency", servers), 1000, 1);
  // 1/10 : 1/30 : 2/10
  assert.deepEqual([...servers.open].map((open) => Math.round(open / 10)), [30, 10, 60]);
});

Deno.test("a tie is drawn, each tied server as likely as the other, and others not at all", () => {
  // 12, 18, 12, 9, 12 and one that is out.
  const servers = makeServers([1, 1, 2, 1, 4, 1], [3, 9, 6, 9, 8, 1]);
  servers.open.set([3, 1, 3, 0, 5, 0]);
  servers.eligible[5] = 0;
  servers.eligible[3] = 0;
  const { pick, state } = makePolicy("least_latency", servers);
  const picks = new Array(6).fill(0);
  for (let draw = 0; draw < 3000; draw++) picks[pick(servers, state, randomAt(2, draw), 0)]++;
  assert.equal(picks[1] + picks[3] + picks[5], 0, picks.join());
  for (const server of [0, 2, 4]) assert.ok(Math.abs(picks[server] - 1000) < 130, picks.join());
});

Deno.test("a server never measured counts as the fastest, once in use with one more open", () => {
  const servers = makeServers([1, 1, 1], [50, 0, 2]);
  servers.open.set([0, 0, 1]);
  assert.equal(pickOnce(servers), 1, "2 x 1 before 2 x 2");
  servers.open.set([0, 1, 1]);
  assert.equal(pickOnce(servers), 2, "2 x 2 before 2 x 3");
  servers.open.set([0, 1, 3]);
  assert.equal(pickOnce(servers), 1, "2 x 3 before 2 x 4");
});

Deno.test("a server never measured is tried though the others always have room", () => {
  const servers = makeServers([1, 1, 1], [5, 5, 0]);
  const { pick, state } = makePolicy("least_latency", servers);
  const picks = [0, 0, 0];
  for (let draw = 0; draw < 300; draw++) picks[pick(servers, state, randomAt(9, draw), 0)]++;
  assert.ok(picks[2] > 60, picks.join());
});

Deno.test("a new server fills up to what the fastest has and is not overrun", () => {
  const servers = makeServers([1, 1, 1, 1], [4, 4, 4, 0]);
  servers.open.set([20, 20, 20, 0]);
  const picks = arrive(servers, makePolicy("least_latency", servers), 40, 3);
  assert.ok(Math.abs(servers.open[3] - 24) <= 1 && picks[0] >= 3, [...servers.open].join());
});

Deno.test("only the fastest of the candidates is what a new server is held to", () => {
  const servers = makeServers([1, 1, 1], [0.01, 6, 0]);
  servers.eligible[0] = 0;
  servers.open.set([0, 1, 1]);
  assert.equal(pickOnce(servers), 1, "6 x 2 before 6 x 3");
  servers.open.set([0, 3, 1]);
  assert.equal(pickOnce(servers), 2, "6 x 3 before 6 x 4");
});

Deno.test("of many servers two are drawn, the better one is picked", () => {
  const count = CANDIDATES_COMPARED_MAX + 4;
  const servers = makeServers(new Array(count).fill(1), new Array(count).fill(10));
  servers.costs[3] = 1;
  servers.costs[7] = 100;
  const { pick, state } = makePolicy("least_latency", servers);
  const picks = new Array(count).fill(0);
  for (let draw = 0; draw < 6000; draw++) picks[pick(servers, state, randomAt(4, draw), 0)]++;
  assert.equal(picks[7], 0, "never the worst");
  // The best one is among two of twelve drawn in a sixth of all draws.
  assert.ok(Math.abs(picks[3] - 1000) < 150, picks.join());
});

Deno.test("what is out does not make few candidates many", () => {
  const servers = makeServers(new Array(30).fill(1), new Array(30).fill(10));
  servers.eligible.fill(0, 0, 24);
  servers.costs[27] = 9;
  for (let draw = 0; draw < 200; draw++) assert.equal(pickOnce(servers, randomAt(5, draw)), 27);
});

/** Servers that answer a connection after `latencyMs`; one comes each `everyMs`. */
function serve(latencyMs: readonly number[], everyMs: number, arrivals: number): Float64Array {
  const count = latencyMs.length;
  const servers = makeServerSet(makeNames(count), new Array(count).fill(1));
  const { pick, state } = makePolicy("least_latency", servers);
  const ewma = new PeakEwma(new Float64Array(LATENCY_CELLS * count), 0);
  const clock = { nowMs: 0 };
  const served = new Float64Array(count);
  let pending: { server: number; endMs: number }[] = [];
  for (let arrival = 0; arrival < arrivals; arrival++) {
    clock.nowMs = arrival * everyMs;
    for (const { server } of pending.filter(({ endMs }) => endMs <= clock.nowMs)) {
      servers.open[server]--;
      ewma.sampleMs = latencyMs[server];
      ewma.record(server, clock);
    }
    pending = pending.filter(({ endMs }) => endMs > clock.nowMs);
    ewma.fillCosts(servers, clock);
    const server = pick(servers, state, randomAt(6, arrival), 0);
    served[server]++;
    servers.open[server]++;
    pending.push({ server, endMs: clock.nowMs + latencyMs[server] });
  }
  return served;
}

Deno.test("a slow server is tried again from time to time, and never by everybody", () => {
  // 200 s with a connection every 10 ms, of which one takes 5 ms or 400 ms.
  const served = serve([5, 5, 400], 10, 20_000);
  assert.ok(served[2] >= 3, `${served[2]} times`);
  // Each time no more than its part of what comes within 400 ms.
  assert.ok(served[2] <= 20_000 * 0.01, `${served[2]} times`);
  assert.ok(Math.abs(served[0] - served[1]) < 600, [...served].join());
});

Deno.test("after a long rest of the whole backend nobody is overrun", () => {
  const count = 4;
  const servers = makeServers(new Array(count).fill(1), new Array(count).fill(0));
  const ewma = new PeakEwma(new Float64Array(LATENCY_CELLS * count), 0);
  const clock = { nowMs: 1000 };
  for (let server = 0; server < count; server++) {
    ewma.sampleMs = 3 + 100 * server;
    ewma.record(server, clock);
  }
  clock.nowMs += 3_600_000;
  ewma.fillCosts(servers, clock);
  const picks = arrive(servers, makePolicy("least_latency", servers), 100, 7);
  assert.equal(largest(picks), 25, [...picks].join());
});
