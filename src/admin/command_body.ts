/**
 * From the body of a request to a command: `{"state": "drain", "deadline_ms": 30000}` or
 * `{"weight": 10}`. Strict: a field or a value that is not understood is an error that shows the
 * form, because a command that was half understood would do something else than was meant.
 */
import { makePrintable, quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";
import { WEIGHT_MAX } from "../config/config_limits.ts";
import {
  COMMAND_WORDS,
  DEADLINE_MS_MAX,
  type ServerCommand,
} from "../supervisor/server_command.ts";
import { RequestError } from "./request_error.ts";

/** A command is a line; what is longer is none. */
export const BODY_BYTES_MAX = 4096;
/** Whoever sends slower than this is stuck. */
const BODY_MS_MAX = 5000;

/** What a body looks like, by the last word of the path that it is sent to. */
const EXAMPLES = {
  state: '{"state": "drain", "deadline_ms": 30000}',
  weight: '{"weight": 10}',
} as const;
export type Setting = keyof typeof EXAMPLES;

const STATES = ["drain", "ready", "maint"] as const;

/** @throws RequestError when the body is too long, too slow, or no command. */
export async function readCommand(
  request: Request,
  setting: Setting,
  bodyMsMax = BODY_MS_MAX,
): Promise<ServerCommand> {
  return parseCommand(await readText(request, bodyMsMax), setting);
}

/** Reads no more than is allowed, however much is announced or sent. */
async function readText(request: Request, bodyMsMax: number): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => {}); // ends the read that waits
  }, bodyMsMax);
  const bytes = new Uint8Array(BODY_BYTES_MAX);
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (length + value.length > BODY_BYTES_MAX) {
        reader.cancel().catch(() => {});
        throw new RequestError(413, `the body is longer than ${BODY_BYTES_MAX} bytes`);
      }
      bytes.set(value, length);
      length += value.length;
    }
  } finally {
    clearTimeout(timer);
  }
  if (isLate) throw new RequestError(408, `the body has not come within ${bodyMsMax} ms`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw new RequestError(400, "the body is not text in UTF-8");
  }
}

/** @throws RequestError that says what is wrong, and shows the form. */
export function parseCommand(text: string, setting: Setting): ServerCommand {
  const fail = (what: string) => new RequestError(400, `${what}; send ${EXAMPLES[setting]}`);
  if (text.trim() === "") throw fail("the body is empty");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw fail(`the body is not JSON (${makePrintable((cause as Error).message)})`);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw fail(`the body must be an object, not ${show(body)}`);
  }
  const fields = body as Readonly<Record<string, unknown>>;
  const known = setting === "state" ? ["state", "deadline_ms"] : ["weight"];
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = findNearest(unknown, known);
    const hint = near === null ? "" : `, did you mean "${near}"?`;
    throw fail(`unknown field ${quoteText(unknown)}${hint}`);
  }
  if (!Object.hasOwn(fields, setting)) throw fail(`"${setting}" is missing`);
  return setting === "state" ? readState(fields, fail) : readWeight(fields, fail);
}

type Fields = Readonly<Record<string, unknown>>;
type Fail = (what: string) => RequestError;

function readState(fields: Fields, fail: Fail): ServerCommand {
  const { state, deadline_ms: deadlineMs = null } = fields;
  const kind = STATES.find((each) => each === state);
  if (kind === undefined) {
    throw fail(`"state" must be one of ${STATES.join(", ")}, not ${show(state)}${meant(state)}`);
  }
  if (kind !== "drain") {
    if (deadlineMs !== null) throw fail(`"deadline_ms" goes with "drain" only`);
    return { kind };
  }
  if (deadlineMs !== null && !isWhole(deadlineMs, DEADLINE_MS_MAX)) {
    const range = `a whole number of 0..${DEADLINE_MS_MAX}, or null`;
    throw fail(`"deadline_ms" must be ${range}, not ${show(deadlineMs)}`);
  }
  return { kind, deadlineMs };
}

function readWeight({ weight }: Fields, fail: Fail): ServerCommand {
  if (!isWhole(weight, WEIGHT_MAX)) {
    throw fail(`"weight" must be a whole number of 0..${WEIGHT_MAX}, not ${show(weight)}`);
  }
  return { kind: "weight", weight };
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

/** What was sent, as JSON, short: an object only by what it is. */
function show(value: unknown): string {
  if (typeof value === "string") return quoteText(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

/** Which state a word of other programs stands for, or one that is misspelt. */
function meant(state: unknown): string {
  if (typeof state !== "string") return "";
  const near = STATES.find((each) => COMMAND_WORDS[each].includes(state.toLowerCase())) ??
    findNearest(state, STATES);
  return near === null ? "" : `, did you mean "${near}"?`;
}
