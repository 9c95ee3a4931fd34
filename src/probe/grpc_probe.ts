/**
 * grpc.health.v1.Health/Check over HTTP/2 without TLS, which both sides know beforehand ("prior
 * knowledge"). Only SERVING is good; a server that does not know the service fails the check.
 *
 * By fetch, whose HTTP/2 stands up to any bytes: that of node:http2 ends the whole process on some
 * (nghttp2 asserts, or reads what it has freed). What it costs: trailers are not seen, and nothing
 * can go out before HTTP/2 does. So a status of gRPC counts where it comes without a message, in
 * the head; and there are no PROXY headers.
 */
import type { ProbeConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { VERSION } from "../base/version.ts";
import { formatHostPort } from "../net/address.ts";
import { describeFailure, failureOutcome } from "./failure_outcome.ts";
import { decodeHealthResponse, encodeHealthRequest } from "./grpc_message.ts";
import { failed, notAsked, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

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
  // A server that expects the header would be taken for broken.
  if (terms.preface !== null) {
    return Promise.resolve(notAsked("a gRPC check cannot send a PROXY header"));
  }
  return runTalk(terms, (settle) => {
    const client = openClient(target);
    const controller = new AbortController();
    const asked = ask(probe, target, terms.timeoutMs, client, controller.signal)
      .catch((error) => fetchFailure(error))
      .then(settle);
    return {
      missing: () => "no answer",
      close: async () => {
        controller.abort();
        await asked;
        client.close();
      },
    };
  });
}

/** The target is a "proxy": so the URL may be any, and neither its port nor variables decide. */
function openClient(target: ProbeTarget): Deno.HttpClient {
  const { host, port, unixPath } = target;
  const hostname = host.includes(":") ? `[${host}]` : host;
  return Deno.createHttpClient({
    http1: false,
    http2: true,
    proxy: unixPath === null
      ? { transport: "tcp", hostname, port }
      : { transport: "unix", path: unixPath },
  });
}

async function ask(
  probe: GrpcProbe,
  target: ProbeTarget,
  timeoutMs: number,
  client: Deno.HttpClient,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const authority = target.unixPath === null ? formatHostPort(target.host, 80) : "localhost";
  const answer = await fetch(`http://${authority}/grpc.health.v1.Health/Check`, {
    method: "POST",
    headers: {
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": `${timeoutMs}m`,
      "user-agent": `ringway/${VERSION}`,
    },
    body: encodeHealthRequest(probe.service),
    redirect: "manual",
    client,
    signal,
  });
  // Whatever is in front of the service answers in HTTP; the body is then not for us.
  const isGrpc = answer.headers.get("content-type")?.startsWith("application/grpc");
  const code = answer.headers.get("grpc-status") ?? "0";
  const isRead = answer.status === 200 && isGrpc && code === "0";
  const body = await readBody(answer, isRead ? ANSWER_BYTES_MAX : 0);
  if (answer.status !== 200 || !isGrpc) return failed(`not gRPC: HTTP status ${answer.status}`);
  if (code !== "0") return failed(describeStatus(code, answer.headers.get("grpc-message")));
  if (body === null) return failed("the answer is too long");
  const serving = decodeHealthResponse(body);
  if (serving === null) return failed("the answer is not a HealthCheckResponse");
  return serving === "SERVING" ? passed(serving) : failed(serving);
}

/** Null when there is more of it; the rest is not waited for. */
async function readBody(answer: Response, bytesMax: number): Promise<Uint8Array | null> {
  const pieces: number[] = [];
  if (answer.body === null) return new Uint8Array(0);
  const reader = answer.body.getReader();
  while (pieces.length <= bytesMax) {
    const { value, done } = await reader.read();
    if (done) return Uint8Array.from(pieces);
    pieces.push(...value.subarray(0, bytesMax + 1 - pieces.length));
  }
  await reader.cancel();
  return null;
}

function describeStatus(code: string, message: string | null): string {
  const name = /^[0-9]{1,2}$/.test(code) ? GRPC_STATUSES[Number(code)] : undefined;
  const status = name === undefined ? quoteText(code) : `${code} (${name})`;
  return `gRPC status ${status}${message ? `: ${quoteText(decodeMessage(message))}` : ""}`;
}

/** Percent-encoded; what is not is shown as it came. */
function decodeMessage(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** The reason is in the cause, and the number of an error only in its text. */
function fetchFailure(error: unknown): ProbeOutcome {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const text = describeFailure(cause);
  const errno = /\(os error ([0-9]+)\)/.exec(cause instanceof Error ? cause.message : text)?.[1];
  return errno === undefined
    ? failed(`no answer of gRPC: ${text}`)
    : failureOutcome({ errno: -Number(errno) });
}
