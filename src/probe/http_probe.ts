/**
 * One HTTP/1.1 request on a connection of its own, without TLS; redirects are answers like others.
 *
 * The status decides. Only with `body` the body is read, its first 64 KiB; otherwise the connection
 * is closed as soon as the head is there. The runtime's parser bounds the head (16 KiB), but not
 * how many interim answers come before it, which it takes by itself: without the bounds here a
 * server that sends nothing else would keep this whole process busy.
 */
import { Buffer } from "node:buffer";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import type { ProbeConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { VERSION } from "../base/version.ts";
import { failureOutcome } from "./failure_outcome.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { authorityOf, closeStream, openStream } from "./stream_socket.ts";
import { SEARCHED_BYTES_MAX, TextSearch } from "./text_search.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

export type HttpProbe = Extract<ProbeConfig, { kind: "http" }>;

/** More of them than anybody has a use for. */
const INTERIM_ANSWERS_MAX = 16;
/** What may come until there is a head: 16 interim ones may be large. */
const BEFORE_ANSWER_BYTES_MAX = 64 * 1024;
/** Of the first bytes, as many as the head of an HTTP/2 frame has. */
const START_BYTES = 9;

export function probeHttp(
  probe: HttpProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  return runTalk(terms, (settle) => {
    let missing = "no connection";
    const socket = openStream(target, terms.preface);
    socket.once("connect", () => missing = "no answer");
    const start = new AnswerStart(socket);
    const judge = (answer: IncomingMessage) => {
      start.isOver = true;
      const status = answer.statusCode ?? 0;
      const isExpected = probe.status.some(([first, last]) => first <= status && status <= last);
      if (!isExpected) {
        return settle(failed(`status ${status}, expected ${formatRanges(probe.status)}`));
      }
      if (probe.body === null) return settle(passed(`status ${status}`));
      missing = `status ${status}, but ${bodyLacks(probe.body)}`;
      searchBody(answer, probe.body, settle);
    };
    let asked: ClientRequest | null = null;
    start.onExcess = (text) => {
      settle(failed(text));
      // At once: what has been read already would be parsed to its end.
      asked?.destroy();
      socket.destroy();
    };
    try {
      asked = openRequest(probe, target, socket);
      asked.on("error", (error) => settle(httpFailure(error, start.protocol)));
      asked.on("information", () => start.addInterim());
      asked.on("response", judge);
      // Answers after which the connection is not HTTP any more; unheard they would be lost.
      asked.on("upgrade", judge);
      asked.on("connect", judge);
      asked.end();
    } catch (error) {
      settle(failureOutcome(error)); // what HTTP forbids in a method, path or header
    }
    const close = () => {
      asked?.destroy();
      return closeStream(socket);
    };
    return { missing: () => missing, close };
  });
}

/** What comes before the answer, and is counted until then. */
class AnswerStart {
  /** Called once, when it is more than it may be. */
  onExcess: (text: string) => void = () => {};
  /** The answer is there. */
  isOver = false;
  #interim = 0;
  #bytes = 0;
  #first = Buffer.alloc(0);

  constructor(socket: Socket) {
    // In front of the parser, which hears of each piece after this.
    socket.on("data", (piece: Uint8Array) => this.#add(piece));
  }

  /** What seems to be spoken in place of HTTP/1; null: nothing that is known. */
  get protocol(): string | null {
    const [first, second, , type] = this.#first;
    // RFC 8446 5.1: an alert, or a handshake.
    if ((first === 0x15 || first === 0x16) && second === 3) return "TLS, not HTTP";
    // RFC 9113 3.4: a server begins with SETTINGS, of stream 0; its size is a multiple of 6.
    const isSettings = this.#first.length === START_BYTES && type === 4 &&
      this.#first.readUIntBE(0, 3) % 6 === 0 && this.#first.readUInt32BE(5) === 0;
    return isSettings ? "HTTP/2, not HTTP/1.1" : null;
  }

  addInterim(): void {
    if (++this.#interim > INTERIM_ANSWERS_MAX) {
      this.#exceed(`more than ${INTERIM_ANSWERS_MAX} interim answers`);
    }
  }

  #add(piece: Uint8Array): void {
    if (this.#first.length < START_BYTES) {
      this.#first = Buffer.concat([this.#first, piece.subarray(0, START_BYTES)])
        .subarray(0, START_BYTES);
    }
    // The answer may be within this piece; it was not within those before.
    if (this.#bytes > BEFORE_ANSWER_BYTES_MAX) {
      this.#exceed(`more than ${BEFORE_ANSWER_BYTES_MAX} bytes before the answer`);
    }
    this.#bytes += piece.length;
  }

  #exceed(text: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onExcess(text);
  }
}

function openRequest(probe: HttpProbe, target: ProbeTarget, socket: Socket): ClientRequest {
  // A header that is named again takes the place of the one before it.
  const headers = {
    host: authorityOf(target),
    "user-agent": `ringway/${VERSION}`,
    accept: "*/*",
    ...Object.fromEntries(
      Object.entries(probe.headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    ...(probe.host === null ? {} : { host: probe.host }),
  };
  const { method, path } = probe;
  // Without an agent; named as none, the runtime would open a connection of its own.
  return request({ createConnection: () => socket, method, path, headers });
}

/** @param wanted as UTF-8. */
function searchBody(
  answer: IncomingMessage,
  wanted: string,
  settle: (outcome: ProbeOutcome) => void,
): void {
  const search = new TextSearch(Buffer.from(wanted).toString("latin1"));
  const status = `status ${answer.statusCode}`;
  answer.on("data", (piece: Uint8Array) => {
    search.add(piece);
    if (search.isFound) settle(passed(status));
    else if (search.isOver) {
      settle(
        failed(`${status}, but ${bodyLacks(wanted)} in its first ${SEARCHED_BYTES_MAX} bytes`),
      );
    }
  });
  answer.on("end", () => settle(failed(`${status}, but ${bodyLacks(wanted)}`)));
  answer.on("aborted", () => settle(failed(`${status}, but the body was cut short`)));
  answer.on("error", (error) => settle(failureOutcome(error, `${status}, then `)));
}

function bodyLacks(wanted: string): string {
  return `body does not contain ${quoteText(wanted)}`;
}

/** @param protocol what the answer is instead, if that is known. */
function httpFailure(error: unknown, protocol: string | null): ProbeOutcome {
  const { code, errno } = error as { readonly code?: string; readonly errno?: number };
  if (code === "HPE_HEADER_OVERFLOW") return failed("the head of the answer is too long");
  if (code?.startsWith("HPE_")) {
    return failed(protocol === null ? "the answer is not HTTP" : `the answer is ${protocol}`);
  }
  // "socket hang up", which only the runtime calls a reset.
  if (code === "ECONNRESET" && errno === undefined) {
    return failed("connection closed without an answer");
  }
  return failureOutcome(error);
}

function formatRanges(ranges: HttpProbe["status"]): string {
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(", ");
}
