import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { findObstacle, type Means, parseOpenFiles, readMeans } from "./obstacle.ts";

const GOOD: Means = { cpus: 2, quota: Infinity, missingPrograms: [], openFiles: 20_000 };

Deno.test("two cores, the programs and enough files are enough", () => {
  strictEqual(findObstacle(GOOD), null);
});

Deno.test("one core is told, by affinity or by quota", () => {
  match(findObstacle({ ...GOOD, cpus: 1 })!, /needs two cores.* may use 1:/);
  match(findObstacle({ ...GOOD, cpus: 8, quota: 1.5 })!, /needs two cores.* may use 1.5:/);
});

Deno.test("missing programs are told with how to get them", () => {
  const found = findObstacle({ ...GOOD, missingPrograms: ["wrk", "nginx"] });
  match(found!, /^wrk, nginx not found .*deno task setup --bench/);
});

Deno.test("too low a limit of open files is told", () => {
  match(findObstacle({ ...GOOD, openFiles: 4096 })!, /needs 20000 open files .* is 4096/);
});

Deno.test("the limit of open files is the hard one", () => {
  const line = (hard: string) =>
    `Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   ${hard}   files\n`;
  strictEqual(parseOpenFiles(line("524288")), 524288);
  strictEqual(parseOpenFiles(line("unlimited")), Infinity);
});

Deno.test("this machine's means can be read", () => {
  const { openFiles, missingPrograms } = readMeans(["no_such_program"]);
  strictEqual(typeof openFiles, "number");
  deepStrictEqual(missingPrograms, ["no_such_program"]);
});
