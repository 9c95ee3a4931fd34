import { deepEqual } from "node:assert/strict";
import { planStages, readRequest } from "./test_run.ts";

const FILES = [
  "src/ring/ring_test.ts",
  "src/ring_buffer_test.ts",
  "scripts/tidy_test.ts",
  "tests/all_test.ts",
  "tests/admin/top_test.ts",
  "tests/fuzz/http1_test.ts",
  "tests/scenario/tcp/drain_test.ts",
  "tests/simulation/tunnel_test.ts",
];

function names(...args: string[]): string[] {
  const request = readRequest(args, (path) => /^(\.\/)?(src|tests|scripts)/.test(path));
  return planStages(request, FILES).map(({ name }) => name);
}

Deno.test("a whole run goes from cheap to dear, and forgets no folder", () => {
  deepEqual(names(), [
    "type check",
    "tidy",
    "build",
    "unit",
    "scenario",
    "simulation",
    "fuzz",
    "admin",
  ]);
  deepEqual(names("--gate").slice(0, 3), ["format", "lint", "type check"]);
});

Deno.test("paths choose files and leave out the stages without any", () => {
  deepEqual(names("src/ring"), ["type check", "build", "unit"]);
  deepEqual(names("./tests/scenario/"), ["type check", "build", "scenario"]);
  const request = readRequest(["src/ring", "--filter=lease"], (path) => path === "src/ring");
  deepEqual(planStages(request, FILES).at(-1)?.args, [
    "test",
    "-A",
    "--no-check",
    "--quiet",
    "--parallel",
    "--filter=lease",
    "src/ring/ring_test.ts",
  ]);
});

Deno.test("the packages that scenarios need are installed for them alone", () => {
  const buildArgs = (...args: string[]) => {
    const request = readRequest(args, (path) => /^(src|tests)/.test(path));
    return planStages(request, FILES).find(({ name }) => name === "build")?.args;
  };
  const setup = ["run", "-A", "--quiet", "scripts/setup.ts"];
  deepEqual(buildArgs(), [...setup, "--peers"]);
  deepEqual(buildArgs("tests/scenario"), [...setup, "--peers"]);
  deepEqual(buildArgs("src/ring"), setup);
});
