/**
 * Fetches what the agent of a server says: one line, then either side ends. What the line means is
 * read by health/agent_line.ts.
 *
 * @see AGENT_BYTES_MAX: more than that is not a line, and no end of line within it is a failure.
 */
import { Buffer } from "node:buffer";
import type { AgentCheckConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { AGENT_BYTES_MAX } from "../health/agent_line.ts";
import { failureOutcome } from "./failure_outcome.ts";
import { type AgentOutcome, failed, passed, type ProbeTarget } from "./probe_outcome.ts";
import { closeStream, openStream } from "./stream_socket.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

const LINE_FEED = 10;

/**
 * @param target whom to ask: the agent, not the server.
 * @param more as of any check; nothing goes out in front.
 */
export async function runAgentCheck(
  check: Pick<AgentCheckConfig, "send">,
  target: ProbeTarget,
  timeoutMs: number,
  more: Omit<Partial<CheckTerms>, "preface"> = {},
): Promise<AgentOutcome> {
  let line: string | null = null;
  const outcome = await runTalk({ signal: null, ...more, timeoutMs, preface: null }, (settle) => {
    let missing = "no connection";
    let said = Buffer.alloc(0);
    const socket = openStream(target, null);
    const finish = (bytes: number) => {
      // What follows the line, or the outcome, was not asked for.
      if (line !== null) return;
      line = said.subarray(0, bytes).toString().replace(/\r$/, "");
      settle(passed(quoteText(line)));
    };
    socket.on("connect", () => {
      missing = "no line";
      if (check.send !== null) socket.write(Buffer.from(check.send, "latin1"));
    });
    socket.on("data", (piece: Uint8Array) => {
      said = Buffer.concat([said, piece.subarray(0, AGENT_BYTES_MAX + 1 - said.length)]);
      const end = said.indexOf(LINE_FEED);
      if (end >= 0 && end < AGENT_BYTES_MAX) finish(end);
      else if (said.length > AGENT_BYTES_MAX) {
        settle(failed(`more than ${AGENT_BYTES_MAX} bytes without an end of line`));
      }
    });
    socket.on("end", () => {
      if (said.length === 0) settle(failed("connection closed without an answer"));
      else finish(said.length);
    });
    socket.on("error", (error) => settle(failureOutcome(error)));
    return { missing: () => missing, close: () => closeStream(socket) };
  });
  return { ...outcome, line: outcome.isOk ? line : null };
}
