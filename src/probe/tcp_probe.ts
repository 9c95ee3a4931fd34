/**
 * Does it accept, and if so asked: does it answer as it should?
 *
 * Without `expect` a connection that was made is enough, with `send` one that took the text. With
 * `expect` it goes on reading until it is found, the server ends, or 64 KiB have come. A server may
 * speak first (SMTP, SSH): `expect` needs no `send`.
 */
import { Buffer } from "node:buffer";
import type { ProbeConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { failureOutcome } from "./failure_outcome.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { closeStream, openStream } from "./stream_socket.ts";
import { SEARCHED_BYTES_MAX, TextSearch } from "./text_search.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

export type TcpProbe = Extract<ProbeConfig, { kind: "tcp" }>;

export function probeTcp(
  probe: TcpProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  const { send, expect } = probe;
  const lacks = `answer does not contain ${quoteText(expect ?? "")}`;
  return runTalk(terms, (settle) => {
    const search = new TextSearch(expect ?? "");
    let missing = "no connection";
    const socket = openStream(target, terms.preface);
    socket.on("connect", () => {
      missing = expect === null ? "no end of sending" : "no answer";
      if (send !== null) {
        socket.write(Buffer.from(send, "latin1"), (error) => {
          if (!error && expect === null) settle(passed("connected and sent"));
        });
      } else if (expect === null) settle(passed("connected"));
    });
    socket.on("data", (piece: Uint8Array) => {
      if (expect === null) return; // it is only taken, so that the server can go on
      missing = lacks;
      search.add(piece);
      if (search.isFound) settle(passed(`answer contains ${quoteText(expect)}`));
      else if (search.isOver) settle(failed(`${lacks} in its first ${SEARCHED_BYTES_MAX} bytes`));
    });
    socket.on("end", () => {
      const isSilent = missing !== lacks;
      settle(failed(isSilent ? "connection closed without an answer" : lacks));
    });
    socket.on("error", (error) => settle(failureOutcome(error)));
    return { missing: () => missing, close: () => closeStream(socket) };
  });
}
