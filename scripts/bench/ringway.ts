/**
 * Ringway as a contender: the program as a user starts it, one worker, measured with everything
 * that belongs to it, the supervisor included.
 */
import { fetchSnapshot } from "../../src/admin/admin_client.ts";
import { TURNS, WORKER_METRICS } from "../../src/metrics/metric_names.ts";
import { type Contender, DEFAULTS, type Proxy, type Tuning } from "./contender.ts";
import { type CaseName, isUdp } from "./goal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

function adminPath(folder: string, port: number): string {
  return `${folder}/ringway_${port}.sock`;
}

/** What differs between listeners: when a flow ends, and how long it or a connection may rest. */
function listenerKeys(test: CaseName): string {
  if (!isUdp(test)) return "timeouts: { idle: 1h }";
  const responses = test === "udp-dns" ? "responses: 1, " : "";
  return `protocol: udp, udp: { ${responses}idle_timeout: 1h }`;
}

/** Keys of a backend with everything that watches over servers and connections. */
const CAREFUL = `    balance: least_latency
    health_check: { path: /small, interval: 1s, timeout: 500ms }
    slow_start: 10s
    on_down: close
    limits: { connections: 100000, pending: 1000 }
    circuit_breaker: true
    rebalance: { budget: 1%/m }
    retries: 3
`;
/** And one with nothing of that. */
const CARELESS = `    outlier_detection: false
    panic_threshold: 0%
    retries: 0
`;

/** The contenders that are this program. */
type OwnName = "ringway" | "bare" | "epoll";

function backendKeys(test: CaseName, name: OwnName): string {
  if (name === "bare") return CARELESS;
  return test === "health" ? CAREFUL : "";
}

/** @param workerFlags for the V8 of the worker. */
export function ringwayTuning(
  folder: string,
  test: CaseName,
  workerFlags: string,
  name: OwnName = "ringway",
): Tuning {
  return {
    label: workerFlags === "" ? DEFAULTS : workerFlags,
    transport: isUdp(test) ? "udp" : "tcp",
    command: (file) => [
      ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check", "--config", `${ROOT}deno.json`],
      ...[`${ROOT}src/main.ts`, "serve", "-c", file],
    ],
    env: { RINGWAY_WORKER_V8_FLAGS: workerFlags },
    // At the end of the bench nobody is connected who would be worth waiting for.
    config: ({ listen, origin }) =>
      `workers: 1
io: ${name === "epoll" ? "epoll" : "uring"}
log: { level: warn, format: text }
drain: 0s
admin: { bind: "unix:${adminPath(folder, listen)}" }
listeners:
  bench: { bind: "127.0.0.1:${listen}", backend: origin, ${listenerKeys(test)} }
backends:
  origin:
    servers: ["127.0.0.1:${origin}"]
${backendKeys(test, name)}`,
  };
}

export function ringwayContender(folder: string): Contender {
  return { name: "ringway", tunings: (test) => [ringwayTuning(folder, test, "")] };
}

/** The same program with nothing on that watches over servers. */
export function bareContender(folder: string): Contender {
  return { name: "bare", tunings: (test) => [ringwayTuning(folder, test, "", "bare")] };
}

/** The same program without io_uring. */
export function epollContender(folder: string): Contender {
  return { name: "epoll", tunings: (test) => [ringwayTuning(folder, test, "", "epoll")] };
}

/** Turns of the worker so far: its system calls. */
export async function readTurns(folder: string, proxy: Proxy): Promise<number> {
  const snapshot = await fetchSnapshot(adminPath(folder, proxy.port));
  return snapshot.workers[0].counters[WORKER_METRICS[TURNS].name];
}
