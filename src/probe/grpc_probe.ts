/**
 * grpc.health.v1.Health/Check over HTTP/2 without TLS, which both sides know beforehand ("prior
 * knowledge"). Only SERVING is good; a server that does not know the service fails the check.
 *
 * The connection is made before HTTP/2 gets it, so that one that cannot be made says why.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { ProbeConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { VERSION } from "../base/version.ts";
import { describeFailure, failureOutcome } from "./failure_outcome.ts";
import { decodeHealthResponse, encodeHealthRequest } from "./grpc_message.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { authorityOf, closeStream, openStream } from "./stream_socket.ts";
import { type CheckTerms, runTalk, type Talk } from "./timed_talk.ts";

export type GrpcProbe = Extract<ProbeConfig, { kind: "grpc" }>;

/** An answer has seven bytes; what servers may add to it later fits, too. */
const ANSWER_BYTES_MAX = 4096;

/** The place of each is its number. */
const GRPC_STATUSES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

export function probeGrpc(
  probe: GrpcProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  return runTalk(terms, (settle) => new GrpcTalk(probe, target, terms, settle));
}

class GrpcTalk implements Talk {
  readonly #settle: (outcome: ProbeOutcome) => void;
  readonly #socket: Socket;
  readonly #pieces: Uint8Array[] = [];
  #session: ClientHttp2Session | null = null;
  #bytes = 0;
  /** Those before the answer, and those after it in their place or beside them. */
  #headers: IncomingHttpHeaders = {};

  constructor(
    probe: GrpcProbe,
    target: ProbeTarget,
    terms: CheckTerms,
    settle: (outcome: ProbeOutcome) => void,
  ) {
    this.#settle = settle;
    this.#socket = openStream(target, terms.preface);
    this.#socket.on("error", (error) => settle(failureOutcome(error)));
    this.#socket.on("close", () => settle(failed("connection closed without an answer")));
    this.#socket.once("connect", () => {
      try {
        this.#ask(probe, target, terms);
      } catch (error) {
        settle(failureOutcome(error));
      }
    });
  }

  #ask(probe: GrpcProbe, target: ProbeTarget, terms: CheckTerms): void {
    const session = connect(`http://${authorityOf(target)}`, {
      createConnection: () => this.#socket,
      settings: { enablePush: false },
    });
    this.#session = session;
    session.on("error", (error) => this.#settle(http2Failure(error)));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": `ringway/${VERSION}`,
      "grpc-timeout": `${terms.timeoutMs}m`,
    });
    stream.on("error", (error) => this.#settle(http2Failure(error)));
    this.#listen(stream);
    stream.end(Buffer.from(encodeHealthRequest(probe.service)));
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on("response", (headers) => this.#headers = { ...headers });
    stream.on("trailers", (headers) => this.#headers = { ...this.#headers, ...headers });
    stream.on("data", (piece: Uint8Array) => {
      this.#bytes += piece.length;
      this.#pieces.push(piece);
      if (this.#bytes > ANSWER_BYTES_MAX) this.#settle(failed("the answer is too long"));
    });
    stream.on("end", () => this.#settle(judge(this.#headers, Buffer.concat(this.#pieces))));
  }

  missing(): string {
    return this.#socket.connecting ? "no connection" : "no answer";
  }

  close(): Promise<void> {
    this.#session?.destroy();
    return closeStream(this.#socket);
  }
}

function judge(headers: IncomingHttpHeaders, body: Uint8Array): ProbeOutcome {
  const status = headers[":status"];
  if (status === undefined) return failed("connection closed without an answer");
  // Whatever is in front of the service answers in HTTP; the body is then not for us.
  const isGrpc = String(headers["content-type"]).startsWith("application/grpc");
  if (Number(status) !== 200 || !isGrpc) return failed(`not gRPC: HTTP status ${status}`);
  const code = String(headers["grpc-status"] ?? "none");
  if (code !== "0") return failed(describeStatus(code, headers["grpc-message"]));
  const serving = decodeHealthResponse(body);
  if (serving === null) return failed("the answer is not a HealthCheckResponse");
  return serving === "SERVING" ? passed(serving) : failed(serving);
}

function describeStatus(code: string, message: string | string[] | undefined): string {
  const name = /^[0-9]{1,2}$/.test(code) ? GRPC_STATUSES[Number(code)] : undefined;
  const status = name === undefined ? quoteText(code) : `${code} (${name})`;
  return `gRPC status ${status}${message ? `: ${quoteText(decodeMessage(String(message)))}` : ""}`;
}

/** Percent-encoded; what is not is shown as it came. */
function decodeMessage(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function http2Failure(error: unknown): ProbeOutcome {
  const { code } = Object(error) as { readonly code?: unknown };
  const isOfHttp2 = typeof code === "string" && code.startsWith("ERR_HTTP2_");
  return isOfHttp2 ? failed(`not gRPC: ${describeFailure(error)}`) : failureOutcome(error);
}
