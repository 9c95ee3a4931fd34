/**
 * The programs of others that the cases need, and how each is asked for its version: some know no
 * option for it, and dnsperf takes the usual one for something else.
 */
import { type CaseName, isUdp } from "./goal.ts";

export interface Program {
  readonly name: string;
  /** As its makers write it. */
  readonly title: string;
  readonly versionOption: string;
  readonly isNeeded: (test: CaseName) => boolean;
}

const isTcp = (test: CaseName) => !isUdp(test);
const isDns = (test: CaseName) => test === "udp-dns";

const PROGRAMS: readonly Program[] = [
  { name: "nginx", title: "nginx", versionOption: "-v", isNeeded: () => true },
  { name: "haproxy", title: "HAProxy", versionOption: "-v", isNeeded: isTcp },
  { name: "dnsdist", title: "dnsdist", versionOption: "--version", isNeeded: isDns },
  { name: "wrk", title: "wrk", versionOption: "-v", isNeeded: isTcp },
  { name: "dnsperf", title: "dnsperf", versionOption: "-h", isNeeded: isDns },
];

export function listPrograms(cases: readonly CaseName[]): Program[] {
  return PROGRAMS.filter(({ isNeeded }) => cases.some(isNeeded));
}
