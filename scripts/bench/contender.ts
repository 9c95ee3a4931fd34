/**
 * A proxy under measurement, and how it is started: with a configuration of its own in a temporary
 * folder, on the proxy's core, and usable once an answer has come through it. A port that can be
 * connected to is not enough: both nginx and Ringway listen before they start the worker whose time
 * is to be measured.
 *
 * A peer may come in several tunings per case; the warm-up tries them and keeps the cheapest (see
 * load_case.ts), so that the comparison is with the peer at its best on this very machine.
 */
import { type Child, type Children, descendants, sleep } from "./children.ts";
import { findFreePort, findFreeUdpPort } from "../free_port.ts";
import type { CaseName, LoadCase } from "./goal.ts";
import { isUdpAnswered } from "./udp_probe.ts";

export const CONTENDER_NAMES = [
  "ringway",
  "nginx",
  "haproxy",
  "dnsdist",
  "bare",
  "epoll",
] as const;
export type ContenderName = typeof CONTENDER_NAMES[number];
/** As their makers write them. */
export const TITLES: Readonly<Record<ContenderName, string>> = {
  ringway: "Ringway",
  nginx: "nginx",
  haproxy: "HAProxy",
  dnsdist: "dnsdist",
  bare: "bare Ringway",
  epoll: "Ringway/epoll",
};

/** What everything runs in. */
export interface Workbench {
  readonly children: Children;
  /** For configurations and sockets; removed at the end. */
  readonly folder: string;
  readonly proxyCore: number;
  /** Of the load generator, the origin and the holders of idle connections. */
  readonly loadCore: number;
}

/** Label of the tuning that changes nothing that its makers have chosen. */
export const DEFAULTS = "defaults";

export interface Tuning {
  /** What differs from the other tunings, in a few words. */
  readonly label: string;
  /** Of its listener and its origin. */
  readonly transport: LoadCase["transport"];
  /** The text of the configuration file. */
  readonly config: (ports: { readonly listen: number; readonly origin: number }) => string;
  readonly command: (file: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Contender {
  readonly name: ContenderName;
  /** Possible tunings; at least one. */
  readonly tunings: (test: CaseName) => readonly Tuning[];
}

export interface Proxy {
  readonly name: ContenderName;
  readonly label: string;
  readonly port: number;
  readonly child: Child;
  /** Of all its processes. */
  readonly pids: readonly number[];
  /** The process that carries the traffic. */
  readonly workerPid: number;
}

const START_MS = 15_000;
const POLL_MS = 20;
/** A datagram that met a closed port, or a program not ready yet, is gone: ask again. */
const PROBE_MS = 200;

/** Understood by the HTTP origin, and sent back by the one that echoes. */
const REQUEST = new TextEncoder().encode("GET /small HTTP/1.0\r\n\r\n");

/** Whether anything comes back before the deadline. */
async function isAnswered(port: number, deadlineMs: number): Promise<boolean> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
  if (connection === null) return false;
  // Closing it ends a read that would wait for ever.
  const timer = setTimeout(() => connection.close(), Math.max(0, deadlineMs - performance.now()));
  try {
    await connection.write(REQUEST);
    return await connection.read(new Uint8Array(1)) !== null;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    connection[Symbol.dispose]();
  }
}

/** @throws Error with the program's own words when it ends or does not answer in time. */
export async function waitForAnswer(
  bench: Workbench,
  child: Child,
  port: number,
  transport: LoadCase["transport"],
): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  const ask = () =>
    transport === "udp" ? isUdpAnswered(port, PROBE_MS) : isAnswered(port, deadlineMs);
  while (!await ask()) {
    const why = !bench.children.isRunning(child)
      ? "ended at once"
      : performance.now() > deadlineMs
      ? "does not answer"
      : null;
    if (why !== null) throw new Error(`${child.name} ${why}:\n${child.output()}`);
    await sleep(POLL_MS);
  }
}

let filesWritten = 0;

export async function startProxy(
  bench: Workbench,
  name: ContenderName,
  tuning: Tuning,
  origin: number,
): Promise<Proxy> {
  const { transport } = tuning;
  const port = transport === "udp" ? await findFreeUdpPort() : findFreePort();
  const file = `${bench.folder}/${name}_${filesWritten++}.conf`;
  await Deno.writeTextFile(file, tuning.config({ listen: port, origin }));
  const { children, proxyCore } = bench;
  const child = children.start(name, proxyCore, tuning.command(file), tuning.env);
  await waitForAnswer(bench, child, port, transport);
  const below = descendants(child.pid).map((stat) => stat.pid);
  if (below.length > 1) throw new Error(`${name} has ${below.length} processes, not one worker`);
  const pids = [child.pid, ...below];
  return { name, label: tuning.label, port, child, pids, workerPid: pids.at(-1)! };
}
