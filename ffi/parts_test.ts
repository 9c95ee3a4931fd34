import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readFacts, selfCommand, shimPath } from "./parts.ts";

const PARTS = "ld.so=3 deno=10 app.js=11 libringway.so=12 facts.json=13 preload=4:5:6";

Deno.test("from the source tree nothing is known of an executable", () => {
  deepStrictEqual([shimPath(), selfCommand(), readFacts()], [null, null, null]);
});

Deno.test("the shim is the memory file that the launcher names", () => {
  strictEqual(shimPath(PARTS), "/proc/self/fd/12");
});

Deno.test("the program is started again by its own loader, from the same memory files", () => {
  const command = selfCommand([], PARTS)!;
  strictEqual(command[0], "/proc/self/fd/3");
  strictEqual(command[command.indexOf("--preload") + 1], [4, 5, 6].map(fdPath).join(":"));
  strictEqual(command[command.indexOf("run") - 1], "/proc/self/fd/10");
  strictEqual(command.at(-1), "/proc/self/fd/11");
});

Deno.test("V8's flags reach the runtime, and not the program", () => {
  const command = selfCommand(["--one", "--two=2"], PARTS)!;
  strictEqual(command[command.indexOf("run") + 1], "--v8-flags=--one,--two=2");
});

Deno.test("a program that was compiled with its runtime takes no options of the runtime", () => {
  const command = selfCommand(["--one"], "ld.so=3 deno=5 preload=4")!;
  strictEqual(command.at(-1), "/proc/self/fd/5");
  strictEqual(command.some((word) => word.includes("--one")), false);
});

Deno.test("a variable that no launcher wrote is as good as none", () => {
  for (const text of ["", "ld.so", "ld.so=/bin/sh", "deno=1x app.js=2", "=3"]) {
    deepStrictEqual([shimPath(text), selfCommand([], text), readFacts(text)], [null, null, null]);
  }
});

Deno.test("facts are read from the memory file", () => {
  const facts = { version: "1", commit: "c", runtime: { name: "r", version: "2" }, components: [] };
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, JSON.stringify(facts));
    using file = Deno.openSync(path);
    const fd = findFd(path);
    deepStrictEqual(readFacts(`facts.json=${fd} preload=1`), facts);
    strictEqual(file.isTerminal(), false);
  } finally {
    Deno.removeSync(path);
  }
});

function fdPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** The number under which this process has `path` open. */
function findFd(path: string): string {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) === path) return name;
    } catch {
      // It was the folder itself, which is closed again.
    }
  }
  throw new Error(`${path} is not open`);
}
