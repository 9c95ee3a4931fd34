/**
 * Who watches a simulated backend. A scene has several: each counts what one promise is about, and
 * in the end holds the run to it. All see the same events in the same order, and change nothing.
 */
import type { BackendWorld } from "./backend_world.ts";

/** Why a client was turned away. */
export const NO_SERVER = 0;
export const ATTEMPTS_USED = 1;
export const NO_BUDGET = 2;
export const BREAKER_OPEN = 3;
export const REFUSALS = ["no server", "attempts used", "no budget", "breaker open"] as const;

export interface Witness {
  /** A client has come; its connection has no server yet. */
  came?(world: BackendWorld, slot: number): void;
  /** A connect to a server begins. */
  tried?(world: BackendWorld, slot: number, server: number): void;
  failed?(world: BackendWorld, slot: number, server: number): void;
  connected?(world: BackendWorld, slot: number, server: number): void;
  /** The first answer has come, so many milliseconds after the client. */
  answered?(world: BackendWorld, slot: number, server: number, afterMs: number): void;
  /** The server reset a connection that stood. */
  wasReset?(world: BackendWorld, slot: number, server: number): void;
  /** A connection that stood is over, by a reset or well. */
  ended?(world: BackendWorld, slot: number, server: number): void;
  /** A connection is closed so that its client comes again; `ended` follows. */
  moved?(world: BackendWorld, slot: number, server: number): void;
  /** The worker has died with it; `server` is -1 while there was none. */
  lost?(world: BackendWorld, slot: number, server: number): void;
  /** The client gets nothing: one of the numbers above. */
  refused?(world: BackendWorld, slot: number, why: number): void;
  /** The supervisor has looked at everything. */
  ticked?(world: BackendWorld): void;
  /** The time is over. @throws BrokenPromise */
  conclude?(world: BackendWorld): void;
  /** What was counted, in a few words each. */
  figures?(): string[];
}
