import { deepEqual, equal, ok } from "node:assert/strict";
import { chooseCores, parseCpuList, readAllowedCpus, readSiblings } from "./cores.ts";

Deno.test("a list of CPUs has numbers and ranges", () => {
  deepEqual(parseCpuList("0-2,5\n"), [0, 1, 2, 5]);
  deepEqual(parseCpuList("7"), [7]);
  deepEqual(parseCpuList("\n"), []);
});

Deno.test("the proxies get the last core, the load the first", () => {
  deepEqual(chooseCores([0, 1], (cpu) => [cpu]), { proxy: 1, load: 0, siblings: false });
});

Deno.test("threads of one physical core are avoided while there are others", () => {
  const paired = (cpu: number) => [cpu % 2, cpu % 2 + 2];
  deepEqual(chooseCores([1, 2, 3], paired), { proxy: 3, load: 2, siblings: false });
  deepEqual(chooseCores([1, 3], paired), { proxy: 3, load: 1, siblings: true });
});

Deno.test("one core is not enough", () => {
  equal(chooseCores([4], () => []), null);
  equal(chooseCores([], () => []), null);
});

Deno.test("this machine tells its CPUs", () => {
  const [first] = readAllowedCpus();
  ok(first >= 0);
  ok(Array.isArray(readSiblings(first)));
});
