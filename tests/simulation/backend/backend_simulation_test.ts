import assert from "node:assert/strict";
import { type CaseName, runCase } from "./backend_cases.ts";

/** What each case shows, and how many seeds of it are run. */
const PROMISES: readonly (readonly [name: CaseName, seeds: number, what: string])[] = [
  ["hours", 7, "in hours with faults of all kinds every policy keeps its promises"],
  ["storm", 5, "when all servers fail retries are no storm, and all is well soon after"],
  ["breaker", 5, "a circuit breaker keeps clients from servers that all fail, until they work"],
  ["slow start", 3, "a server that comes back gets its share little by little"],
  ["panic", 3, "health is ignored while too few servers are available, and only then"],
  ["weights", 6, "what an operator says about weights, drain and maint is followed at once"],
  ["priority", 2, "groups of preference get what their servers can take, backups what is left"],
  ["rebalance", 5, "connections are moved to a server that came back, within the budget"],
  ["keys", 2, "only keys of a server that is out move, and they spread over all others"],
  ["bounded load", 3, "with a load factor no server is filled by hot keys"],
  ["latency", 1, "least_latency finds out that a server is slow, and clients hardly notice"],
  ["evenness", 2, "least_conn is exact over four workers"],
];

for (const [name, seeds, what] of PROMISES) {
  Deno.test(`${what} (${seeds} seeds)`, () => {
    for (let seed = 1; seed <= seeds; seed++) console.log(runCase(name, seed).join("\n"));
  });
}

Deno.test("the same seed of a backend's simulation is the same run", () => {
  for (const name of ["breaker", "slow start", "keys"] as const) {
    assert.deepEqual(runCase(name, 5), runCase(name, 5));
  }
});
