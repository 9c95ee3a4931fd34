/**
 * The other end of the admin socket: asks the running program, as `ringway status` and its like do.
 * Every failure says what is wrong and what to do, because a person gets to see it as it is.
 */
import type { ServerCommand } from "../supervisor/server_command.ts";
import type { EventSnapshot, ServerSnapshot, Snapshot } from "../supervisor/snapshot.ts";
import { EVENTS_PATH, settingPath, STATUS_PATH } from "./api.ts";

/** A program that takes longer than this to answer is stuck. */
const ANSWER_MS_MAX = 5000;

/** Null when somebody answers at `path`, else why nobody does. */
export async function whyUnanswered(path: string): Promise<unknown> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return null;
  } catch (cause) {
    return cause;
  }
}

export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Why nobody could be connected to at `path`, and what to do. */
export function explainNobody(path: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Error(`the socket "${path}" is another user's; ask as that user, or as root`);
  }
  const elsewhere = "Another place is named by --socket PATH or -c FILE";
  return new Error(`nobody answers at "${path}"; is it running? ${elsewhere}`, { cause });
}

/** @throws Error that says why there is no answer from `path`, and what to do. */
export async function fetchSnapshot(path: string): Promise<Snapshot> {
  return await ask<Snapshot>(path, STATUS_PATH);
}

/** The newest at the end. @throws Error as above. */
export async function fetchEvents(path: string): Promise<EventSnapshot[]> {
  return await ask<EventSnapshot[]>(path, EVENTS_PATH);
}

/** Does it; the server as it is then. @throws Error as above, or why it was refused. */
export async function sendServerCommand(
  path: string,
  backend: string,
  server: string,
  command: ServerCommand,
): Promise<ServerSnapshot> {
  if (command.kind === "weight") {
    const { weight } = command;
    return await ask(path, settingPath(backend, server, "weight"), { weight });
  }
  const deadline = command.kind === "drain" && command.deadlineMs !== null
    ? { deadline_ms: command.deadlineMs }
    : {};
  const body = { state: command.kind, ...deadline };
  return await ask(path, settingPath(backend, server, "state"), body);
}

/** @param body is put there; without one the resource is only read. */
async function ask<T>(path: string, resource: string, body?: unknown): Promise<T> {
  const cause = await whyUnanswered(path);
  if (cause !== null) throw explainNobody(path, cause);
  const [status, text] = await exchange(path, resource, body);
  if (status >= 400 && status < 500) throw new Error(text.trim());
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`no answer from "${path}": status ${status}`);
  }
}

/** Status and body of the answer. @throws Error when none comes. */
async function exchange(path: string, resource: string, body: unknown): Promise<[number, string]> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const put = body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) };
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await fetch(`http://localhost${resource}`, { client, signal, ...put });
    return [response.status, await response.text()];
  } catch (cause) {
    throw new Error(`no answer from "${path}": ${reasonOf(cause)}`, { cause });
  } finally {
    client.close();
  }
}
