import assert from "node:assert/strict";
import type { Snapshot } from "../supervisor/snapshot.ts";
import { formatBytes, renderSnapshot, renderTable } from "./status.ts";

Deno.test("columns are as wide as needed; the first to the left, numbers to the right", () => {
  const table = renderTable(["", "open"], [["listener web", "3"], ["x", "12345"]]);
  assert.equal(table, "               open\nlistener web      3\nx             12345\n");
  assert.equal(renderTable(["a", "b"], []), "a  b\n");
});

Deno.test("bytes are shown in powers of 1024 with one decimal", () => {
  const shown: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [10 * 1024 ** 3, "10.0 GiB"],
    [2 ** 53, "8.0 PiB"],
    [2 ** 63, "8192.0 PiB"],
  ];
  for (const [bytes, text] of shown) assert.equal(formatBytes(bytes), text);
});

const SNAPSHOT: Snapshot = {
  version: "1.2.3",
  pid: 77,
  uptime_seconds: 12,
  state: "serving",
  workers: [
    {
      index: 0,
      pid: 78,
      state: "serving",
      restarts: 1,
      tunnels: 2,
      buffers_leased: 3,
      counters: {},
    },
    { index: 1, pid: 0, state: "down", restarts: 0, tunnels: 0, buffers_leased: 0, counters: {} },
  ],
  listeners: [
    {
      name: "web",
      bind: ":8080",
      port: 8080,
      protocol: "tcp",
      backend: "app",
      open: 4,
      total: 5,
      refused: 6,
      received_bytes: 2048,
      sent_bytes: 100,
    },
    {
      name: "any",
      bind: "127.0.0.1:0",
      port: 40000,
      protocol: "tcp",
      backend: "app",
      open: 0,
      total: 0,
      refused: 0,
      received_bytes: 0,
      sent_bytes: 0,
    },
  ],
  backends: [{
    name: "app",
    balance: "round_robin",
    servers: [{
      name: "one",
      address: null,
      weight: 3,
      backup: true,
      open: 7,
      total: 8,
      connect_failures: 9,
      retries: 10,
      resets: 11,
      sent_bytes: 100,
      received_bytes: 2048,
    }],
  }],
};

Deno.test("status shows the program, then workers, listeners and servers", () => {
  assert.deepEqual(renderSnapshot(SNAPSHOT).split("\n"), [
    "ringway 1.2.3, pid 77, serving for 12 s",
    "",
    "            state  pid  tunnels  buffers  restarts",
    "worker 0  serving   78        2        3         1",
    "worker 1     down    0        0        0         0",
    "",
    "                                  bind  open  total  refused       in    out",
    "listener web                     :8080     4      5        6  2.0 KiB  100 B",
    "listener any  127.0.0.1:0 (port 40000)     0      0        0      0 B    0 B",
    "",
    "            address    weight  open  total  failed  reset   sent  received",
    "app/one  unresolved  3 backup     7      8       9     11  100 B   2.0 KiB",
    "",
  ]);
});
