/**
 * What is measured, and how good it has to be: the cases of the bench and the project's goals.
 *
 * Ratios are Ringway's CPU time per request by that of the better peer, which is the one with the
 * smaller CPU time in the same run. CPU time and not throughput, because throughput on one machine
 * is limited by the load generator as much as by the proxy.
 */

export const CASE_NAMES = ["keep-alive", "connection", "bulk", "bulk-tuned", "idle"] as const;
export type CaseName = typeof CASE_NAMES[number];

export interface LoadCase {
  readonly name: Exclude<CaseName, "idle">;
  readonly title: string;
  readonly connections: number;
  /** On the origin. */
  readonly path: string;
  /** Sent with every request. */
  readonly headers: readonly string[];
}

/** Enough connections to keep one core busy, few enough that none waits for long. */
export const LOAD_CASES: readonly LoadCase[] = [
  {
    name: "keep-alive",
    title: "HTTP keep-alive, 64 connections, small body",
    connections: 64,
    path: "/small",
    headers: [],
  },
  {
    name: "connection",
    title: "a new connection per request, 64 at a time, small body",
    connections: 64,
    path: "/small",
    headers: ["Connection: close"],
  },
  {
    name: "bulk",
    title: "1 MiB bodies, 16 connections",
    connections: 16,
    path: "/bulk",
    headers: [],
  },
  {
    name: "bulk-tuned",
    title: "the same, each peer with the settings that suit it best here",
    connections: 16,
    path: "/bulk",
    headers: [],
  },
];

export const BULK_BYTES = 1024 * 1024;

export const IDLE_TITLE = "8,000 idle connections that have exchanged five bytes";
/** Two fds each in the proxy, whose limit is commonly 20,000. */
export const IDLE_CONNECTIONS = 8000;

/** Upper bounds of the ratios to the better peer. */
export const RATIO_MAX: Readonly<Record<LoadCase["name"], number>> = {
  "keep-alive": 0.92,
  "connection": 0.90,
  "bulk": 0.90,
  "bulk-tuned": 0.90,
};
/** Of the worker's CPU time under keep-alive load. */
export const USER_SHARE_BELOW = 0.08;
export const IDLE_BYTES_MAX = 512;
export const SCAVENGES_PER_MILLION_MAX = 0;
