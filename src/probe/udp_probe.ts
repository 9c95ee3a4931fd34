/**
 * Sends a datagram and waits for one back; the first decides. Without `expect` any answer will do:
 * of UDP silence says nothing, so a server that never answers cannot be probed this way.
 *
 * The runtime does not connect(2) sockets of datagrams, so it never hears that a port is closed
 * (ICMP): that too is no answer in time.
 */
import { Buffer } from "node:buffer";
import type { ProbeConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { DatagramTalk } from "./datagram_talk.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { TextSearch } from "./text_search.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

export type UdpProbe = Extract<ProbeConfig, { kind: "udp" }>;

export function probeUdp(
  probe: UdpProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  const { expect } = probe;
  return runTalk(terms, (settle) => {
    const request = Buffer.from(probe.send, "latin1");
    return new DatagramTalk(target, request, terms.preface, settle, (answer) => {
      if (expect === null) return passed("answered");
      const search = new TextSearch(expect);
      search.add(answer);
      return search.isFound
        ? passed(`answer contains ${quoteText(expect)}`)
        : failed(`answer does not contain ${quoteText(expect)}`);
    });
  });
}
