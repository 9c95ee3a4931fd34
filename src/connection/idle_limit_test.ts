import assert from "node:assert/strict";
import { IdleLimit } from "./idle_limit.ts";
import { TimerWheel } from "./timer_wheel.ts";
import { ENDED, OPEN, Tunnels } from "./tunnels.ts";

/** Two open tunnels that last moved at 1000 ms, with timeouts of 60 s, half closed 5 s. */
function makeScene() {
  const clock = { nowMs: 1000 };
  const tunnels = new Tunnels(4);
  const wheel = new TimerWheel(4, clock);
  const idle = new IdleLimit(clock, tunnels, wheel);
  const slots = [tunnels.open(10), tunnels.open(12)];
  for (const slot of slots) {
    tunnels.state[slot] = OPEN;
    tunnels.activeMs[slot] = clock.nowMs;
    tunnels.idleTimeoutMs[slot] = 60_000;
    tunnels.halfCloseTimeoutMs[slot] = 5000;
    idle.set(slot);
  }
  /** Tunnels that have rested too long, after so many milliseconds more. */
  const over = (ms: number) => {
    clock.nowMs += ms;
    const found: number[] = [];
    for (let slot = wheel.expire(); slot >= 0; slot = wheel.expire()) {
      if (idle.isOver(slot)) found.push(slot);
    }
    return found;
  };
  return { clock, tunnels, idle, slots, over };
}

Deno.test("a tunnel may rest for its idle timeout, counted from the last byte", () => {
  const { clock, tunnels, slots: [first, second], over } = makeScene();
  clock.nowMs += 30_000;
  tunnels.activeMs[first] = clock.nowMs; // a byte moves: the wheel is not told
  assert.deepEqual(over(31_000), [second]);
  assert.deepEqual(over(28_000), []);
  assert.deepEqual(over(2000), [first]);
});

Deno.test("with one half ended it may rest for the shorter of both timeouts", () => {
  const { tunnels, idle, slots: [first], over } = makeScene();
  tunnels.flags[first * 2] |= ENDED;
  idle.set(first);
  assert.deepEqual(over(4900), []);
  assert.deepEqual(over(200), [first]);
});

Deno.test("in times of need it may rest for a part of that, and for all again afterwards", () => {
  const { idle, slots, over } = makeScene();
  idle.divide(10);
  assert.deepEqual(over(5900), []);
  idle.divide(1);
  assert.deepEqual(over(1000), [], "the need was over in time");
  idle.divide(10);
  assert.deepEqual(over(100).sort(), [...slots].sort());
});
