/**
 * The part of `ringway status` that tells of backends and servers: who gets connections, who does
 * not and why, and what happened last. What is as it should be takes no line of its own: a column
 * or a row for trouble is there only while there is trouble.
 */
import type {
  BackendSnapshot,
  CheckSnapshot,
  EventSnapshot,
  ServerSnapshot,
} from "../supervisor/snapshot.ts";
import { formatAge } from "./age.ts";
import { formatBytes } from "./byte_text.ts";
import { ADDRESS_LENGTH_MAX, cellText, oneLine, remarkText } from "./cell_text.ts";
import { type Cell, type Column, type Paint, renderTable, type Row, type Tone } from "./table.ts";

const STATE_TONES: Readonly<Record<ServerSnapshot["state"], Tone>> = {
  up: "good",
  down: "bad",
  ejected: "bad",
  drain: "odd",
  maint: "odd",
};

/** Events that `status` shows. */
const EVENTS_SHOWN_MAX = 5;

/** A column with what stands in it for one thing of a list. */
interface Field<T> extends Column {
  cell(thing: T): Cell;
  /** Whether it says anything about one of them; it always does when this is missing. */
  matters?(thing: T): boolean;
}

/** Those fields that matter for something of the list. */
function fieldsThatMatter<T>(fields: readonly Field<T>[], things: readonly T[]): Field<T>[] {
  return fields.filter(({ matters }) => matters === undefined || things.some(matters));
}

function renderFields<T extends { readonly remarks: readonly string[] }>(
  fields: readonly Field<T>[],
  things: readonly T[],
  paint: Paint,
): string[] {
  if (things.length === 0) return [];
  const shown = fieldsThatMatter(fields, things);
  const rows = things.map((thing): Row => ({
    cells: shown.map(({ cell }) => cell(thing)),
    remarks: thing.remarks,
  }));
  return [renderTable(shown, rows, paint)];
}

/** A counter that is worth a column only where it has counted. */
function counter<T>(title: string, read: (thing: T) => number): Field<T> {
  return { title, cell: (thing) => String(read(thing)), matters: (thing) => read(thing) > 0 };
}

interface BackendRow extends BackendSnapshot {
  readonly conditions: readonly string[];
  readonly remarks: readonly string[];
}

const BACKEND_FIELDS: readonly Field<BackendRow>[] = [
  { title: "", isText: true, cell: ({ name }) => `backend ${name}` },
  {
    title: "condition",
    isText: true,
    cell: ({ conditions }) => ({ text: conditions.join(", "), tone: "bad" }),
    matters: ({ conditions }) => conditions.length > 0,
  },
  counter("waiting", ({ pending }) => pending),
  counter("waited too long", ({ queue_timeouts }) => queue_timeouts),
  counter("queue full", ({ pending_refused }) => pending_refused),
  counter("breaker open", ({ breaker_refused }) => breaker_refused),
  counter("not retried", ({ retries_refused }) => retries_refused),
];

/** Backends that turn connections away, or let them wait. */
export function renderBackends(backends: readonly BackendSnapshot[], paint: Paint): string[] {
  const rows = backends.map((backend): BackendRow => {
    const conditions: string[] = [];
    const remarks: string[] = [];
    if (backend.panic) {
      conditions.push("panic");
      remarks.push("too few of its servers are available: all are used, whatever their state");
    }
    // A program of an earlier version does not say.
    if (backend.available === false) {
      conditions.push("nobody available");
      remarks.push(
        "no server can get a connection: all are taken out, at weight 0, or down with " +
          "panic_threshold 0%",
      );
    }
    if (backend.breaker === "open") {
      conditions.push("breaker open");
      remarks.push("too many connects fail: new connections are refused for a while");
    }
    if (backend.breaker === "half_open") {
      conditions.push("breaker half open");
      remarks.push("a few connections try whether it works again, the others are refused");
    }
    return { ...backend, conditions, remarks };
  });
  const counters = BACKEND_FIELDS.filter(({ matters }) => matters !== undefined);
  const troubled = rows.filter((row) => counters.some((field) => field.matters!(row)));
  return renderFields(BACKEND_FIELDS, troubled, paint);
}

interface ServerRow extends ServerSnapshot {
  readonly title: string;
  readonly age: string;
  readonly remarks: readonly string[];
}

const SERVER_FIELDS: readonly Field<ServerRow>[] = [
  { title: "", isText: true, cell: ({ title }) => title },
  {
    title: "address",
    isText: true,
    cell: ({ address }) =>
      address === null
        ? { text: "unresolved", tone: "bad" }
        : cellText(address, ADDRESS_LENGTH_MAX),
  },
  {
    title: "state",
    isText: true,
    cell: ({ state, age }) => ({ text: `${state} ${age}`, tone: STATE_TONES[state] }),
  },
  { title: "weight", cell: weightText },
  counter("priority", ({ priority }) => priority),
  {
    title: "zone",
    isText: true,
    cell: ({ zone }) => zone ?? "",
    matters: ({ zone }) => zone !== null,
  },
  { title: "open", cell: ({ open }) => String(open) },
  { title: "total", cell: ({ total }) => String(total) },
  { title: "failed", cell: ({ connect_failures }) => String(connect_failures) },
  { title: "reset", cell: ({ resets }) => String(resets) },
  { title: "sent", cell: ({ sent_bytes }) => formatBytes(sent_bytes) },
  { title: "received", cell: ({ received_bytes }) => formatBytes(received_bytes) },
];

function weightText({ weight, share, backup }: ServerSnapshot): string {
  const reduced = share < 1 ? ` at ${Math.round(100 * share)}%` : "";
  return `${weight}${reduced}${backup ? " backup" : ""}`;
}

export function renderServers(
  backends: readonly BackendSnapshot[],
  nowMs: number,
  paint: Paint,
): string[] {
  const rows = backends.flatMap(({ name, servers }) =>
    servers.map((server): ServerRow => ({
      ...server,
      title: `${name}/${server.name}`,
      age: formatAge(nowMs - Date.parse(server.state_since)),
      remarks: remarksOn(server),
    }))
  );
  return renderFields(SERVER_FIELDS, rows, paint);
}

/** Why it is not plain up, or what is not quite right with it. */
function remarksOn(server: ServerSnapshot): string[] {
  const { state, state_reason, check, agent, weight, configured_weight } = server;
  const remarks: string[] = [];
  if (state !== "up" && state_reason !== "") remarks.push(state_reason);
  if (isNews(server)) remarks.push(`last check: ${check?.text}`);
  if (hasFailed(agent)) remarks.push(`agent: ${agent.text}`);
  if (weight !== configured_weight) {
    remarks.push(`weight set by operator, in the configuration it is ${configured_weight}`);
  }
  return remarks.map(remarkText);
}

/** Whether the last check tells more than the state and its reason do. */
function isNews({ state, state_reason, check }: ServerSnapshot): boolean {
  if (state === "up") return hasFailed(check);
  return state === "down" && check !== null && !state_reason.includes(check.text);
}

function hasFailed(check: CheckSnapshot | null): check is CheckSnapshot {
  return check !== null && !check.ok;
}

/** What an event is about: a server, or a backend as a whole. */
function subjectOf({ backend, server }: EventSnapshot): string {
  return server === "" ? backend : `${backend}/${server}`;
}

const TONES: ReadonlyMap<string, Tone> = new Map<string, Tone>([
  ...Object.entries(STATE_TONES),
  ["panic", "bad"],
  ["calm", "good"],
  ["breaker open", "bad"],
  ["breaker closed", "good"],
]);

/** How it looks that something has become this. */
function toneOf(state: string): Tone {
  return TONES.get(state) ?? "plain";
}

function eventRow(
  event: EventSnapshot,
  time: string,
  reason: (text: string) => string,
): Row {
  const change = { text: oneLine(`${event.from} -> ${event.to}`), tone: toneOf(event.to) };
  return { cells: [time, subjectOf(event), change, reason(event.reason)] };
}

const EVENT_COLUMNS: readonly Column[] = [
  { title: "server", isText: true },
  { title: "change", isText: true },
  { title: "why", isText: true },
];

/** The newest, at the end. */
export function renderLastEvents(
  events: readonly EventSnapshot[],
  nowMs: number,
  paint: Paint,
): string[] {
  if (events.length === 0) return [];
  const rows = events.slice(-EVENTS_SHOWN_MAX).map((event) =>
    eventRow(event, `${formatAge(nowMs - Date.parse(event.at))} ago`, remarkText)
  );
  const earlier = events.length - rows.length;
  const more = earlier > 0 ? paint(`${earlier} earlier: ringway events`, "faint") + "\n" : "";
  const columns = [{ title: "last events", isText: true } as const, ...EVENT_COLUMNS];
  return [renderTable(columns, rows, paint) + more];
}

/** All of them, whole, with the time of this machine. */
export function renderEvents(events: readonly EventSnapshot[], paint: Paint): string {
  const rows = events.map((event) => eventRow(event, localTime(new Date(event.at)), oneLine));
  return renderTable([{ title: "time", isText: true }, ...EVENT_COLUMNS], rows, paint);
}

function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}
