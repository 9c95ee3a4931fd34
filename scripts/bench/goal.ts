/**
 * What is measured, and how good it has to be: the cases of the bench and the project's goals.
 *
 * Ratios are Ringway's CPU time per request by that of the better peer, which is the one with the
 * smaller CPU time in the same run. CPU time and not throughput, because throughput on one machine
 * is limited by the load generator as much as by the proxy.
 */

export const CASE_NAMES = [
  ...["keep-alive", "health", "engines", "connection", "bulk", "bulk-tuned", "idle"] as const,
  ...["udp-64", "udp-512", "udp-engines", "udp-bulk", "udp-dns", "udp-flows"] as const,
] as const;
export type CaseName = typeof CASE_NAMES[number];

export function isUdp(name: CaseName): boolean {
  return name.startsWith("udp-");
}

/** Cases of memory: what is there does nothing. */
export type MemoryName = "idle" | "udp-flows";
export type LoadName = Exclude<CaseName, MemoryName>;

/** What is done in a case, and counted. */
export interface Work {
  readonly one: string;
  readonly many: string;
  /** How many of the many are the one that CPU time is told for. */
  readonly per: number;
}

export interface LoadCase {
  readonly name: LoadName;
  readonly title: string;
  readonly transport: "tcp" | "udp";
  readonly work: Work;
  /** Of the many, per second; null is as many as answers allow. */
  readonly rate: number | null;
}

export interface HttpCase extends LoadCase {
  readonly connections: number;
  /** On the origin. */
  readonly path: string;
  /** Sent with every request. */
  readonly headers: readonly string[];
}

const HTTP = {
  transport: "tcp",
  work: { one: "request", many: "requests", per: 1 },
  rate: null,
} as const;

/** Enough connections to keep one core busy, few enough that none waits for long. */
export const HTTP_CASES: readonly HttpCase[] = [
  {
    ...HTTP,
    name: "keep-alive",
    title: "HTTP keep-alive, 64 connections, small body",
    connections: 64,
    path: "/small",
    headers: [],
  },
  {
    ...HTTP,
    name: "health",
    title: "the same with every check, limit and budget, against the program with none",
    connections: 64,
    path: "/small",
    headers: [],
  },
  {
    ...HTTP,
    name: "engines",
    title: "the same on io_uring and on epoll, which is used where the first is not allowed",
    connections: 64,
    path: "/small",
    headers: [],
  },
  {
    ...HTTP,
    name: "connection",
    title: "a new connection per request, 64 at a time, small body",
    connections: 64,
    path: "/small",
    headers: ["Connection: close"],
  },
  {
    ...HTTP,
    name: "bulk",
    title: "1 MiB bodies, 16 connections",
    connections: 16,
    path: "/bulk",
    headers: [],
  },
  {
    ...HTTP,
    name: "bulk-tuned",
    title: "the same, each peer with the settings that suit it best here",
    connections: 16,
    path: "/bulk",
    headers: [],
  },
];

export const BULK_BYTES = 1024 * 1024;

/** Clients send again when they have their answer, or have lost it. */
export interface TripCase extends LoadCase {
  readonly clients: number;
  readonly bytes: number;
}

/** Both ways. */
export const TRIP_BYTES = 64;

const TRIP = {
  transport: "udp",
  work: { one: "round trip", many: "round trips", per: 1 },
  rate: null,
  bytes: TRIP_BYTES,
} as const;

export const TRIP_CASES: readonly TripCase[] = [
  { ...TRIP, name: "udp-64", title: "UDP, 64 clients, 64 bytes and their answer", clients: 64 },
  { ...TRIP, name: "udp-512", title: "UDP, 512 clients, 64 bytes and their answer", clients: 512 },
  { ...TRIP, name: "udp-engines", title: "the first on io_uring and on epoll", clients: 64 },
];

export const DNS_CASE: TripCase = {
  ...TRIP,
  name: "udp-dns",
  title: "DNS over UDP, 64 clients, one answer ends a flow",
  work: { one: "query", many: "queries", per: 1 },
  clients: 64,
};

/** Most of what nginx takes without loss when it has a core to itself, on the machine of README. */
const STREAM_RATE = 80_000;

export const STREAM_CASE = {
  name: "udp-bulk",
  title: "one UDP flow one way, 80,000 datagrams of 1,400 bytes a second",
  transport: "udp",
  work: { one: "1,000 datagrams", many: "datagrams", per: 1000 },
  rate: STREAM_RATE,
  bytes: 1400,
} as const satisfies LoadCase & { rate: number; bytes: number };

/** Memory for each of many that do nothing, beyond that of a few. */
export interface MemoryCase {
  readonly name: MemoryName;
  readonly title: string;
  readonly one: string;
  /** How many are there already, and how many come. */
  readonly first: number;
  readonly count: number;
  /** Upper bound of the goal, in bytes of Ringway's worker for each. */
  readonly bytesMax: number;
}

/** Two fds each in the proxy, whose limit is commonly 20,000. */
export const IDLE_CASE: MemoryCase = {
  name: "idle",
  title: "8,000 idle connections that have exchanged five bytes",
  one: "connection",
  first: 500,
  count: 8000,
  bytesMax: 512,
};

/** One fd each. */
export const FLOWS_CASE: MemoryCase = {
  name: "udp-flows",
  title: "15,000 live UDP flows that have had one answer",
  one: "flow",
  first: 500,
  count: 15_000,
  bytesMax: 400,
};

/** Upper bounds of the ratios to the better peer; null is no goal. */
export const RATIO_MAX: Readonly<Record<LoadName, number | null>> = {
  "keep-alive": 0.92,
  "health": 1.03,
  "engines": null,
  "connection": 0.90,
  "bulk": 0.90,
  "bulk-tuned": 0.90,
  "udp-64": 0.60,
  "udp-512": 0.60,
  "udp-engines": null,
  "udp-dns": null,
  "udp-bulk": null,
};
/** The same for the latency at the 99th percentile. */
export const LATENCY_RATIO_MAX: Readonly<Partial<Record<LoadName, number>>> = {
  "udp-64": 1,
  "udp-512": 1,
};
/** Of the worker's CPU time under keep-alive load. */
export const USER_SHARE_BELOW = 0.08;
export const SCAVENGES_PER_MILLION_MAX = 0;
