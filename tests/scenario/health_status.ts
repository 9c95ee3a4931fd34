/**
 * What `status` tells of the health of backends and servers, found by name; and the commands of an
 * operator.
 *
 * States, their reasons and the events are all that scenarios of health judge by, besides what
 * clients and servers see: there is nothing else that a user could look at.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { BackendSnapshot, ServerSnapshot, Snapshot } from "../../src/supervisor/snapshot.ts";
import { type CommandResult, runRingway } from "./command_run.ts";
import type { RingwayProcess } from "./ringway_process.ts";
import { until } from "./until.ts";

/** A backend as it is now; "app" unless named. */
export function backendStatus(snapshot: Snapshot, name = "app"): BackendSnapshot {
  const found = snapshot.backends.find((backend) => backend.name === name);
  if (found === undefined) throw new Error(`no backend "${name}"`);
  return found;
}

/** A server by its name; of the backend "app" unless named. */
export function serverStatus(snapshot: Snapshot, name: string, backend = "app"): ServerSnapshot {
  const found = backendStatus(snapshot, backend).servers.find((server) => server.name === name);
  if (found === undefined) throw new Error(`no server "${name}"`);
  return found;
}

/** What has happened to a server of "app", each change as "FROM to TO", oldest first. */
export function changesOf(snapshot: Snapshot, server: string, backend = "app"): string[] {
  return snapshot.events
    .filter((event) => event.backend === backend && event.server === server)
    .map(({ from, to }) => `${from} to ${to}`);
}

/** Waits until a server of "app" is in a state, for a reason if one is given. */
export async function untilState(
  ringway: RingwayProcess,
  server: string,
  state: string,
  reason = /(?:)/,
): Promise<ServerSnapshot> {
  const snapshot = await ringway.until(`${server} is ${state}, ${reason}`, (snapshot) => {
    const found = serverStatus(snapshot, server);
    return found.state === state && reason.test(found.state_reason);
  });
  return serverStatus(snapshot, server);
}

/** Fails if a worker has ended, for whatever reason, and was replaced. */
export async function expectNoRestart(ringway: RingwayProcess): Promise<void> {
  const { workers } = await ringway.snapshot();
  deepStrictEqual(workers.map(({ restarts }) => restarts), workers.map(() => 0), ringway.state);
}

/** Runs `ringway server ...` as an operator does. */
export async function operate(ringway: RingwayProcess, ...args: string[]): Promise<CommandResult> {
  return await runRingway(["server", ...args, "--socket", ringway.socket]);
}

/** The same, which must succeed. */
export async function command(ringway: RingwayProcess, ...args: string[]): Promise<void> {
  const { code, err } = await operate(ringway, ...args);
  strictEqual(code, 0, err);
}

/** Servers for a configuration, by the names that they get, each with further keys. */
export function named(
  servers: Readonly<Record<string, { readonly address: string } | string>>,
  keys: Readonly<Record<string, string>> = {},
): string[] {
  return Object.entries(servers).map(([name, server]) => {
    const address = typeof server === "string" ? server : server.address;
    return `{ name: ${name}, address: "${address}", ${keys[name] ?? ""} }`;
  });
}

/** For what is said about a span of time: lets it pass. */
export async function untilElapsed(ms: number): Promise<void> {
  const startedMs = performance.now();
  await until(`${ms} ms have passed`, () => performance.now() - startedMs >= ms);
}
