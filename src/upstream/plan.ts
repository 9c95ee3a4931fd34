/**
 * What the supervisor tells a worker at its start, as one line of JSON: the configuration with
 * everything decided that needs the outside world (names resolved, sockets opened, cores chosen).
 * So a worker parses no YAML, resolves nothing and imports neither parser nor schema.
 */
import type { PolicyName } from "../balance/policy.ts";
import type { HashOn, OverloadConfig, Protocol, ProxyProtocol } from "../config/config.ts";
import type { SocketOptions } from "../net/socket_options.ts";

export interface Plan {
  readonly worker: number;
  readonly workers: number;
  /** The CPU to run on; -1 leaves it to the kernel. */
  readonly cpu: number;
  /** What completes its operations. */
  readonly io: "uring" | "epoll";
  /** The shared memory that all processes map. */
  readonly sharedFd: number;
  /** Key of the hashes that peers must not foresee; the same for all workers. */
  readonly hashKey: readonly [low: number, high: number];
  readonly drainTimeoutMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** Connections and flows of all listeners together, over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  /** Whether it gives up what it does not need once it is set up. */
  readonly hardening: boolean;
  /** A mark that is null is never reached: JSON has no infinity. */
  readonly overload: { readonly [Mark in keyof OverloadConfig]: number | null };
  readonly listeners: readonly ListenerPlan[];
  readonly backends: readonly BackendPlan[];
}

/** A bound socket, for this worker alone or shared by all. */
export interface SocketPlan {
  readonly fd: number;
  /** sa_family. */
  readonly family: number;
  /** Bound to every address: what is sent must say from which. */
  readonly isWildcard: boolean;
}

export interface RatePlan {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RoutePlan {
  readonly sni: readonly string[];
  readonly alpn: readonly string[];
  /** Index in `backends`. */
  readonly backend: number;
  /** Index in the backend's `subsets`. */
  readonly subset: number;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface ListenerPlan {
  readonly name: string;
  readonly protocol: Protocol;
  /** This worker's own sockets, and those that all share. */
  readonly sockets: readonly SocketPlan[];
  /** Index in `backends`; -1: only routes lead anywhere. */
  readonly backend: number;
  /** Index in the backend's `subsets`. */
  readonly subset: number;
  readonly routes: readonly RoutePlan[];
  /** CIDR texts; null: no PROXY header is expected. */
  readonly trustedProxies: readonly string[] | null;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly clientHelloTimeoutMs: number;
  readonly proxyHeaderTimeoutMs: number;
  /** Over all workers; 0 is no limit of its own. */
  readonly connectionsMax: number;
  readonly connectionsPerIpMax: number;
  readonly connectionRate: RatePlan | null;
  readonly connectionRatePerIp: RatePlan | null;
  /** For protocol udp. */
  readonly udp: { readonly responses: number; readonly flowsMax: number } | null;
}

export interface BackendPlan {
  readonly name: string;
  readonly balance: PolicyName;
  readonly hashOn: readonly HashOn[];
  readonly loadFactor: number;
  readonly connectTimeoutMs: number;
  readonly retries: number;
  readonly retryBudget: number;
  /** Over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  readonly pendingMax: number;
  readonly queueTimeoutMs: number;
  readonly panicThreshold: number;
  /** The servers that a listener or route may use, by number here; the first of them: all. */
  readonly subsets: readonly (readonly number[])[];
  /** The header that servers get first. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** Connect from the client's own address. */
  readonly isTransparent: boolean;
  readonly socket: SocketOptions;
  readonly servers: readonly ServerPlan[];
}

export interface ServerPlan {
  readonly name: string;
  readonly weight: number;
  readonly backup: boolean;
  readonly priority: number;
  /** Whether this node stands in a zone, and the server in another one. */
  readonly isForeignZone: boolean;
  /** Over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  /** struct sockaddr, or empty while the server's name does not resolve. */
  readonly address: readonly number[];
}

/** What the supervisor may write later, one line of JSON each. */
export type ControlMessage =
  /** Stop accepting and end when the last tunnel has; cut after `timeoutMs` (null: never). */
  | { readonly type: "drain"; readonly timeoutMs: number | null }
  /** End now. */
  | { readonly type: "cut" }
  /** A server's name resolves to another address; servers are numbered through all backends. */
  | { readonly type: "address"; readonly server: number; readonly address: readonly number[] };

/** What a worker writes to the supervisor, one line of JSON each. */
export type WorkerMessage =
  | {
    readonly type: "ready";
    /** The steps of its hardening that are done, by name. */
    readonly hardening: readonly string[];
  }
  | {
    readonly type: "log";
    readonly level: "debug" | "info" | "warn" | "error";
    readonly text: string;
  };
