/**
 * One HTTP/1.1 request on a connection of its own, without TLS; redirects are answers like others.
 *
 * The status decides. Only with `body` the body is read, its first 64 KiB; otherwise the connection
 * is closed as soon as the head is there. The runtime's parser bounds the head (16 KiB).
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

export function probeHttp(
  probe: HttpProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  return runTalk(terms, (settle) => {
    let missing = "no connection";
    const socket = openStream(target, terms.preface);
    socket.once("connect", () => missing = "no answer");
    const judge = (answer: IncomingMessage) => {
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
    try {
      asked = openRequest(probe, target, socket);
      asked.on("error", (error) => settle(httpFailure(error)));
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

function httpFailure(error: unknown): ProbeOutcome {
  const { code, errno } = error as { readonly code?: string; readonly errno?: number };
  if (code === "HPE_HEADER_OVERFLOW") return failed("the head of the answer is too long");
  if (code?.startsWith("HPE_")) return failed("the answer is not HTTP");
  // "socket hang up", which only the runtime calls a reset.
  if (code === "ECONNRESET" && errno === undefined) {
    return failed("connection closed without an answer");
  }
  return failureOutcome(error);
}

function formatRanges(ranges: HttpProbe["status"]): string {
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(", ");
}
