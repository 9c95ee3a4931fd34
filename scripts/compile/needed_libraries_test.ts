import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { collectLibraries, readNeeded } from "./needed_libraries.ts";

Deno.test("the runtime's libraries are read from the runtime", () => {
  const needed = readNeeded(Deno.readFileSync(Deno.execPath()));
  ok(needed.includes("libc.so.6"), needed.join(" "));
  ok(needed.every((name) => /^(lib|ld-)[\w.+-]+\.so\.\d+$/.test(name)), needed.join(" "));
});

Deno.test("what is no program is refused", () => {
  throws(() => readNeeded(new TextEncoder().encode("#!/bin/sh\n".repeat(20))), /not an ELF file/);
});

Deno.test("what only libraries need is found too, once and sorted; the loader is left out", () => {
  const runtime = Deno.readFileSync(Deno.execPath());
  const asked: string[] = [];
  const found = collectLibraries(runtime, "ld-linux-x86-64.so.2", (name) => {
    asked.push(name);
    // Each library needs what the runtime needs.
    return runtime;
  });
  const names = [...found.keys()];
  deepStrictEqual(names, [...names].sort());
  deepStrictEqual([...asked].sort(), names);
  ok(!names.includes("ld-linux-x86-64.so.2"));
});
