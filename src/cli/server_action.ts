/**
 * `ringway server`: tells the running program to drain a server, to take it out or back in, or to
 * give it another weight; and says in one line what is then.
 *
 * Which server is meant is looked up in a snapshot first: whoever misspells a name at night gets to
 * see what there is. Nothing is guessed; a name that fits twice is refused.
 */
import { fetchSnapshot, sendServerCommand } from "../admin/admin_client.ts";
import { suggestKnown } from "../admin/request_error.ts";
import { formatDuration, parseDuration, suggestDuration } from "../base/duration.ts";
import { plural } from "../base/plural.ts";
import { quoteText } from "../base/quoted_text.ts";
import { WEIGHT_MAX } from "../config/config_limits.ts";
import { DEADLINE_MS_MAX, isServerName, type ServerCommand } from "../supervisor/server_command.ts";
import type { ServerSnapshot } from "../supervisor/snapshot.ts";
import { type Whereabouts, withRunning } from "./admin_path.ts";
import { oneLine } from "./cell_text.ts";
import { UsageError } from "./command_line.ts";
import { print } from "./output.ts";

/**
 * @param action a word of COMMAND_WORDS.
 * @param value what follows the server.
 * @throws UsageError
 */
export function makeCommand(
  action: string,
  value: string | undefined,
  deadline: string | undefined,
): ServerCommand {
  switch (action) {
    case "drain":
      return { kind: "drain", deadlineMs: deadline === undefined ? null : readDeadline(deadline) };
    case "weight":
      return { kind: "weight", weight: readWeight(value ?? "") };
    default:
      return { kind: action === "ready" ? "ready" : "maint" };
  }
}

function readDeadline(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) {
    const near = suggestDuration(text);
    const hint = near === null ? ', as in "30s"' : `; did you mean "${near}"?`;
    throw new UsageError(`--deadline is a duration with its unit, not ${quoteText(text)}${hint}`);
  }
  if (ms <= DEADLINE_MS_MAX) return ms;
  const days = DEADLINE_MS_MAX / 86_400_000;
  throw new UsageError(`--deadline is at most ${days} days, not ${quoteText(text)}`);
}

function readWeight(text: string): number {
  const weight = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
  if (weight <= WEIGHT_MAX) return weight;
  throw new UsageError(`a weight is a whole number of 0..${WEIGHT_MAX}, not ${quoteText(text)}`);
}

/** What a target may be: of a snapshot only this is looked at. */
export interface KnownBackend {
  readonly name: string;
  readonly servers: readonly Pick<ServerSnapshot, "name" | "address">[];
}

export interface Target {
  readonly backend: string;
  readonly server: string;
}

/**
 * The server that is called `text`: BACKEND/SERVER, where an address may stand for the name.
 * @throws Error with what there is, when none or more than one is meant.
 */
export function findTarget(text: string, backends: readonly KnownBackend[]): Target {
  const slash = text.indexOf("/");
  const backend = backends.find(({ name }) => name === text.slice(0, slash));
  if (slash < 0 || backend === undefined) throw new Error(explainTarget(text, backends));
  const wanted = text.slice(slash + 1);
  const { name, servers } = backend;
  const byName = servers.filter((server) => isServerName(wanted, server.name));
  const found = byName.length > 0 ? byName : servers.filter(({ address }) => address === wanted);
  if (found.length === 1) return { backend: name, server: found[0].name };
  if (found.length > 1) throw new Error(explainAmbiguous(wanted, found.map(fullName(name))));
  const what = `backend ${quoteText(name)} has no server ${quoteText(wanted)}`;
  throw new Error(what + suggestKnown(wanted, servers.map((server) => server.name)));
}

function fullName(backend: string): (server: { readonly name: string }) => string {
  return ({ name }) => `${backend}/${name}`;
}

function explainAmbiguous(text: string, names: readonly string[]): string {
  return `${quoteText(text)} may be any of ${names.join(", ")}; write which`;
}

/** Why `text` does not begin with a backend. */
function explainTarget(text: string, backends: readonly KnownBackend[]): string {
  const shown = quoteText(text);
  const backend = backends.find(({ name }) => name === text);
  if (backend !== undefined) {
    const [first, ...others] = backend.servers.map(fullName(backend.name));
    const list = others.length === 0 ? `write ${first}` : `one of ${[first, ...others].join(", ")}`;
    return `${shown} is a backend, which of its servers is meant? ${list}`;
  }
  const servers = backends.flatMap(({ name, servers }) =>
    servers.filter((server) => isServerName(text, server.name)).map(fullName(name))
  );
  if (servers.length > 1) return explainAmbiguous(text, servers);
  if (servers.length === 1) return `${shown} is a server; with its backend it is ${servers[0]}`;
  const names = backends.map(({ name }) => name);
  const slash = text.indexOf("/");
  if (slash >= 0) {
    const wanted = text.slice(0, slash);
    return `there is no backend ${quoteText(wanted)}${suggestKnown(wanted, names)}`;
  }
  const all = backends.flatMap(({ name, servers }) => servers.map(fullName(name)));
  return `there is no server ${shown}; a server is called BACKEND/SERVER${suggestKnown(text, all)}`;
}

/** What is now, in one line: `app/one: drain, 3 connections open`. */
export function describeServer(
  backend: string,
  server: ServerSnapshot,
  command: ServerCommand,
): string {
  const { name, state, state_reason, weight, open } = server;
  // Who has just asked for a state need not be told why it is so.
  const isAsked = state === command.kind || state === "up" || state_reason === "";
  const parts = [
    isAsked ? state : `${state} (${oneLine(state_reason)})`,
    ...nothingNew(server),
    ...command.kind === "weight" && weight > 0 ? [`weight ${weight}`] : [],
    `${plural(open, "connection")} open`,
    ...open > 0 ? deadlineOf(command) : [],
  ];
  return `${backend}/${name}: ${parts.join(", ")}\n`;
}

/** What keeps new connections away, whatever the state: after "ready" it would come unawares. */
function nothingNew({ weight, configured_weight, share }: ServerSnapshot): string[] {
  if (weight === 0) {
    const elsewhere = configured_weight === 0 ? "" : ` (in the configuration ${configured_weight})`;
    return [`weight 0${elsewhere}: it gets nothing new`];
  }
  return share === 0 ? ["0% of its weight by its agent: it gets nothing new"] : [];
}

/** When what is open ends, if it is to. */
function deadlineOf(command: ServerCommand): string[] {
  const deadlineMs = command.kind === "drain" ? command.deadlineMs : null;
  return deadlineMs === null ? [] : [`to be closed in ${formatDuration(deadlineMs)}`];
}

/** @param words action, server and what follows it. @throws UsageError */
export async function runServer(
  [action, text, value]: readonly string[],
  deadline: string | undefined,
  whereabouts: Whereabouts,
): Promise<number> {
  const command = makeCommand(action, value, deadline);
  return await withRunning(whereabouts, async (path) => {
    const { backend, server } = findTarget(text, (await fetchSnapshot(path)).backends);
    print(
      describeServer(backend, await sendServerCommand(path, backend, server, command), command),
    );
  });
}
