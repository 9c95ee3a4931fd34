import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { chooseCores, parseCpuList, readAllowedCpus, readSiblings } from "./cores.ts";

Deno.test("a list of CPUs has numbers and ranges", () => {
  deepStrictEqual(parseCpuList("0-2,5\n"), [0, 1, 2, 5]);
  deepStrictEqual(parseCpuList("7"), [7]);
  deepStrictEqual(parseCpuList("\n"), []);
});

Deno.test("the proxies get the last core, the load the first", () => {
  deepStrictEqual(chooseCores([0, 1], (cpu) => [cpu]), { proxy: 1, load: 0, siblings: false });
});

Deno.test("threads of one physical core are avoided while there are others", () => {
  const paired = (cpu: number) => [cpu % 2, cpu % 2 + 2];
  deepStrictEqual(chooseCores([1, 2, 3], paired), { proxy: 3, load: 2, siblings: false });
  deepStrictEqual(chooseCores([1, 3], paired), { proxy: 3, load: 1, siblings: true });
});

Deno.test("one core is not enough", () => {
  strictEqual(chooseCores([4], () => []), null);
  strictEqual(chooseCores([], () => []), null);
});

Deno.test("this machine tells its CPUs", () => {
  const [first] = readAllowedCpus();
  ok(first >= 0);
  ok(Array.isArray(readSiblings(first)));
});
