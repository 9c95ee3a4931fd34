import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  familyBytes,
  parseCoreSeconds,
  parseMemory,
  parseStat,
  readMemory,
  readStat,
  readThreadTimes,
  usedNanos,
} from "./process_usage.ts";

Deno.test("a process is read even if its name looks like fields", () => {
  const text = "42 (a) S 1 (b) R 7 42 42 0 -1 4194304 1 0 0 0 311 290 0 0 20 0 3 0 9876 1 2 3\n";
  deepStrictEqual(parseStat(text), {
    pid: 42,
    state: "R",
    parent: 7,
    userTicks: 311,
    systemTicks: 290,
    startTicks: 9876,
  });
});

Deno.test("only new time counts, and all of a new thread's", () => {
  const before = new Map([["1/1", 100], ["1/2", 50]]);
  strictEqual(usedNanos(before, new Map([["1/1", 130], ["1/3", 7]])), 37);
});

const ROLLUP = `00400000-7fff0000 ---p 00000000 00:00 0 [rollup]
Rss:                 900 kB
Pss:                 700 kB
Pss_Anon:            180 kB
Pss_File:            500 kB
Pss_Shmem:            20 kB
Anonymous:           200 kB
AnonHugePages:        64 kB
Private_Hugetlb:    2048 kB
SwapPss:               5 kB
`;

Deno.test("own memory is what was written, wherever it is; the rest is files", () => {
  deepStrictEqual(parseMemory(ROLLUP), { ownBytes: 2253 * 1024, fileBytes: 680 * 1024 });
  deepStrictEqual(parseMemory("nothing"), { ownBytes: 0, fileBytes: 0 });
});

Deno.test("the code of a family counts once", () => {
  const members = [{ ownBytes: 10, fileBytes: 100 }, { ownBytes: 20, fileBytes: 90 }];
  strictEqual(familyBytes(members), 130);
});

Deno.test("a core's time is that of its own line", () => {
  const text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 100 10 200 5000 7 1 50 30 0 0\ncpu10 1 1\n";
  deepStrictEqual(parseCoreSeconds(text, 1), { busy: 3.61, stolen: 0.3 });
});

Deno.test("this very process can be read", () => {
  strictEqual(readStat(Deno.pid)?.pid, Deno.pid);
  ok(readMemory(Deno.pid).ownBytes > 1e6);
  const before = readThreadTimes([Deno.pid]);
  for (let i = 0; i < 1e6; i++);
  ok(usedNanos(before, readThreadTimes([Deno.pid])) >= 0);
});
