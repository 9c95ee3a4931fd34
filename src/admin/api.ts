/**
 * The admin API: what may be asked of the running program, and told to it, as HTTP and JSON.
 *
 *   GET /livez                                      200 "ok": it answers
 *   GET /readyz                                     200 "ready", or 503 and why not, as text
 *   GET /api/v1/status                              everything, at one moment
 *   GET /api/v1/events                              what has happened to servers, newest last
 *   PUT /api/v1/backends/BACKEND/servers/SERVER/state    {"state": "drain" | "ready" | "maint"}
 *   PUT /api/v1/backends/BACKEND/servers/SERVER/weight   {"weight": 0..256}
 *
 * A PUT may be repeated without harm, and is answered with the server as it is then. Refusals are
 * plain text for people. It reaches the program by one interface, `Control`, and knows nothing of
 * sockets: who may ask is decided by who can open the one that it is served on (admin_socket.ts).
 */
import { quoteText } from "../base/quoted_text.ts";
import type { CommandResult, ServerCommand } from "../supervisor/server_command.ts";
import type { EventSnapshot, Snapshot } from "../supervisor/snapshot.ts";
import { readCommand, type Setting } from "./command_body.ts";
import { RequestError, suggestKnown } from "./request_error.ts";

/** What the API needs of the program that it speaks for. */
export interface Control {
  snapshot(): Snapshot;
  /** Why no clients should be sent to it; null: they are welcome. Costs next to nothing. */
  whyNotReady(): string | null;
  /** The newest at the end. */
  events(): readonly EventSnapshot[];
  /** Does it at once: what is returned, and every snapshot from then on, shows it. */
  commandServer(backend: string, server: string, command: ServerCommand): CommandResult;
}

const BASE = "/api/v1";
const FORMS = [
  `GET ${BASE}/status`,
  `GET ${BASE}/events`,
  `PUT ${BASE}/backends/BACKEND/servers/SERVER/state`,
  `PUT ${BASE}/backends/BACKEND/servers/SERVER/weight`,
  "GET /livez",
  "GET /readyz",
];
const SETTING = /^\/backends\/([^/]+)\/servers\/([^/]+)\/(state|weight)$/;

/** The path that a server's setting is sent to. */
export function settingPath(backend: string, server: string, setting: Setting): string {
  const [one, other] = [encodeURIComponent(backend), encodeURIComponent(server)];
  return `${BASE}/backends/${one}/servers/${other}/${setting}`;
}

export const LIVE_PATH = "/livez";
export const READY_PATH = "/readyz";
export const STATUS_PATH = `${BASE}/status`;
export const EVENTS_PATH = `${BASE}/events`;

/** Never throws for what a request holds. */
export async function answerRequest(request: Request, control: Control): Promise<Response> {
  try {
    return await answer(request, control);
  } catch (failure) {
    if (!(failure instanceof RequestError)) throw failure;
    const { status, message, headers } = failure;
    return new Response(`${message}\n`, { status, headers });
  }
}

async function answer(request: Request, control: Control): Promise<Response> {
  const path = pathOf(request.url);
  if (path === LIVE_PATH) {
    demandMethod(request, ["GET", "HEAD"]);
    return new Response("ok\n");
  }
  if (path === READY_PATH) {
    demandMethod(request, ["GET", "HEAD"]);
    const reason = control.whyNotReady();
    return reason === null ? new Response("ready\n") : new Response(`${reason}\n`, { status: 503 });
  }
  if (path === STATUS_PATH) {
    demandMethod(request, ["GET", "HEAD"]);
    return Response.json(control.snapshot());
  }
  if (path === EVENTS_PATH) {
    demandMethod(request, ["GET", "HEAD"]);
    return Response.json(control.events());
  }
  const setting = path.startsWith(BASE) ? SETTING.exec(path.slice(BASE.length)) : null;
  if (setting === null) {
    throw new RequestError(404, `there is no ${quoteText(path)}; known: ${FORMS.join(", ")}`);
  }
  demandMethod(request, ["PUT"]);
  const backend = decodeName(setting[1]);
  const server = decodeName(setting[2]);
  const command = await readCommand(request, setting[3] as Setting);
  return answerCommand(backend, server, control.commandServer(backend, server, command));
}

function answerCommand(backend: string, server: string, result: CommandResult): Response {
  if (result.kind === "done") return Response.json(result.server);
  const what = result.kind === "unknown_backend"
    ? `there is no backend ${quoteText(backend)}${suggestKnown(backend, result.known)}`
    : `backend ${quoteText(backend)} has no server ${quoteText(server)}` +
      suggestKnown(server, result.known);
  throw new RequestError(404, what);
}

/**
 * The path of a URL, still encoded, without the query. Cut out by hand: the text before it is what
 * a client sent as its Host, which may be nothing that can be parsed.
 */
function pathOf(url: string): string {
  const authority = url.indexOf("://");
  const start = url.indexOf("/", authority < 0 ? 0 : authority + 3);
  return start < 0 ? "/" : url.slice(start).split(/[?#]/, 1)[0];
}

function demandMethod({ method }: Request, allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  throw new RequestError(405, `use ${allowed[0]}`, { allow: allowed.join(", ") });
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RequestError(400, `${quoteText(text)} is no URL-encoded name`);
  }
}
