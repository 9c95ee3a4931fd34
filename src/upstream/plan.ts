/**
 * What the supervisor tells a worker at its start, as one line of JSON: the configuration with
 * everything decided that needs the outside world (names resolved, sockets opened, cores chosen).
 * So a worker parses no YAML, resolves nothing and imports neither parser nor schema.
 */
import type { PolicyName } from "../balance/policy.ts";

export interface Plan {
  readonly worker: number;
  readonly workers: number;
  /** The CPU to run on; -1 leaves it to the kernel. */
  readonly cpu: number;
  /** The shared memory that all processes map. */
  readonly sharedFd: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly listeners: readonly ListenerPlan[];
  readonly backends: readonly BackendPlan[];
}

export interface ListenerPlan {
  readonly name: string;
  /** This worker's own socket of the listener's SO_REUSEPORT group. */
  readonly fd: number;
  /** Index in `backends`. */
  readonly backend: number;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  /** Over all workers; 0 is no limit of its own. */
  readonly connectionsMax: number;
}

export interface BackendPlan {
  readonly name: string;
  readonly balance: PolicyName;
  readonly connectTimeoutMs: number;
  readonly retries: number;
  readonly servers: readonly ServerPlan[];
}

export interface ServerPlan {
  readonly name: string;
  readonly weight: number;
  readonly backup: boolean;
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
  | { readonly type: "ready"; readonly multishot: boolean }
  | {
    readonly type: "log";
    readonly level: "debug" | "info" | "warn" | "error";
    readonly text: string;
  };
