import assert from "node:assert/strict";
import { backendSnapshot, serverSnapshot, SINCE } from "../admin/test_snapshot.ts";
import type { EventSnapshot, ServerSnapshot } from "../supervisor/snapshot.ts";
import { renderBackends, renderEvents, renderLastEvents, renderServers } from "./server_tables.ts";
import { paintColors, paintNothing } from "./table.ts";

/** Twelve seconds after everything in the snapshots began. */
const NOW_MS = Date.parse(SINCE) + 12_000;

/** The table of these servers, without its heading. */
function rowsOf(...servers: readonly ServerSnapshot[]): string[] {
  const [table] = renderServers([backendSnapshot("app", servers)], NOW_MS, paintNothing);
  return table.trimEnd().split("\n").slice(1);
}

const FAILED_CHECK = { ok: false, text: "status 503", at: SINCE, duration_ms: 3 };

Deno.test("servers of all backends stand in one table, with the age of their state", () => {
  const one = { total: 8, connect_failures: 9, resets: 11, sent_bytes: 100, received_bytes: 2048 };
  const tables = renderServers(
    [
      backendSnapshot("app", [serverSnapshot("one", { open: 7, ...one })]),
      backendSnapshot("longer", [serverSnapshot("two", { address: null, backup: true })]),
    ],
    NOW_MS,
    paintNothing,
  );
  assert.deepEqual(tables, [
    "            address      state     weight  open  total  failed  reset   sent  received\n" +
    "app/one     10.0.0.1:80  up 12s         1     7      8       9     11  100 B   2.0 KiB\n" +
    "longer/two  unresolved   up 12s  1 backup     0      0       0      0    0 B       0 B\n",
  ]);
});

Deno.test("below a server that is not up stands why", () => {
  for (const state of ["down", "ejected", "drain", "maint"] as const) {
    const [row, reason, ...rest] = rowsOf(serverSnapshot("one", { state, state_reason: "so" }));
    assert.match(row, new RegExp(`^app/one  10\\.0\\.0\\.1:80  ${state} 12s  `));
    assert.deepEqual([reason, rest], ["         so", []]);
  }
  assert.equal(rowsOf(serverSnapshot("one", { state: "down" })).length, 1);
});

Deno.test("nothing stands below a server that is up, but for a check that failed", () => {
  const good = { ok: true, text: "status 200", at: SINCE, duration_ms: 1 };
  const reason = { state_reason: "2 of 2 probes succeeded: status 200" };
  assert.equal(rowsOf(serverSnapshot("one", { ...reason, check: good, agent: good })).length, 1);
  assert.equal(
    rowsOf(serverSnapshot("one", { check: FAILED_CHECK }))[1].trim(),
    [
      "last check: status 503",
    ].join(""),
  );
  // The state of one that is down comes from its check: that is told once.
  const down = serverSnapshot("one", {
    state: "down",
    state_reason: "3 of 3 probes failed: status 503",
    check: FAILED_CHECK,
  });
  assert.deepEqual(rowsOf(down).slice(1).map((row) => row.trim()), [
    "3 of 3 probes failed: status 503",
  ]);
});

Deno.test("below a server that is down stands its last check, if that says something else", () => {
  const reasons = { state: "down", state_reason: "3 of 3 probes failed: status 503" } as const;
  const check = { ...FAILED_CHECK, text: "connection refused (ECONNREFUSED)" };
  const rows = (more: Partial<ServerSnapshot>) =>
    rowsOf(serverSnapshot("one", { ...reasons, ...more })).slice(1).map((row) => row.trim());
  assert.deepEqual(rows({ check }), [
    "3 of 3 probes failed: status 503",
    "last check: connection refused (ECONNREFUSED)",
  ]);
  assert.equal(
    rows({ check: { ...check, ok: true, text: "status 200" } })[1],
    [
      "last check: status 200",
    ].join(""),
  );
  const agent = { state_reason: "agent says down" };
  assert.deepEqual(rows({ ...agent, check }), [
    "agent says down",
    "last check: connection refused (ECONNREFUSED)",
  ]);
  assert.equal(rows({}).length, 1);
});

Deno.test("an agent that makes no sense is told in any state", () => {
  const agent = { ok: false, text: "unknown word", at: SINCE, duration_ms: 3 };
  assert.equal(rowsOf(serverSnapshot("one", { agent }))[1].trim(), "agent: unknown word");
  const drained = serverSnapshot("one", { state: "drain", state_reason: "by operator", agent });
  assert.deepEqual(rowsOf(drained).slice(1).map((row) => row.trim()), [
    "by operator",
    "agent: unknown word",
  ]);
});

Deno.test("a weight is what is in force, and what is left of it", () => {
  const weights: [Partial<ServerSnapshot>, RegExp][] = [
    [{ weight: 10, configured_weight: 10 }, / up 12s +10 +0 /],
    [{ share: 0.354 }, / 1 at 35% +0 /],
    [{ share: 0.1, backup: true }, / 1 at 10% backup +0 /],
    [{ share: 0 }, / 1 at 0% +0 /],
  ];
  for (const [more, expected] of weights) {
    const rows = rowsOf(serverSnapshot("one", more));
    assert.match(rows[0], expected);
    assert.equal(rows.length, 1);
  }
  const [row, remark] = rowsOf(serverSnapshot("one", { weight: 5, overridden: true }));
  assert.match(row, / 5 +0 /);
  assert.equal(remark.trim(), "weight set by operator, in the configuration it is 1");
});

Deno.test("priorities and zones have a column where there are any", () => {
  const [table] = renderServers(
    [backendSnapshot("app", [
      serverSnapshot("one", { zone: "east" }),
      serverSnapshot("two", { priority: 1 }),
    ])],
    NOW_MS,
    paintNothing,
  );
  assert.deepEqual(table.split("\n").map((line) => line.slice(0, 56).trimEnd()), [
    "         address      state   weight  priority  zone  op",
    "app/one  10.0.0.1:80  up 12s       1         0  east",
    "app/two  10.0.0.1:80  up 12s       1         1",
    "",
  ]);
});

Deno.test("what servers and agents say cannot move a cursor, nor make a line endless", () => {
  const reason = `agent says \x1b[2J${"drain ".repeat(100)}`;
  const rows = rowsOf(serverSnapshot("one", { state: "drain", state_reason: reason }));
  assert.ok(!rows.join("").includes("\x1b"));
  assert.ok(rows.every((row) => row.length <= 120));
});

Deno.test("a row with large numbers fits in a hundred columns", () => {
  const busy = { open: 123, total: 1_234_567, sent_bytes: 2e12, received_bytes: 2e12 };
  const address = "192.168.100.100:8080";
  const [row] = rowsOf(serverSnapshot("server-12", { address, ...busy }));
  assert.ok(row.length <= 100, `${row.length}: ${row}`);
});

Deno.test("a backend without trouble is not told of", () => {
  assert.deepEqual(renderBackends([backendSnapshot("app", [])], paintNothing), []);
  const closed = backendSnapshot("app", [], { breaker: "closed" });
  assert.deepEqual(renderBackends([closed], paintNothing), []);
});

Deno.test("of a backend in trouble it is told what it does, and only what has happened", () => {
  const [table] = renderBackends(
    [
      backendSnapshot("app", [], { panic: true, pending: 12, queue_timeouts: 30 }),
      backendSnapshot("quiet", []),
      backendSnapshot("api", [], { breaker: "open", breaker_refused: 5 }),
    ],
    paintNothing,
  );
  assert.deepEqual(table.split("\n"), [
    "             condition     waiting  waited too long  breaker open",
    "backend app  panic              12               30             0",
    "             too few of its servers are available: all are used, whatever their state",
    "backend api  breaker open        0                0             5",
    "             too many connects fail: new connections are refused for a while",
    "",
  ]);
});

Deno.test("each number of a backend, and each condition, is shown", () => {
  const heads = (more: Parameters<typeof backendSnapshot>[2]) => {
    const [table] = renderBackends([backendSnapshot("app", [], more)], paintNothing);
    return table.split("\n").slice(0, 2).map((line) => line.slice(13));
  };
  assert.deepEqual(heads({ pending: 1 }), ["waiting", "      1"]);
  assert.deepEqual(heads({ queue_timeouts: 2 }), ["waited too long", "              2"]);
  assert.deepEqual(heads({ pending_refused: 3 }), ["queue full", "         3"]);
  assert.deepEqual(heads({ breaker_refused: 4 }), ["breaker open", "           4"]);
  assert.deepEqual(heads({ retries_refused: 5 }), ["not retried", "          5"]);
  assert.deepEqual(heads({ breaker: "half_open" }), ["condition", "breaker half open"]);
  assert.deepEqual(heads({ breaker: "open", panic: true }), ["condition", "panic, breaker open"]);
  assert.deepEqual(heads({ available: false }), ["condition", "nobody available"]);
  assert.deepEqual(heads({ available: true, pending: 1 }), ["waiting", "      1"]);
});

Deno.test("a backend of which nobody can get a connection says so, and why", () => {
  const backends = [backendSnapshot("app", [], { available: false })];
  const [table] = renderBackends(backends, paintNothing);
  assert.equal(
    table.split("\n")[2].trim(),
    "no server can get a connection: all are taken out, at weight 0, or down with " +
      "panic_threshold 0%",
  );
});

/** One a second, the last of them two seconds ago. */
function events(count: number): EventSnapshot[] {
  return Array.from({ length: count }, (_, i) => ({
    at: new Date(NOW_MS - 1000 * (count + 1 - i)).toISOString(),
    backend: "app",
    server: `s${i}`,
    from: "up",
    to: "down",
    reason: "so",
  }));
}

Deno.test("of events the newest are shown, the newest last, and how many more there are", () => {
  assert.deepEqual(renderLastEvents([], NOW_MS, paintNothing), []);
  const [few] = renderLastEvents(events(2), NOW_MS, paintNothing);
  assert.deepEqual(few.split("\n"), [
    "last events  server  change      why",
    "3s ago       app/s0  up -> down  so",
    "2s ago       app/s1  up -> down  so",
    "",
  ]);
  const [many] = renderLastEvents(events(37), NOW_MS, paintNothing);
  const lines = many.split("\n");
  assert.equal(lines.length, 8);
  assert.match(lines[1], /^6s ago +app\/s32 /);
  assert.match(lines[5], /^2s ago +app\/s36 /);
  assert.equal(lines[6], "32 earlier: ringway events");
});

Deno.test("an event of a backend as a whole has its name alone", () => {
  const event = { at: SINCE, backend: "app", server: "", from: "calm", to: "panic", reason: "so" };
  const [table] = renderLastEvents([event], NOW_MS, paintNothing);
  assert.match(table, /^12s ago +app +calm -> panic +so$/m);
});

Deno.test("all events are shown with their time, and their reasons whole", () => {
  const reason = `3 of 3 probes failed: ${"x".repeat(300)}\n\x1b[31m`;
  const table = renderEvents([{ ...events(1)[0], at: SINCE, reason }], paintNothing);
  const [head, line, end] = table.split("\n");
  assert.match(head, /^time +server +change +why$/);
  assert.match(line, /^2026-0[23]-\d\d \d\d:\d\d:00 {2}app\/s0 {2}up -> down {2}3 of 3 probes /);
  assert.ok(line.includes("x".repeat(300)) && !line.includes("\x1b"));
  assert.equal(end, "");
});

Deno.test("states have the color that they call for", () => {
  const colorOf = (state: ServerSnapshot["state"]) => {
    const backends = [backendSnapshot("app", [serverSnapshot("one", { state })])];
    const [table] = renderServers(backends, NOW_MS, paintColors);
    return new RegExp(`\x1b\\[(\\d+)m${state} 12s`).exec(table)?.[1];
  };
  assert.deepEqual((["up", "down", "ejected", "drain", "maint"] as const).map(colorOf), [
    "32",
    "31",
    "31",
    "33",
    "33",
  ]);
});
