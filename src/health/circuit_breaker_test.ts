import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BREAKER_CLOSED,
  BREAKER_HALF_OPEN,
  BREAKER_OPEN,
  BREAKER_STATES,
  type BreakerRules,
  CircuitBreaker,
} from "./circuit_breaker.ts";

const RULES: BreakerRules = {
  errors: 0.5,
  windowMs: 10_000,
  connections: 20,
  openMs: 10_000,
  trials: 3,
};
const POLL_MS = 100;

/** A breaker with the counters that all workers together would have, and a clock. */
class Bench {
  readonly breaker: CircuitBreaker;
  attempts = 0;
  failures = 0;
  nowMs = 5_000_000.5;

  constructor(rules: Partial<BreakerRules> = {}) {
    this.breaker = new CircuitBreaker({ ...RULES, ...rules });
    this.poll(0, 0);
  }

  /** One call after so many connects have ended; whether the state changed. */
  poll(succeeded: number, failed: number, afterMs = POLL_MS): boolean {
    this.attempts += succeeded + failed;
    this.failures += failed;
    this.nowMs += afterMs;
    return this.breaker.observe(this.attempts, this.failures, this.nowMs);
  }

  /** Calls in which nothing happens, for so long or until the state changes. */
  rest(ms: number): boolean {
    for (let passedMs = 0; passedMs < ms; passedMs += POLL_MS) if (this.poll(0, 0)) return true;
    return false;
  }

  get state(): string {
    return this.breaker.state;
  }
}

function openBench(rules: Partial<BreakerRules> = {}): Bench {
  const bench = new Bench(rules);
  assert.ok(bench.poll(0, 20));
  assert.equal(bench.state, "open");
  return bench;
}

function halfOpenBench(rules: Partial<BreakerRules> = {}): Bench {
  const bench = openBench(rules);
  assert.ok(bench.rest(20_000));
  assert.equal(bench.state, "half_open");
  return bench;
}

Deno.test("the number of a state is its place among the states", () => {
  assert.equal(BREAKER_STATES[BREAKER_CLOSED], "closed");
  assert.equal(BREAKER_STATES[BREAKER_OPEN], "open");
  assert.equal(BREAKER_STATES[BREAKER_HALF_OPEN], "half_open");
});

Deno.test("it is closed at first, and stays so while connects succeed", () => {
  const bench = new Bench();
  assert.deepEqual([bench.state, bench.breaker.code, bench.breaker.reason], ["closed", 0, ""]);
  for (let i = 0; i < 300; i++) assert.ok(!bench.poll(10, 0));
  assert.equal(bench.state, "closed");
});

Deno.test("it opens once the share of failures within the window is reached", () => {
  const bench = new Bench();
  assert.ok(!bench.poll(10, 9));
  assert.ok(bench.poll(0, 1));
  assert.deepEqual([bench.state, bench.breaker.code], ["open", BREAKER_OPEN]);
  assert.equal(bench.breaker.reason, "10 of 20 connects failed within 10s");
});

Deno.test("too few connects are not judged, however many of them fail", () => {
  const bench = new Bench();
  assert.ok(!bench.poll(0, 19));
  assert.ok(bench.poll(0, 1));
});

Deno.test("a share below the mark does not open it", () => {
  const bench = new Bench();
  for (let i = 0; i < 300; i++) assert.ok(!bench.poll(11, 9));
});

Deno.test("a share that decimals cannot write exactly is reached by the exact count", () => {
  const bench = new Bench({ errors: 0.07, connections: 100 });
  assert.ok(!bench.poll(93, 6));
  assert.ok(bench.poll(0, 1));
});

Deno.test("even with a share of zero it takes a failure to open it", () => {
  const bench = new Bench({ errors: 0 });
  assert.ok(!bench.poll(1000, 0));
  assert.ok(bench.poll(0, 1));
});

Deno.test("failures that have left the window count no more", () => {
  const bench = new Bench();
  bench.poll(0, 19);
  bench.rest(9_000);
  // Within nine tenths of the window they certainly count,
  assert.ok(bench.poll(0, 1));

  const later = new Bench();
  later.poll(0, 19);
  later.rest(10_000);
  // and after the whole of it certainly not.
  assert.ok(!later.poll(0, 1));
});

Deno.test("what was counted before the first call is not judged", () => {
  const breaker = new CircuitBreaker(RULES);
  assert.ok(!breaker.observe(1000, 1000, 0));
  assert.ok(!breaker.observe(1019, 1019, 100));
  assert.ok(breaker.observe(1020, 1020, 200));
});

Deno.test("it is open for as long as the rules say, then half open", () => {
  const bench = openBench();
  assert.ok(!bench.rest(9_900));
  assert.equal(bench.state, "open");
  assert.ok(bench.poll(0, 0));
  assert.deepEqual([bench.state, bench.breaker.code], ["half_open", BREAKER_HALF_OPEN]);
  assert.equal(bench.breaker.reason, "3 trials after 10s open");
});

Deno.test("as many successes as there are trials close it", () => {
  const bench = halfOpenBench();
  assert.ok(!bench.poll(1, 0));
  assert.ok(!bench.poll(1, 0));
  assert.ok(bench.poll(1, 0));
  assert.deepEqual([bench.state, bench.breaker.reason], ["closed", "3 trials succeeded"]);
});

Deno.test("one failure opens it again, for the whole time, also beside successes", () => {
  const bench = halfOpenBench();
  bench.poll(2, 0);
  assert.ok(bench.poll(3, 1));
  assert.deepEqual([bench.state, bench.breaker.reason], ["open", "a trial failed"]);
  assert.ok(!bench.rest(9_900));
  assert.ok(bench.poll(0, 0));
  // The successes before are forgotten.
  assert.ok(!bench.poll(2, 0));
  assert.ok(bench.poll(1, 0));
});

Deno.test("half open without any client it waits, however long", () => {
  const bench = halfOpenBench();
  assert.ok(!bench.rest(600_000));
  assert.equal(bench.state, "half_open");
  assert.ok(bench.poll(3, 0));
});

Deno.test("connects that were under way when it opened end without effect", () => {
  const bench = openBench();
  for (let i = 0; i < 90; i++) assert.ok(!bench.poll(1, 5));
  assert.ok(bench.rest(2_000));
  // The last of them in the very call that ends the open time.
  const other = openBench();
  other.rest(9_900);
  assert.ok(other.poll(7, 7));
  assert.equal(other.state, "half_open");
  assert.ok(!other.poll(2, 0));
  assert.ok(other.poll(1, 0));
});

Deno.test("closed again it judges by what happens from then on", () => {
  const bench = halfOpenBench({ windowMs: 60_000 });
  assert.ok(bench.poll(3, 0));
  assert.ok(!bench.poll(0, 19));
  assert.ok(bench.poll(0, 1));
});

Deno.test("a clock that is set back stands still for once", () => {
  const bench = openBench();
  bench.rest(5_000);
  assert.ok(!bench.poll(0, 0, -3_600_000));
  assert.ok(!bench.rest(4_800));
  assert.ok(bench.rest(200));
});

Deno.test("a clock that is set forward ends the window and the open time at once", () => {
  const bench = new Bench();
  bench.poll(0, 19);
  assert.ok(!bench.poll(0, 0, 1e9));
  assert.ok(!bench.poll(0, 19));
  assert.ok(bench.poll(0, 1));
  assert.ok(bench.poll(0, 0, 1e9));
  assert.equal(bench.state, "half_open");
});

Deno.test("counters that begin anew teach nothing for one call", () => {
  const bench = new Bench();
  bench.poll(100, 0);
  bench.attempts = 50;
  bench.failures = 50;
  assert.ok(!bench.poll(0, 0));
  assert.ok(!bench.poll(0, 19));
  // 19 of 119 above; these make 119 of 219.
  assert.ok(bench.poll(0, 100));
});

/** What ended in one call. */
interface Ended {
  readonly atMs: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** Whether what ended within the last `windowMs` asks for opening. */
function asks(ended: readonly Ended[], windowMs: number): boolean {
  const nowMs = ended[ended.length - 1].atMs;
  let attempts = 0;
  let failures = 0;
  for (const { atMs, succeeded, failed } of ended) {
    if (nowMs - atMs > windowMs) continue;
    attempts += succeeded + failed;
    failures += failed;
  }
  return attempts >= 10 && failures > 0 && failures / attempts >= 0.5;
}

Deno.test("for any course of events it changes when the rules say so, and never otherwise", () => {
  const step = fc.record({
    succeeded: fc.nat(6),
    failed: fc.oneof(fc.constant(0), fc.nat(6)),
    afterMs: fc.oneof(fc.constant(POLL_MS), fc.nat(3_000)),
  });
  let changes = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const bench = new Bench({ connections: 10, windowMs: 5_000, openMs: 2_000, trials: 2 });
      let sinceMs = bench.nowMs;
      /** Since the state began. */
      let ended: Ended[] = [];
      for (const { succeeded, failed, afterMs } of steps) {
        const before = bench.state;
        const hasChanged = bench.poll(succeeded, failed, afterMs);
        const { nowMs, state } = bench;
        assert.equal(hasChanged, before !== state);
        ended.push({ atMs: nowMs, succeeded, failed });
        if (before === "open") {
          assert.equal(state, nowMs - sinceMs >= 2_000 ? "half_open" : "open");
        } else if (before === "half_open") {
          const successes = ended.reduce((sum, one) => sum + one.succeeded, 0);
          assert.equal(state, failed > 0 ? "open" : successes >= 2 ? "closed" : "half_open");
        } else {
          // The window has any length from nine tenths on; by the lengths that make a difference
          // opening must be right for one, and not opening too.
          const lengths = ended.map((one) => nowMs - one.atMs).filter((ms) => ms > 4_499);
          const answers = [4_499, ...lengths.filter((ms) => ms <= 5_000)].map((ms) =>
            asks(ended, ms)
          );
          assert.ok(answers.includes(hasChanged));
          assert.equal(state, hasChanged ? "open" : "closed");
        }
        if (!hasChanged) continue;
        changes++;
        sinceMs = nowMs;
        ended = [];
      }
    }),
    { seed: 1, numRuns: 400 },
  );
  assert.ok(changes > 1000, "the courses go through all states");
});
