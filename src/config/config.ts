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
  "consistent_hash",
] as const;
export type PolicyName = typeof BALANCE_NAMES[number];

export const PROTOCOLS = ["tcp", "udp", "tls"] as const;
export type Protocol = typeof PROTOCOLS[number];

export const HASH_KEYS = ["source_ip", "sni", "quic_connection_id"] as const;
export type HashOn = typeof HASH_KEYS[number];

export const PROXY_PROTOCOLS = ["v1", "v2"] as const;
export type ProxyProtocol = typeof PROXY_PROTOCOLS[number];

export const LOG_FORMATS = ["auto", "text", "json"] as const;

export interface Config {
  /** 1..256, or one per core. */
  readonly workers: number | "auto";
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
  /** At least one; in the order of the file. */
  readonly listeners: readonly ListenerConfig[];
  /** At least one; in the order of the file. */
  readonly backends: readonly BackendConfig[];
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

export interface BackendConfig {
  readonly name: string;
  /** At least one, names and addresses unique, some weight above zero. */
  readonly servers: readonly ServerConfig[];
  readonly balance: PolicyName;
  /** Null unless `balance` is consistent_hash. */
  readonly hashOn: HashOn | null;
  /** The version of the header that tells servers the client's address; null: none is sent. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** Whether servers see the client's address as the source of connections. */
  readonly transparent: boolean;
  readonly connectTimeoutMs: number;
  /** Servers tried after the first: 0..10. */
  readonly retries: number;
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
  /** The name of a server that the supervisor itself starts (`demo:NAME`), or null. */
  readonly demo: string | null;
}
