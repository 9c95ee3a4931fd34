/**
 * What an operator may do to a server while the program runs, and what comes of it.
 *
 * Such a command changes state or weight of one server in the running program and nothing else: no
 * file is written, and the next start begins with the configuration again. Here are the shapes that
 * the admin API, the command line and the supervisor share, and how the server that is meant is
 * found; what a command does is the supervisor's.
 */
import { DURATION_MS_MAX } from "../config/config_limits.ts";
import { nameByAddress } from "../config/server_name.ts";
import type { ServerSnapshot } from "./snapshot.ts";

export type ServerCommand =
  /** No new connections; what is still open after the deadline is closed, with null never. */
  | { readonly kind: "drain"; readonly deadlineMs: number | null }
  /** Ends drain and maint of an operator: probes and agent decide again. */
  | { readonly kind: "ready" }
  /** Out of use, whatever probes and agent say; what is open goes on. */
  | { readonly kind: "maint" }
  /** 0..WEIGHT_MAX in place of the configured one; 0: no new connections. */
  | { readonly kind: "weight"; readonly weight: number };

/**
 * The words that say what to do, each with what other programs call it: those are understood in
 * errors, never accepted, for they mean slightly other things there.
 */
export const COMMAND_WORDS: Readonly<Record<ServerCommand["kind"], readonly string[]>> = {
  drain: ["draining", "drained", "soft-stop", "no-new", "deregister"],
  ready: ["up", "enable", "enabled", "undrain", "undo", "resume", "online", "healthy", "reset"],
  maint: ["down", "disable", "disabled", "maintenance", "offline", "out", "unhealthy", "eject"],
  weight: ["weights", "set-weight"],
};

/** The longest that a timer of the runtime can count: 24 days. */
export const DEADLINE_MS_MAX = DURATION_MS_MAX;

export type CommandResult =
  /** The server as it is after the command. */
  | { readonly kind: "done"; readonly server: ServerSnapshot }
  /** Nothing was done; `known` are the names that there are in its place. */
  | { readonly kind: "unknown_backend" | "unknown_server"; readonly known: readonly string[] };

/** Where a server stands. */
export interface ServerPlace {
  readonly kind: "found";
  /** Index of the backend. */
  readonly backend: number;
  /** Index in its backend. */
  readonly server: number;
  /** Counted through all backends. */
  readonly number: number;
}

interface Named {
  readonly name: string;
}

/** Whether `text` is the name of a server; a unix socket may be called by its address, too. */
export function isServerName(text: string, name: string): boolean {
  return name === text || name === nameByAddress(text);
}

export function findServer(
  backends: readonly (Named & { readonly servers: readonly Named[] })[],
  backend: string,
  server: string,
): ServerPlace | Exclude<CommandResult, { kind: "done" }> {
  let number = 0;
  for (const [i, { name, servers }] of backends.entries()) {
    if (name !== backend) {
      number += servers.length;
      continue;
    }
    const index = servers.findIndex((each) => isServerName(server, each.name));
    if (index >= 0) return { kind: "found", backend: i, server: index, number: number + index };
    return { kind: "unknown_server", known: servers.map((each) => each.name) };
  }
  return { kind: "unknown_backend", known: backends.map((each) => each.name) };
}
