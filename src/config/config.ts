/**
 * A checked configuration: what the rest of the program gets to see of the file.
 *
 * Everything is decided here: defaults are filled in, durations are milliseconds, references lead
 * somewhere. What the outside world has to answer is left open: host names are not resolved, the
 * number of workers may be "auto", a port may be the kernel's choice. Never changed after it was
 * made; a reload makes another one and compares by name.
 */
import type { Level } from "../log/log.ts";

export const BALANCE_NAMES = [
  "round_robin",
  "least_conn",
  "p2c",
  "random",
  "first",
  "least_latency",
  "consistent_hash",
] as const;
export type PolicyName = typeof BALANCE_NAMES[number];

export const PROTOCOLS = ["tcp", "udp", "tls"] as const;
export type Protocol = typeof PROTOCOLS[number];

export const HASH_KEYS = ["source_ip", "source_port", "sni", "quic_connection_id"] as const;
export type HashOn = typeof HASH_KEYS[number];

export const PROXY_PROTOCOLS = ["v1", "v2"] as const;
export type ProxyProtocol = typeof PROXY_PROTOCOLS[number];

/** What completes the workers' operations: io_uring, or the shim on epoll(7). */
export const IO_CHOICES = ["auto", "uring", "epoll"] as const;
export type IoChoice = typeof IO_CHOICES[number];

export const LOG_FORMATS = ["auto", "text", "json"] as const;

export interface Config {
  /** 1..256, or one per core. */
  readonly workers: number | "auto";
  /** auto is io_uring where it can be had. */
  readonly io: IoChoice;
  readonly log: { readonly level: Level; readonly format: typeof LOG_FORMATS[number] };
  readonly drain: {
    /** How long to go on accepting after being asked to stop. */
    readonly delayMs: number;
    /** How long open connections may take after that. */
    readonly timeoutMs: number;
  };
  /** The admin socket: null is the supervisor's default path, false is none. */
  readonly admin: { readonly path: string } | false | null;
  /** Open connections and flows of all listeners together, over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  /** Where this node stands; servers of the same zone are preferred. Null: nowhere. */
  readonly zone: string | null;
  readonly overload: OverloadConfig;
  /** Whether workers give up what they do not need once they are set up. */
  readonly hardening: boolean;
  /** Whom to become once everything is bound, names or numbers as written; null: nobody else. */
  readonly user: string | null;
  /** Null: the user's own. */
  readonly group: string | null;
  /** At least one; in the order of the file. */
  readonly listeners: readonly ListenerConfig[];
  /** At least one; in the order of the file. */
  readonly backends: readonly BackendConfig[];
}

/** Shares of 0..1 from which on a worker takes no new connections; Infinity is never. */
export interface OverloadConfig {
  /** Of a worker's core. */
  readonly busy: number;
  /** Of the memory that the container or the machine has. */
  readonly memory: number;
  /** Of the connections and flows that a worker has room for. */
  readonly files: number;
  /** Of the receive buffers. */
  readonly buffers: number;
}

/** Where a listener accepts. `text` is as in the file, for messages. */
export type BindConfig =
  | {
    readonly kind: "ip";
    /** IP literal without brackets; "" is every address, IPv4 and IPv6. */
    readonly host: string;
    /** 0 lets the kernel pick. */
    readonly port: number;
    /** The last port of a range; otherwise the same as `port`. */
    readonly lastPort: number;
    readonly text: string;
  }
  | {
    readonly kind: "unix";
    /** Absolute. */
    readonly path: string;
    /** Permissions 0..0o777; null leaves them to the umask. */
    readonly mode: number | null;
    /** Names or numbers as written; null leaves them as the kernel makes them. */
    readonly owner: string | null;
    readonly group: string | null;
    readonly text: string;
  }
  | {
    readonly kind: "systemd";
    /** FileDescriptorName of the socket unit. */
    readonly name: string;
    readonly text: string;
  };

/** A token bucket. */
export interface RateConfig {
  /** Above 0; may be a fraction. */
  readonly perSecond: number;
  /** How many may come at once; at least 1. */
  readonly burst: number;
}

export interface RouteConfig {
  /** As written, or "". */
  readonly name: string;
  /** Lower case host names and "*.domain"; empty: any, also a client that names none. */
  readonly sni: readonly string[];
  /** Empty: any, also a client that offers none. */
  readonly alpn: readonly string[];
  /** The name of one of `backends`. */
  readonly backend: string;
  /** Labels that its servers must have to be used for this; empty: all are. */
  readonly subset: Readonly<Record<string, string>>;
  /** Canonical CIDR texts; empty: no such list. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface ListenerConfig {
  readonly name: string;
  /** At least one. */
  readonly binds: readonly BindConfig[];
  readonly protocol: Protocol;
  /** The name of one of `backends`, for what no route takes; null: that is refused. */
  readonly backend: string | null;
  /** Labels that servers of `backend` must have to be used for this listener; empty: all are. */
  readonly subset: Readonly<Record<string, string>>;
  /** The first that matches wins. Empty unless the protocol is tls. */
  readonly routes: readonly RouteConfig[];
  /**
   * Canonical CIDR texts; null: no PROXY header is expected. May be empty when all addresses are
   * unix sockets: who can open one is trusted.
   */
  readonly trustedProxies: readonly string[] | null;
  /** Canonical CIDR texts; empty: no such list. `deny` is looked at first. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** For udp how long a flow may rest. */
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly clientHelloTimeoutMs: number;
  readonly proxyHeaderTimeoutMs: number;
  /** Over all workers; 0 is no limit of its own. For udp these count flows. */
  readonly connectionsMax: number;
  /** By the client's address, of IPv6 the first 64 bits; 0 is no limit. */
  readonly connectionsPerIpMax: number;
  readonly connectionRate: RateConfig | null;
  readonly connectionRatePerIp: RateConfig | null;
  /** Null unless the protocol is udp. */
  readonly udp: {
    /** Answers after which a flow ends; 0: it ends by `idleTimeoutMs` only. */
    readonly responses: number;
    /** Over all workers; at more, the flow that rested longest goes. */
    readonly flowsMax: number;
  } | null;
  /** What was written, by the names and in the units of net/socket_options.ts. */
  readonly socket: Readonly<Record<string, number>>;
  /** Connections that wait for being accepted, per socket. */
  readonly backlog: number;
  /** Where the listener is defined, both from 1. */
  readonly position: { readonly line: number; readonly column: number };
}

/** What is asked of a server to learn whether it works. */
export type ProbeConfig =
  /** Null: that it accepts is enough. `expect` is a text that its answer must contain. */
  | { readonly kind: "tcp"; readonly send: string | null; readonly expect: string | null }
  | {
    readonly kind: "http";
    readonly method: string;
    readonly path: string;
    /** Null: the server's address. */
    readonly host: string | null;
    readonly headers: Readonly<Record<string, string>>;
    /** Both ends belong to it. */
    readonly status: readonly (readonly [first: number, last: number])[];
    /** A text that the body must contain. */
    readonly body: string | null;
  }
  /** grpc.health.v1; "" asks about the server as a whole. */
  | { readonly kind: "grpc"; readonly service: string }
  | { readonly kind: "dns"; readonly name: string; readonly type: string }
  | { readonly kind: "udp"; readonly send: string; readonly expect: string | null };

/** Where a check goes in place of the server's own address and port. */
export interface CheckTarget {
  readonly host: string | null;
  readonly port: number | null;
}

export interface HealthCheckConfig extends CheckTarget {
  readonly probe: ProbeConfig;
  readonly intervalMs: number;
  /** While a server goes up or down. */
  readonly fastIntervalMs: number;
  readonly timeoutMs: number;
  /** Probes in a row until a server is up, or down. */
  readonly rise: number;
  readonly fall: number;
  readonly initial: "up" | "down";
}

export interface AgentCheckConfig extends CheckTarget {
  readonly port: number;
  /** What the agent gets first; null: nothing. */
  readonly send: string | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface EjectionConfig {
  readonly errors: number;
  readonly windowMs: number;
  /** Of the first time; of the n-th, n times as long. */
  readonly ejectMs: number;
  readonly ejectMsMax: number;
  /** Share of the servers, 0..1. */
  readonly ejectedMax: number;
}

export interface CircuitBreakerConfig {
  /** Share of connects that fail, 0..1, from which on no more are tried. */
  readonly errors: number;
  readonly windowMs: number;
  /** Connects in the window before anything is judged. */
  readonly connections: number;
  readonly openMs: number;
  /** Connections at a time that try whether it works again. */
  readonly trials: number;
}

export interface BackendConfig {
  readonly name: string;
  /** At least one, names and addresses unique, some weight above zero. */
  readonly servers: readonly ServerConfig[];
  readonly balance: PolicyName;
  /** All of these make the key; empty unless `balance` is consistent_hash. */
  readonly hashOn: readonly HashOn[];
  /** No server gets more than so many times its share of connections; 0: no such bound. */
  readonly loadFactor: number;
  /** The version of the header that tells servers the client's address; null: none is sent. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** Whether servers see the client's address as the source of connections. */
  readonly transparent: boolean;
  readonly connectTimeoutMs: number;
  /** Servers tried after the first: 0..10. */
  readonly retries: number;
  /** Retries as a share of new connections, 0..1. */
  readonly retryBudget: number;
  /** Open to all servers together, over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  /** Connections that may wait for a place at a server, over all workers. */
  readonly pendingMax: number;
  readonly queueTimeoutMs: number;
  readonly circuitBreaker: CircuitBreakerConfig | null;
  readonly healthCheck: HealthCheckConfig | null;
  readonly agentCheck: AgentCheckConfig | null;
  /** Null: servers are never ejected for their errors. */
  readonly ejection: EjectionConfig | null;
  /** 0: a server that comes back gets its full share at once. */
  readonly slowStartMs: number;
  /** With a smaller share of servers available all are used; 0: never. */
  readonly panicThreshold: number;
  /** What happens to the connections of a server that goes down. */
  readonly onDown: "keep" | "close";
  /** Connections moved to servers that have joined, per second, as a share of all; 0: none. */
  readonly rebalancePerSecond: number;
  /** What was written, by the names and in the units of net/socket_options.ts. */
  readonly socket: Readonly<Record<string, number>>;
}

export interface ServerConfig {
  readonly name: string;
  /** IP literal without brackets, or a host name; "" for a demo server and a unix socket. */
  readonly host: string;
  /** 1..65535; 0 for a demo server and a unix socket. */
  readonly port: number;
  /** Absolute path of a unix socket, or null. */
  readonly unixPath: string | null;
  /** 0..256; a server of weight 0 gets no new connections. */
  readonly weight: number;
  /** Used only while no server that is not a backup is available. */
  readonly backup: boolean;
  /** Group of preference: 0 is the best, and later ones get what it cannot take. */
  readonly priority: number;
  readonly zone: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Open to it, over all workers; 0 is no limit. */
  readonly connectionsMax: number;
  /** The name of a server that the supervisor itself starts (`demo:NAME`), or null. */
  readonly demo: string | null;
}
