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
  /** At least one; in the order of the file. */
  readonly listeners: readonly ListenerConfig[];
  /** At least one; in the order of the file. */
  readonly backends: readonly BackendConfig[];
}

export interface ListenerConfig {
  readonly name: string;
  readonly bind: {
    /** IP literal without brackets; "" is every address, IPv4 and IPv6. */
    readonly host: string;
    /** 0 lets the kernel pick. */
    readonly port: number;
    /** As in the file, for messages. */
    readonly text: string;
  };
  readonly protocol: "tcp";
  /** The name of one of `backends`. */
  readonly backend: string;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  /** Over all workers; 0 is no limit of its own. */
  readonly connectionsMax: number;
  /** Where the listener is defined, both from 1. */
  readonly position: { readonly line: number; readonly column: number };
}

export interface BackendConfig {
  readonly name: string;
  /** At least one, names and addresses unique, some weight above zero. */
  readonly servers: readonly ServerConfig[];
  readonly balance: PolicyName;
  /** Null unless `balance` is consistent_hash. */
  readonly hashOn: "source_ip" | null;
  readonly connectTimeoutMs: number;
  /** Servers tried after the first: 0..10. */
  readonly retries: number;
}

export interface ServerConfig {
  readonly name: string;
  /** IP literal without brackets, or a host name; "" for a demo server. */
  readonly host: string;
  /** 1..65535; 0 for a demo server. */
  readonly port: number;
  /** 0..256; a server of weight 0 gets no new connections. */
  readonly weight: number;
  /** Used only while no server that is not a backup is available. */
  readonly backup: boolean;
  /** The name of a server that the supervisor itself starts (`demo:NAME`), or null. */
  readonly demo: string | null;
}
