import { match, strictEqual } from "node:assert/strict";
import { describeMachine, parseCpuModel, parseSystem, parseVersion } from "./machine.ts";
import { TEST_MACHINE } from "./test_result.ts";

Deno.test("a version is what looks like one in the first line", () => {
  strictEqual(parseVersion("nginx version: nginx/1.22.1\n"), "1.22.1");
  strictEqual(
    parseVersion("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://x/\n"),
    "2.6.12-1+deb12u4",
  );
  strictEqual(parseVersion("wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 W\n"), "4.1.0-3+b2");
  strictEqual(
    parseVersion("DNS Performance Testing Tool\nVersion 2.10.0\n\nUsage: -f 1.5\n"),
    "2.10.0",
  );
  strictEqual(parseVersion("dnsdist 1.7.3 (Lua 5.1.4 [LuaJIT 2.1.0-beta3])\n"), "1.7.3");
  strictEqual(parseVersion("what?\n1.2.3"), "unknown");
});

Deno.test("processor and system are named as they name themselves", () => {
  strictEqual(parseCpuModel("processor : 0\nmodel name\t: A 5 CPU\nmodel name\t: B\n"), "A 5 CPU");
  strictEqual(parseCpuModel("CPU implementer : 0x41\n"), "unknown");
  strictEqual(
    parseSystem('NAME="D"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'),
    "Debian GNU/Linux 12 (bookworm)",
  );
  strictEqual(parseSystem("PRETTY_NAME=Plain\n"), "Plain");
});

Deno.test("a machine is one line", () => {
  match(describeMachine(TEST_MACHINE), /^Debian 12, Linux 6\.12\.0, .*, 2 cores; .*wrk 4\.1\.0$/);
});
