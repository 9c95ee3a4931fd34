import { match, strictEqual } from "node:assert/strict";
import { runRingway } from "../command_run.ts";

const FILE = "ringway.yaml";

async function check(text: string): Promise<{ code: number; said: string }> {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-check-" });
  try {
    Deno.writeTextFileSync(`${folder}/${FILE}`, text);
    const { code, out, err } = await runRingway(["check", FILE], { folder });
    return { code, said: out + err };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Mistakes, each a backend of its own, with the words that must be said of it. */
const MISTAKES: readonly { lines: readonly string[]; wrong: string; says: readonly RegExp[] }[] = [
  {
    lines: ["health_check: { interval: 5s }"],
    wrong: "health_check: { interval: 5s }",
    says: [/tcp/, /path/, /grpc/, /dns/, /udp/],
  },
  {
    lines: ["health_check: { tcp: true, path: /two }"],
    wrong: "/two",
    says: [/tcp/, /path/],
  },
  { lines: ["health_check: yes-please"], wrong: "yes-please", says: [/tcp/] },
  {
    lines: ["health_check: { tcp: true, interval: 1s, timeout: 3s }"],
    wrong: "3s }",
    says: [/timeout/, /interval/],
  },
  { lines: ["slowstart: 30s"], wrong: "slowstart", says: [/slow_start/] },
  { lines: ["max_fails: 3"], wrong: "max_fails", says: [/outlier_detection/] },
  { lines: ["load_factor: 1.5"], wrong: "load_factor", says: [/consistent_hash/] },
  { lines: ["agent_check: 70000"], wrong: "70000", says: [/65535/] },
  { lines: ["rebalance: { budget: 5% }"], wrong: "5% }", says: [/\/m|per|%\/s/] },
  { lines: ["panic_threshold: 101%"], wrong: "101%", says: [/100/] },
];

Deno.test("check shows every mistake with its place, and what would do", async () => {
  const backends = MISTAKES.map(({ lines }, i) => {
    return `  b${i}:\n    servers: ["10.0.0.1:80"]\n    ${lines.join("\n    ")}\n`;
  });
  const listeners = MISTAKES.map((_, i) => `  l${i}: { bind: ":${8000 + i}", backend: b${i} }\n`);
  const text = `listeners:\n${listeners.join("")}backends:\n${backends.join("")}`;
  const { code, said } = await check(text);
  strictEqual(code, 78, said);
  const errors = said.split(new RegExp(`(?=^${FILE.replace(".", "\\.")}:)`, "m"));
  for (const { wrong, says } of MISTAKES) {
    const line = text.slice(0, text.indexOf(wrong)).split("\n").length;
    const error = errors.find((each) => each.startsWith(`${FILE}:${line}:`));
    strictEqual(error === undefined, false, `${wrong} in line ${line}\n${said}`);
    for (const word of says) match(error!, word);
  }
});

Deno.test("check: priorities without gaps, subsets that somebody belongs to", async () => {
  const { code, said } = await check(`listeners:
  web: { bind: ":8080", backend: app, subset: { version: v3 } }
backends:
  app:
    servers:
      - { address: "10.0.0.1:80", labels: { version: v1 } }
      - { address: "10.0.0.2:80", priority: 2 }
`);
  strictEqual(code, 78, said);
  match(said, /ringway\.yaml:2:\d+.*\n?.*subset/);
  match(said, /ringway\.yaml:7:\d+.*\n?.*priorit/);
});

Deno.test("check: everything at once is a good configuration", async () => {
  const { code, said } = await check(`
zone: a
overload: { busy: 95%, memory: 90%, files: 98%, buffers: off }
listeners:
  web: { bind: ":8080", backend: app, subset: { version: v1 } }
backends:
  app:
    servers:
      - { address: "10.0.0.1:80", connections: 100, zone: a, labels: { version: v1 } }
      - { address: "10.0.0.2:80", priority: 1, weight: 10 }
    balance: consistent_hash
    hash_on: [source_ip, source_port]
    load_factor: 1.25
    retries: 3
    retry_budget: 10%
    limits: { connections: 1000, pending: 50, queue_timeout: 2s }
    circuit_breaker: { errors: 60%, window: 20s, connections: 50, open: 5s, trials: 5 }
    health_check: { path: /healthz, method: HEAD, host: a.test, expect: [200, 204] }
    agent_check: 8081
    outlier_detection: { errors: 7, window: 5s, eject: 20s, max_eject: 1m, max_ejected: 30% }
    slow_start: 30s
    panic_threshold: 30%
    on_down: close
    rebalance: { budget: 2%/m }
`);
  strictEqual(code, 0, said);
});
