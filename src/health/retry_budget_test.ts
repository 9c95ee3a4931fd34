import assert from "node:assert/strict";
import fc from "fast-check";
import { allowsRetry, RETRIES_MIN, RETRY_WINDOW_MS, RetryWindow } from "./retry_budget.ts";

const POLL_MS = 100;
/** The window is at most this long: the step it moves in, and one call more. */
const WINDOW_MS_MAX = RETRY_WINDOW_MS + 200 + 3 * POLL_MS;

Deno.test("what is always allowed is three retries a second", () => {
  assert.equal(RETRIES_MIN / (RETRY_WINDOW_MS / 1000), 3);
  for (const share of [0, 0.2, 1]) {
    assert.ok(allowsRetry(0, 0, share));
    assert.ok(allowsRetry(29, 0, share));
    assert.ok(!allowsRetry(30, 0, share));
    assert.ok(!allowsRetry(30, 30, share));
  }
});

Deno.test("with more traffic the share of new connections counts", () => {
  assert.ok(allowsRetry(199, 1000, 0.2));
  assert.ok(!allowsRetry(200, 1000, 0.2));
  assert.ok(allowsRetry(999, 1000, 1));
  assert.ok(!allowsRetry(1000, 1000, 1));
  assert.ok(!allowsRetry(30, 1_000_000, 0));
});

Deno.test("what happened before the first call is no part of the window", () => {
  const window = new RetryWindow();
  assert.deepEqual([window.baseConnections, window.baseRetries], [0, 0]);
  assert.ok(window.observe(5_000, 700, 1e9));
  assert.deepEqual([window.baseConnections, window.baseRetries], [5_000, 700]);
});

Deno.test("the base stands for the first ten seconds, then follows them at their distance", () => {
  const window = new RetryWindow();
  // A connection each ms, a retry each ten.
  for (let ms = 0; ms <= 60_000; ms += POLL_MS) {
    window.observe(ms, ms / 10, 1e9 + ms);
    const ageMs = ms - window.baseConnections;
    if (ms < RETRY_WINDOW_MS) assert.equal(ageMs, ms);
    else assert.ok(ageMs >= RETRY_WINDOW_MS && ageMs < WINDOW_MS_MAX, `${ageMs}`);
    assert.equal(window.baseRetries, window.baseConnections / 10);
  }
});

Deno.test("it tells when there is a new base to publish, five times a second", () => {
  const window = new RetryWindow();
  let changes = 0;
  for (let ms = 0; ms < 60_000; ms += POLL_MS) if (window.observe(ms + 1, 0, ms)) changes++;
  assert.ok(changes >= 240 && changes <= 260, `${changes}`);
  const idle = new RetryWindow();
  for (let ms = 0; ms < 60_000; ms += POLL_MS) assert.ok(!idle.observe(0, 0, ms));
});

Deno.test("after a pause of the caller the window is as long as the pause", () => {
  const window = new RetryWindow();
  for (let ms = 0; ms <= 30_000; ms += POLL_MS) window.observe(ms, 0, ms);
  window.observe(90_000, 0, 90_000);
  assert.ok(window.baseConnections >= 29_000 && window.baseConnections <= 30_000);
  // From then on it shrinks back to its length.
  for (let ms = 90_000; ms <= 102_000; ms += POLL_MS) window.observe(ms, 0, ms);
  assert.ok(102_000 - window.baseConnections < WINDOW_MS_MAX);
});

Deno.test("a clock that is set back stands still for once", () => {
  const window = new RetryWindow();
  for (let ms = 0; ms <= 30_000; ms += POLL_MS) window.observe(ms, 0, ms);
  for (let ms = 30_000; ms <= 60_000; ms += POLL_MS) window.observe(ms, 0, ms - 29_000);
  const ageMs = 60_000 - window.baseConnections;
  assert.ok(ageMs >= RETRY_WINDOW_MS && ageMs < WINDOW_MS_MAX + POLL_MS, `${ageMs}`);
});

Deno.test("counters that begin anew begin the window anew", () => {
  const window = new RetryWindow();
  for (let ms = 0; ms <= 30_000; ms += POLL_MS) window.observe(ms, ms, ms);
  assert.ok(window.observe(12, 3, 30_100));
  assert.deepEqual([window.baseConnections, window.baseRetries], [12, 3]);
});

Deno.test("for any calls the base is the totals of a call that is as old as the window", () => {
  const call = fc.record({
    connections: fc.nat(50),
    retries: fc.nat(50),
    afterMs: fc.oneof(
      fc.double({ min: 0, max: 400, noNaN: true }),
      fc.double({ min: 0, max: 30_000, noNaN: true }),
    ),
  });
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 300, size: "max" }), (calls) => {
      const window = new RetryWindow();
      const seen: { atMs: number; connections: number; retries: number }[] = [];
      let atMs = 1e7;
      let connections = 0;
      let retries = 0;
      for (const next of calls) {
        atMs += next.afterMs;
        // At least one connection, so that the base tells which call it is from.
        connections += 1 + next.connections;
        retries += next.retries;
        seen.push({ atMs, connections, retries });
        window.observe(connections, retries, atMs);
        const base = seen.findIndex((one) => one.connections === window.baseConnections);
        assert.ok(base >= 0 && seen[base].retries === window.baseRetries);
        const isOldEnough = atMs - seen[base].atMs >= RETRY_WINDOW_MS - 1e-3;
        assert.ok(isOldEnough || base === 0, "short only while it begins");
        // What is older than the window and one step was passed over for something newer, unless
        // there was no call in between.
        const newer = seen.findLast((one) => atMs - one.atMs >= RETRY_WINDOW_MS + 1e-3);
        if (newer === undefined) continue;
        assert.ok(newer.atMs - seen[base].atMs <= 200 + 1e-3, "as new as snapshots allow");
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

interface Storm {
  readonly connectionsPerSecond: number;
  readonly failing: number;
  readonly retriesMax: number;
  readonly share: number;
}

/** Clients that come evenly, connects that fail by `failing`, and workers that ask the budget. */
function simulate(storm: Storm, seconds: number) {
  const window = new RetryWindow();
  const log: { atMs: number; connections: number; retries: number }[] = [];
  let connections = 0;
  let retries = 0;
  let due = 0;
  let attempts = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 20) {
    if (ms % POLL_MS === 0) window.observe(connections, retries, ms);
    due += storm.connectionsPerSecond / 50;
    for (; due >= 1; due--) {
      connections++;
      attempts++;
      for (let retry = 0; retry < storm.retriesMax; retry++) {
        // Evenly spread: every n-th attempt succeeds.
        if (Math.floor(attempts * storm.failing) === Math.floor((attempts - 1) * storm.failing)) {
          break;
        }
        const madeRetries = retries - window.baseRetries;
        const madeConnections = connections - window.baseConnections;
        if (!allowsRetry(madeRetries, madeConnections, storm.share)) break;
        retries++;
        attempts++;
      }
    }
    log.push({ atMs: ms, connections, retries });
  }
  return { log, connections, retries, attempts };
}

Deno.test("when every connect fails, load grows by the share, or by three a second", () => {
  const storms = fc.record({
    connectionsPerSecond: fc.constantFrom(0.5, 3, 10, 50, 200, 1000),
    failing: fc.constantFrom(1, 1, 0.5, 0.9),
    retriesMax: fc.integer({ min: 1, max: 10 }),
    share: fc.constantFrom(0, 0.1, 0.2, 0.5, 1),
  });
  fc.assert(
    fc.property(storms, (storm) => {
      const { log, connections, retries, attempts } = simulate(storm, 45);
      assert.equal(attempts, connections + retries);
      // Each stretch of ten seconds, with the connections of the longest window it may lie in.
      let begin = 0;
      let windowBegin = 0;
      for (const now of log) {
        while (now.atMs - log[begin].atMs > RETRY_WINDOW_MS) begin++;
        while (now.atMs - log[windowBegin].atMs > WINDOW_MS_MAX) windowBegin++;
        const made = now.retries - log[begin].retries;
        const came = now.connections - (windowBegin === 0 ? 0 : log[windowBegin].connections);
        const most = Math.max(RETRIES_MIN, Math.ceil(storm.share * came));
        assert.ok(made <= most, `${made} retries of ${came} connections`);
      }
      // In the long run likewise, but for the window that has just begun.
      const always = RETRIES_MIN * (45_000 / RETRY_WINDOW_MS + 1);
      const newest = storm.connectionsPerSecond * WINDOW_MS_MAX / 1000;
      assert.ok(retries <= Math.max(always, storm.share * (connections + newest) + 1));
    }),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("the budget is used: a storm gets its share, and few failures are all retried", () => {
  const storm = { connectionsPerSecond: 1000, failing: 1, retriesMax: 3, share: 0.2 };
  const { connections, retries } = simulate(storm, 60);
  assert.ok(retries / connections > 0.17 && retries / connections <= 0.2);
  const calm = simulate({ ...storm, failing: 0.1 }, 60);
  assert.ok(calm.retries >= calm.connections / 10);
});
