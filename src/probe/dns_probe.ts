/**
 * Asks a name server a question over UDP: good is any answer without an error. A name that does not
 * exist (NXDOMAIN) is one, like a server that refuses or cannot find out: whoever configures a name
 * for this chooses one that is there. There may be no record of the type, though.
 */
import type { ProbeConfig } from "../config/config.ts";
import { plural } from "../base/plural.ts";
import { DatagramTalk } from "./datagram_talk.ts";
import { decodeDnsAnswer, encodeDnsQuery } from "./dns_message.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { type CheckTerms, runTalk } from "./timed_talk.ts";

export type DnsProbe = Extract<ProbeConfig, { kind: "dns" }>;

export function probeDns(
  probe: DnsProbe,
  target: ProbeTarget,
  terms: CheckTerms,
): Promise<ProbeOutcome> {
  return runTalk(terms, (settle) => {
    const id = crypto.getRandomValues(new Uint16Array(1))[0];
    const query = encodeDnsQuery(id, probe.name, probe.type);
    return new DatagramTalk(target, query, terms.preface, settle, (message) => {
      const answer = decodeDnsAnswer(query, message);
      if (answer === null) return null;
      const { code, records } = answer;
      return code === "NOERROR" ? passed(`${code}, ${plural(records, "record")}`) : failed(code);
    });
  });
}
