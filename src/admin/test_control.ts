/**
 * A program for tests of the admin API: two backends, and a record of every command that reached
 * it. Only for tests; the real one is the supervisor.
 */
import { findServer, type ServerCommand } from "../supervisor/server_command.ts";
import type { EventSnapshot } from "../supervisor/snapshot.ts";
import type { Control } from "./api.ts";
import { backendSnapshot, programSnapshot, serverSnapshot, SINCE } from "./test_snapshot.ts";

export const EVENT: EventSnapshot = {
  at: SINCE,
  backend: "app",
  server: "one",
  from: "up",
  to: "down",
  reason: "3 of 3 probes failed",
};

export const SNAPSHOT = programSnapshot({
  backends: [
    backendSnapshot("app", [serverSnapshot("one"), serverSnapshot("[::1]:80")]),
    backendSnapshot("api", [serverSnapshot("unix:run:api.sock")]),
  ],
  events: [EVENT],
});

export class TestControl implements Control {
  /** What was asked for, oldest first. */
  readonly commands: (readonly [backend: string, server: string, command: ServerCommand])[] = [];

  /** What `whyNotReady` says. */
  reason: string | null = null;

  snapshot() {
    return SNAPSHOT;
  }

  whyNotReady() {
    return this.reason;
  }

  events() {
    return SNAPSHOT.events;
  }

  commandServer(backend: string, server: string, command: ServerCommand) {
    const place = findServer(SNAPSHOT.backends, backend, server);
    if (place.kind !== "found") return place;
    this.commands.push([backend, server, command]);
    return {
      kind: "done",
      server: serverSnapshot(SNAPSHOT.backends[place.backend].servers[place.server].name, {
        state: command.kind === "drain" || command.kind === "maint" ? command.kind : "up",
        weight: command.kind === "weight" ? command.weight : 1,
        open: 3,
      }),
    } as const;
  }
}
