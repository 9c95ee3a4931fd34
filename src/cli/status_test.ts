import assert from "node:assert/strict";
import {
  backendSnapshot,
  listenerSnapshot as listener,
  NO_REFUSALS,
  programSnapshot,
  serverSnapshot as server,
  SINCE,
  workerSnapshot,
} from "../admin/test_snapshot.ts";
import type { ListenerSnapshot, ServerSnapshot, Snapshot } from "../supervisor/snapshot.ts";
import { renderSnapshot } from "./status.ts";

const NOW_MS = Date.parse(SINCE) + 180_000;

/** The lines of a status with these listeners and servers. */
function render(
  listeners: readonly ListenerSnapshot[],
  servers: readonly ServerSnapshot[] = [server("one")],
  more: Partial<Snapshot> = {},
): string[] {
  const workers = [
    workerSnapshot(0, { restarts: 1, tunnels: 2, flows: 5, buffers_leased: 3, busy: 0.125 }),
    workerSnapshot(1, { pid: 0, state: "down" }),
  ];
  const backends = [backendSnapshot("app", servers)];
  const snapshot = programSnapshot({ workers, listeners, backends, ...more });
  return renderSnapshot(snapshot, NOW_MS).split("\n");
}

/** The lines of the table whose heading has these words, without the heading. */
function tableUnder(lines: readonly string[], ...words: readonly string[]): string[] {
  const heading = lines.findIndex((line) => words.every((word) => line.split(/ +/).includes(word)));
  assert.ok(heading >= 0, `no heading with ${words}:\n${lines.join("\n")}`);
  return lines.slice(heading + 1, lines.indexOf("", heading));
}

Deno.test("status shows the program, then workers, listeners and servers", () => {
  const web = { open: 4, total: 5, refused: 6, received_bytes: 2048, sent_bytes: 100 };
  const one = { open: 7, total: 8, connect_failures: 9, retries: 10, resets: 11, weight: 3 };
  const bytes = { sent_bytes: 100, received_bytes: 2048 };
  const lines = render(
    [listener("web", web), listener("any", { binds: ["127.0.0.1:40000"], port: 40_000 })],
    [
      server("one", { ...one, ...bytes, configured_weight: 3, address: null, backup: true }),
    ],
  );
  assert.deepEqual(lines, [
    "ringway 1.2.3, pid 77, serving for 12s",
    "",
    "          state    pid  busy  tunnels  buffers  restarts",
    "worker 0  serving   78   13%        2        3         1",
    "worker 1  down       0    0%        0        0         0",
    "",
    "              bind             open  total  refused       in    out",
    "listener web  :8080               4      5        6  2.0 KiB  100 B",
    "listener any  127.0.0.1:40000     0      0        0      0 B    0 B",
    "",
    "         address     state    weight  open  total  failed  reset   sent  received",
    "app/one  unresolved  up 3m  3 backup     7      8       9     11  100 B   2.0 KiB",
    "",
  ]);
});

Deno.test("trouble is told where it is: the program, workers, backends, servers, events", () => {
  const event = { at: SINCE, backend: "app", server: "one", from: "up", to: "down", reason: "so" };
  const lines = render([listener("web")], [server("one", { state: "down", state_reason: "so" })], {
    state: "draining",
    overload: "new clients are refused by worker 0",
    workers: [workerSnapshot(0, { shedding: true, busy: 1 })],
    backends: [
      backendSnapshot("app", [server("one", { state: "down", state_reason: "so" })], {
        panic: true,
      }),
    ],
    events: [event],
  });
  assert.deepEqual(lines, [
    "ringway 1.2.3, pid 77, draining for 12s",
    "overloaded: new clients are refused by worker 0",
    "",
    "          state       pid  busy  tunnels  buffers  restarts",
    "worker 0  overloaded   78  100%        0        0         0",
    "",
    "              bind   open  total  refused   in  out",
    "listener web  :8080     0      0        0  0 B  0 B",
    "",
    "             condition",
    "backend app  panic",
    "             too few of its servers are available: all are used, whatever their state",
    "",
    "         address      state    weight  open  total  failed  reset  sent  received",
    "app/one  10.0.0.1:80  down 3m       1     0      0       0      0   0 B       0 B",
    "         so",
    "",
    "last events  server   change      why",
    "3m ago       app/one  up -> down  so",
    "",
  ]);
});

Deno.test("UDP listeners have a table of their own, and workers then show flows", () => {
  const datagrams = { received: 1200, sent: 1180, dropped: 20, flows_evicted: 7 };
  const dns = { binds: [":53"], port: 53, protocol: "udp", datagrams };
  const counts = { open: 3, total: 900, refused: 2, received_bytes: 2048, sent_bytes: 4096 };
  const lines = render([listener("dns", { ...dns, ...counts }), listener("web")]);
  assert.deepEqual(lines.slice(2, -3), [
    "          state    pid  busy  tunnels  flows  buffers  restarts",
    "worker 0  serving   78   13%        2      5        3         1",
    "worker 1  down       0    0%        0      0        0         0",
    "",
    "              bind   open  total  refused   in  out",
    "listener web  :8080     0      0        0  0 B  0 B",
    "",
    "              bind  flows  total  refused  evicted  received  sent  dropped       in      out",
    "listener dns  :53       3    900        2        7      1200  1180       20  2.0 KiB  4.0 KiB",
    "",
  ]);
  // With UDP alone there is no empty table of connections.
  const alone = render([listener("dns", { ...dns, ...counts })]);
  assert.equal(alone.filter((line) => line.includes("bind")).length, 1);
});

Deno.test("who was kept out is shown by reason, only where and why it has happened", () => {
  const lines = render([
    listener("web", { refusals: { ...NO_REFUSALS, denied: 12, client_rate: 3 } }),
    listener("quiet"),
    listener("api", { refusals: { ...NO_REFUSALS, proxy_header: 4 } }),
  ]);
  const heading = lines.findIndex((line) => line.startsWith("kept out by"));
  assert.deepEqual(lines.slice(heading, heading + 4), [
    "kept out by   denied  client rate  proxy header",
    "listener web      12            3             0",
    "listener api       0            0             4",
    "",
  ]);
});

Deno.test("each reason to keep a client out is shown", () => {
  for (const reason of Object.keys(NO_REFUSALS)) {
    const lines = render([listener("web", { refusals: { ...NO_REFUSALS, [reason]: 1 } })]);
    const heading = `kept out by   ${reason.replaceAll("_", " ")}`;
    assert.ok(lines.includes(heading), `${heading}:\n${lines.join("\n")}`);
  }
});

Deno.test("the addresses of a listener stand below one another, and many are counted", () => {
  const some = ["[::1]:80", "unix:/run/web.sock", ":8000-8010"];
  const rows = tableUnder(render([listener("web", { binds: some, total: 7 })]), "bind");
  assert.deepEqual(rows, [
    "listener web  [::1]:80               0      7        0  0 B  0 B",
    "              unix:/run/web.sock",
    "              :8000-8010",
  ]);
  const many = Array.from({ length: 50 }, (_, i) => `10.0.0.${i}:80`);
  const cut = tableUnder(render([listener("web", { binds: many })]), "bind");
  assert.deepEqual(cut.map((row) => row.slice(14, 26).trim()), [
    "10.0.0.0:80",
    "10.0.0.1:80",
    "10.0.0.2:80",
    "10.0.0.3:80",
    "and 46 more",
  ]);
});

Deno.test("a path is one address, whatever stands in it", () => {
  const binds = ["unix:/run/a, b:0", ":80"];
  const rows = tableUnder(render([listener("web", { binds })]), "bind");
  assert.deepEqual(rows.map((row) => row.slice(14, 30).trim()), binds);
});

Deno.test("a long path is shortened in the middle, and what a terminal obeys is taken out", () => {
  const path = `/run/${"very-long-folder/".repeat(6)}web.sock`;
  const [row] = tableUnder(render([listener("web", { binds: [`unix:${path}`] })]), "bind");
  assert.match(row, /^listener web {2}unix:\/run\/very-l\.\.\.\S+\/web\.sock +0 +0 +0 +0 B +0 B$/);
  assert.ok(row.length < 100, `${row.length}`);
  const servers = [server("one", { address: `unix:${path}` })];
  const [line] = tableUnder(render([listener("web")], servers), "address");
  assert.ok(line.length < 120 && line.includes("/web.sock "), line);
  // The longest address is shown whole.
  const longest = "[2001:db8:1111:2222:3333:4444:5555:6666]:60000-60999";
  assert.ok(render([listener("web", { binds: [longest] })]).some((each) => each.includes(longest)));
  const colored = render([listener("web", { binds: ["unix:/run/\x1b[31m.sock"] })]);
  assert.ok(!colored.join("").includes("\x1b"));
});
