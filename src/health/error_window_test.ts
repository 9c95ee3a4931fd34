import assert from "node:assert/strict";
import fc from "fast-check";
import { ErrorWindow } from "./error_window.ts";

Deno.test("errors count for one window, and are forgotten at most a twentieth later", () => {
  const window = new ErrorWindow(1, 10_000);
  window.advance(50_000);
  window.see(0, 0);
  window.see(0, 3);
  window.advance(60_000);
  assert.equal(window.sum(0), 3);
  window.advance(60_500);
  assert.equal(window.sum(0), 0);
});

Deno.test("what a counter is when first seen happened before the window", () => {
  const window = new ErrorWindow(1, 10_000);
  window.see(0, 1_000_000);
  assert.equal(window.sum(0), 0);
  window.see(0, 1_000_002);
  assert.equal(window.sum(0), 2);
});

Deno.test("a counter that falls goes on from where it is", () => {
  const window = new ErrorWindow(1, 10_000);
  for (const total of [0, 5, 2, 3]) window.see(0, total);
  assert.equal(window.sum(0), 6);
});

Deno.test("a clock that jumps far empties the window, and it works on", () => {
  const window = new ErrorWindow(2, 10_000);
  for (const total of [0, 4]) window.see(1, total);
  window.advance(1e13);
  assert.equal(window.sum(1), 0);
  window.see(1, 6);
  assert.equal(window.sum(1), 2);
});

Deno.test("errors of one server are cleared without those of others", () => {
  const window = new ErrorWindow(2, 1000);
  for (const total of [0, 4]) for (const server of [0, 1]) window.see(server, total);
  window.clear(0);
  assert.deepEqual([window.sum(0), window.sum(1)], [0, 4]);
  window.advance(5000);
  assert.deepEqual([window.sum(0), window.sum(1)], [0, 0]);
});

Deno.test("for any steps the sum lies between a window and a twentieth more", () => {
  const step = fc.record({
    afterMs: fc.oneof(fc.nat(300), fc.nat(5000)),
    server: fc.nat(2),
    errors: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), fc.nat(1e6), (steps, startMs) => {
      const window = new ErrorWindow(3, 2000);
      const totals = [0, 0, 0];
      for (let server = 0; server < 3; server++) window.see(server, 0);
      const seen: { server: number; atMs: number; errors: number }[] = [];
      let nowMs = startMs;
      for (const { afterMs, server, errors } of steps) {
        nowMs += afterMs;
        window.advance(nowMs);
        window.see(server, totals[server] += errors);
        seen.push({ server, atMs: nowMs, errors });
        for (let each = 0; each < 3; each++) {
          const sumSince = (sinceMs: number) =>
            seen.filter(({ server, atMs }) => server === each && atMs > sinceMs)
              .reduce((sum, { errors }) => sum + errors, 0);
          assert.ok(window.sum(each) >= sumSince(nowMs - 2000));
          assert.ok(window.sum(each) <= sumSince(nowMs - 2101));
        }
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
