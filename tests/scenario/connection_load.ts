/**
 * Load of new connections, a program: so many clients at a time, each of which connects, is told a
 * name by a server, has a few bytes sent back, and goes; again and again until it is told to end by
 * a line. Every line is answered by what has come of the connections since the line before.
 *
 *   connection_load.ts PORT CLIENTS
 *
 * It is gentle: each client rests a moment between two connections, so that a machine of two cores
 * has room for what is being tested.
 */
import { connect } from "node:net";
import { within } from "./until.ts";

/** What has come of connections. Times are milliseconds since 1970. */
export interface LoadReport {
  /** Connections that went well, by the name of the server. */
  readonly servedBy: Record<string, number>;
  readonly failures: readonly Failure[];
  /** The longest that a connection took that went well. */
  readonly slowestMs: number;
}

export interface Failure {
  readonly startedMs: number;
  readonly endedMs: number;
  /** What went wrong, and after how much. */
  readonly what: string;
}

const REST_MS = 4;
const PATIENCE_MS = 8000;
const QUESTION = "is anybody there?";

let servedBy: Record<string, number> = {};
let failures: Failure[] = [];
let slowestMs = 0;
let isEnding = false;

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The name that one connection was told. @throws Error when it did not go well. */
async function converse(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    let name = "";
    let text = "";
    const answered = Promise.withResolvers<void>();
    socket.on("error", answered.reject);
    socket.on("close", () => answered.reject(new Error(`closed after "${text}"`)));
    socket.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder().decode(bytes);
      if (name === "") {
        name = text;
        socket.write(QUESTION);
      }
      if (text === name + QUESTION) answered.resolve();
    });
    await answered.promise;
    return name;
  } finally {
    socket.destroy();
  }
}

async function beClient(port: number): Promise<void> {
  while (!isEnding) {
    const startedMs = now();
    try {
      const name = await within("it is answered", converse(port), { withinMs: PATIENCE_MS });
      servedBy[name] = (servedBy[name] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, now() - startedMs);
    } catch (failure) {
      const what = failure instanceof Error ? failure.message : String(failure);
      failures.push({ startedMs, endedMs: now(), what });
    }
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
}

function report(): LoadReport {
  const made = { servedBy, failures, slowestMs };
  servedBy = {};
  failures = [];
  slowestMs = 0;
  return made;
}

if (import.meta.main) {
  const [port, clients] = Deno.args.map(Number);
  const running = Promise.all(Array.from({ length: clients }, () => beClient(port)));
  for await (const line of lines()) {
    if (line === "end") {
      isEnding = true;
      await running;
    }
    console.log(JSON.stringify(report()));
  }
}

async function* lines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
