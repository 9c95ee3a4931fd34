import { deepStrictEqual } from "node:assert/strict";
import { CASE_NAMES } from "./goal.ts";
import { listPrograms } from "./program.ts";

function namesFor(...cases: Parameters<typeof listPrograms>[0]): string[] {
  return listPrograms(cases).map(({ name }) => name);
}

Deno.test("only what the chosen cases need has to be there", () => {
  deepStrictEqual(namesFor("udp-64", "udp-flows"), ["nginx"]);
  deepStrictEqual(namesFor("udp-dns"), ["nginx", "dnsdist", "dnsperf"]);
  deepStrictEqual(namesFor("bulk"), ["nginx", "haproxy", "wrk"]);
  deepStrictEqual(namesFor(...CASE_NAMES), ["nginx", "haproxy", "dnsdist", "wrk", "dnsperf"]);
});
