import assert from "node:assert/strict";
import fc from "fast-check";
import { failed, passed } from "./probe_outcome.ts";
import {
  type CheckOutcome,
  type CheckResult,
  type CheckSubscriber,
  FAILED_AT_ONCE_MAX,
  FAILED_AT_ONCE_MIN,
  Prober,
  PROBES_AT_ONCE_MAX,
} from "./prober.ts";
import { TestClock } from "./test_clock.ts";

const SCHEDULE = { intervalMs: 5000, fastIntervalMs: 1000, timeoutMs: 2000 };
const passes = () => Promise.resolve(passed("fine"));

/** A subscriber that keeps what it gets, and moves while it is told to. */
class Listener implements CheckSubscriber {
  readonly results: CheckResult[] = [];
  moving = false;

  onResult(result: CheckResult): void {
    this.results.push(result);
  }

  isMoving(): boolean {
    return this.moving;
  }
}

/** A check that takes `tookMs` each time, with a record of its starts. */
function slowCheck(clock: TestClock, tookMs: () => number) {
  const startsMs: number[] = [];
  const run = () => {
    startsMs.push(clock.nowMs());
    const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
    clock.after(tookMs(), () => resolve(passed("fine")));
    return promise;
  };
  return { startsMs, run };
}

Deno.test("a check runs once a key, and everybody who asked for it hears of it", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const [one, other, third] = [new Listener(), new Listener(), new Listener()];
  const check = slowCheck(clock, () => 30);
  prober.add("a", SCHEDULE, check.run, one);
  prober.add("a", SCHEDULE, () => assert.fail("it is not the first"), other);
  prober.add("b", SCHEDULE, passes, third);
  await clock.advance(1000);
  assert.deepEqual(check.startsMs, [500]);
  const result = { outcome: passed("fine"), durationMs: 30, atMs: 1_000_530 };
  assert.deepEqual(one.results, [result]);
  assert.deepEqual(other.results, [result]);
  assert.equal(third.results.length, 1);
  await prober.stop();
});

Deno.test("first starts are spread over a second, or over a shorter interval", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const [usual, short] = [slowCheck(clock, () => 0), slowCheck(clock, () => 0)];
  clock.chance = 0.25;
  prober.add("usual", SCHEDULE, usual.run, new Listener());
  prober.add("short", { ...SCHEDULE, intervalMs: 100 }, short.run, new Listener());
  await clock.advance(300);
  assert.equal(usual.startsMs[0], 250);
  assert.equal(short.startsMs[0], 25);
  await prober.stop();
});

Deno.test("the interval goes from start to start, a tenth more or less", async () => {
  for (const [chance, intervalMs] of [[0, 4500], [0.5, 5000], [0.75, 5250]]) {
    const clock = new TestClock();
    const prober = new Prober(clock);
    const check = slowCheck(clock, () => 700);
    clock.chance = chance;
    prober.add("a", SCHEDULE, check.run, new Listener());
    await clock.advance(12_000);
    const [first, second, third] = check.startsMs;
    assert.equal(second - first, intervalMs);
    assert.equal(third - second, intervalMs);
    await prober.stop();
  }
});

Deno.test("a run that outlasts the interval is followed at once, never joined", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const check = slowCheck(clock, () => 1500);
  const schedule = { intervalMs: 1000, fastIntervalMs: 1000, timeoutMs: 2000 };
  prober.add("a", schedule, check.run, new Listener());
  await clock.advance(4000);
  assert.deepEqual(check.startsMs, [500, 2000, 3500]);
  await clock.advance(900);
  const stopped = prober.stop();
  await clock.advance(100);
  await stopped;
});

Deno.test("while one of its subscribers moves a check runs at the fast interval", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const check = slowCheck(clock, () => 0);
  const [calm, moving] = [new Listener(), new Listener()];
  prober.add("a", SCHEDULE, check.run, calm);
  prober.add("a", SCHEDULE, check.run, moving);
  moving.moving = true;
  await clock.advance(2000);
  moving.moving = false;
  await clock.advance(6000);
  assert.deepEqual(check.startsMs, [500, 1500, 2500, 7500]);
  await prober.stop();
});

Deno.test("so many run at a time, the others in the order in which they were due", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const waiting: (() => void)[] = [];
  const started: number[] = [];
  for (let i = 0; i < PROBES_AT_ONCE_MAX + 3; i++) {
    prober.add(`${i}`, { ...SCHEDULE, timeoutMs: 100_000 }, () => {
      started.push(i);
      const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
      waiting.push(() => resolve(passed("fine")));
      return promise;
    }, new Listener());
  }
  await clock.advance(1000);
  assert.equal(started.length, PROBES_AT_ONCE_MAX);
  waiting[10]();
  await clock.advance(0);
  waiting[0]();
  await clock.advance(0);
  assert.deepEqual(started.slice(PROBES_AT_ONCE_MAX), [PROBES_AT_ONCE_MAX, PROBES_AT_ONCE_MAX + 1]);
  for (const end of waiting) end();
  await prober.stop();
});

Deno.test("a run that does not keep to its time is given up, stopped, and unheard", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const listener = new Listener();
  const late = Promise.withResolvers<CheckOutcome>();
  const signals: AbortSignal[] = [];
  prober.add("a", SCHEDULE, (signal) => {
    signals.push(signal);
    return late.promise;
  }, listener);
  await clock.advance(500 + 2999);
  assert.equal(listener.results.length, 0);
  await clock.advance(1);
  assert.deepEqual(listener.results.map(({ outcome }) => outcome), [
    failed("gave no result within 3000 ms"),
  ]);
  assert.equal(signals[0].aborted, true);
  late.resolve(passed("late"));
  await clock.advance(1000);
  assert.equal(listener.results.length, 1);
  await prober.stop();
});

Deno.test("a pause of the process makes no run overdue, what it found is heard", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const listener = new Listener();
  const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
  prober.add("a", SCHEDULE, () => promise, listener);
  await clock.advance(500);
  clock.standStill(60_000);
  await clock.advance(999);
  assert.equal(listener.results.length, 0);
  resolve(passed("fine"));
  await clock.advance(0);
  assert.deepEqual(listener.results[0].outcome, passed("fine"));
  await prober.stop();
  assert.equal(clock.timers, 0);
});

Deno.test("a run that is overdue after a pause, too, is given up a second later", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const listener = new Listener();
  prober.add("a", SCHEDULE, () => new Promise(() => {}), listener);
  await clock.advance(500);
  clock.standStill(60_000);
  await clock.advance(1000);
  const texts = listener.results.map(({ outcome }) => outcome.text);
  assert.deepEqual(texts, ["gave no result within 3000 ms"]);
  const stopped = prober.stop();
  await clock.advance(1000);
  await stopped;
});

/** Checks that never get an answer, `interval` apart. */
function addSilent(prober: Prober, clock: TestClock, count: number, intervalMs: number): void {
  const schedule = { intervalMs, fastIntervalMs: 1000, timeoutMs: 2000 };
  for (let i = 0; i < count; i++) {
    clock.chance = i / count;
    prober.add(`silent ${i}`, schedule, () => {
      const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
      clock.after(schedule.timeoutMs, () => resolve(failed("no answer")));
      return promise;
    }, new Listener());
  }
  clock.chance = 0.5;
}

Deno.test("a thousand silent servers delay no check of a good one by its interval", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  addSilent(prober, clock, 1000, 2000);
  const good = slowCheck(clock, () => 5);
  prober.add("good", { ...SCHEDULE, intervalMs: 2000 }, good.run, new Listener());
  const quick = slowCheck(clock, () => 5);
  const schedule = { intervalMs: 200, fastIntervalMs: 200, timeoutMs: 200 };
  prober.add("quick", schedule, quick.run, new Listener());
  await clock.advance(20_000);
  const gaps = ({ startsMs }: typeof good) => startsMs.slice(1).map((ms, i) => ms - startsMs[i]);
  assert.ok(Math.max(...gaps(good)) <= 2 * 2000, `${gaps(good)}`);
  // Once it is known which are silent, they delay the others by nothing.
  assert.deepEqual(new Set(gaps(good).slice(2)), new Set([2000]));
  assert.deepEqual(new Set(gaps(quick).slice(-50)), new Set([200]));
  const stopped = prober.stop();
  await clock.advance(2000);
  await stopped;
});

Deno.test("a check that was never run waits behind no silent one that has failed", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  addSilent(prober, clock, 1000, 2000);
  await clock.advance(8000);
  const good = slowCheck(clock, () => 5);
  prober.add("good", { ...SCHEDULE, intervalMs: 200 }, good.run, new Listener());
  await clock.advance(100);
  assert.equal(good.startsMs.length, 1);
  const stopped = prober.stop();
  await clock.advance(2000);
  await stopped;
});

Deno.test("those that failed have some room, also when the others would take all", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const running = { failed: 0, passed: 0 };
  const most = { failed: 0, passed: 0 };
  const schedule = { intervalMs: 1000, fastIntervalMs: 1000, timeoutMs: 5000 };
  const add = (kind: "failed" | "passed", outcome: CheckOutcome, count: number) => {
    for (let i = 0; i < count; i++) {
      prober.add(`${kind} ${i}`, schedule, () => {
        running[kind]++;
        // What they did before anything was known of them is another matter.
        if (clock.nowMs() > 8000) most[kind] = Math.max(most[kind], running[kind]);
        const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
        clock.after(1000, () => {
          running[kind]--;
          resolve(outcome);
        });
        return promise;
      }, new Listener());
    }
  };
  add("failed", failed("oops"), PROBES_AT_ONCE_MAX);
  add("passed", passed("fine"), 2 * PROBES_AT_ONCE_MAX);
  await clock.advance(15_000);
  assert.ok(most.failed >= FAILED_AT_ONCE_MIN, `${most.failed}`);
  assert.ok(most.failed <= FAILED_AT_ONCE_MAX, `${most.failed}`);
  assert.ok(most.passed >= PROBES_AT_ONCE_MAX - FAILED_AT_ONCE_MAX, `${most.passed}`);
  const stopped = prober.stop();
  await clock.advance(5000);
  await stopped;
});

Deno.test("a run that throws has failed", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const listener = new Listener();
  prober.add("a", SCHEDULE, () => Promise.reject(new Error("oops")), listener);
  prober.add("a2", SCHEDULE, () => {
    throw new Error("at once");
  }, listener);
  await clock.advance(1000);
  assert.deepEqual(listener.results.map(({ outcome }) => outcome.text), ["oops", "at once"]);
  await prober.stop();
});

Deno.test("stopping ends what runs and what waits, and nothing is told any more", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  const listener = new Listener();
  const aborted = Promise.withResolvers<void>();
  prober.add("runs", SCHEDULE, (signal) => {
    signal.addEventListener("abort", () => aborted.resolve());
    return aborted.promise.then(() => failed("stopped"));
  }, listener);
  clock.chance = 0.9;
  prober.add("waits", SCHEDULE, passes, listener);
  await clock.advance(600);
  await prober.stop();
  await aborted.promise;
  assert.equal(clock.timers, 0);
  await clock.advance(10_000);
  assert.deepEqual(listener.results, []);
});

Deno.test("a run that does not heed being stopped is waited for a second and no more", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  prober.add("a", SCHEDULE, () => new Promise(() => {}), new Listener());
  await clock.advance(600);
  let isStopped = false;
  const stopped = prober.stop().then(() => isStopped = true);
  await clock.advance(999);
  assert.equal(isStopped, false);
  await clock.advance(1);
  await stopped;
  assert.equal(clock.timers, 0);
});

Deno.test("a subscriber may stop the prober", async () => {
  const clock = new TestClock();
  const prober = new Prober(clock);
  let stopped: Promise<void> | null = null;
  prober.add("a", SCHEDULE, passes, {
    onResult: () => stopped = prober.stop(),
    isMoving: () => false,
  });
  await clock.advance(1000);
  await stopped;
  assert.equal(clock.timers, 0);
});

Deno.test("whatever runs take, none is run twice at a time and never too many are", async () => {
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 20 }),
    fc.integer({ min: 480, max: 560 }),
    async (durationsMs, checks) => {
      const clock = new TestClock();
      const prober = new Prober(clock);
      const running = new Set<number>();
      let runs = 0;
      for (let i = 0; i < checks; i++) {
        clock.chance = i / checks;
        prober.add(`${i}`, { intervalMs: 500, fastIntervalMs: 500, timeoutMs: 2000 }, () => {
          assert.ok(!running.has(i));
          running.add(i);
          assert.ok(running.size <= PROBES_AT_ONCE_MAX);
          const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
          clock.after(durationsMs[runs++ % durationsMs.length], () => {
            running.delete(i);
            resolve(passed("fine"));
          });
          return promise;
        }, new Listener());
      }
      await clock.advance(3000);
      assert.ok(runs >= checks / 2);
      const stopped = prober.stop();
      await clock.advance(3000);
      await stopped;
      assert.equal(clock.timers, 0);
    },
  );
  await fc.assert(property, { numRuns: 4 });
});
