import { deepStrictEqual } from "node:assert/strict";
import { planStages, readRequest } from "./test_run.ts";

const FILES = [
  "src/ring/ring_test.ts",
  "src/ring_buffer_test.ts",
  "scripts/tidy_test.ts",
  "tests/all_test.ts",
  "tests/admin/top_test.ts",
  "tests/executable/arm64_test.ts",
  "tests/executable/start_test.ts",
  "tests/fuzz/http1_test.ts",
  "tests/scenario/health/probe_test.ts",
  "tests/scenario/memory/idle_test.ts",
  "tests/scenario/tcp/drain_test.ts",
  "tests/scenario/udp/echo_test.ts",
  "tests/simulation/tunnel_test.ts",
];

function names(...args: string[]): string[] {
  const request = readRequest(args, (path) => /^(\.\/)?(src|tests|scripts)/.test(path));
  return planStages(request, FILES).map(({ name }) => name);
}

Deno.test("a whole run goes from cheap to dear, and forgets no folder", () => {
  deepStrictEqual(names(), [
    "type check",
    "tidy",
    "build",
    "unit",
    "scenario",
    "scenario, timed",
    "scenario, alone",
    "simulation",
    "fuzz",
    "admin",
    "compile",
    "executable",
    "executable on epoll",
    "executable on epoll, timed",
  ]);
  deepStrictEqual(names("--gate").slice(0, 3), ["format", "lint", "type check"]);
});

Deno.test("each run puts TCP, UDP and health through the executable; --all everything", () => {
  const stages = (...args: string[]) =>
    planStages(readRequest(args, () => false), FILES)
      .filter(({ name }) => name.startsWith("executable on epoll"));
  const [usual, timed] = stages();
  deepStrictEqual(usual.env, {
    ...{ RINGWAY_PROGRAM: "dist/ringway-linux-x64", RINGWAY_IO: "epoll" },
    DENO_JOBS: "2",
  });
  deepStrictEqual(usual.args.slice(-1), ["tests/scenario/udp/echo_test.ts"]);
  deepStrictEqual(timed.args.slice(-1), ["tests/scenario/health/probe_test.ts"]);
  deepStrictEqual(stages("--all").map(({ args }) => args.at(-1)), [
    "tests/scenario/udp/echo_test.ts",
    "tests/scenario/health/probe_test.ts",
    "tests/scenario/memory/idle_test.ts",
  ]);
});

Deno.test("what is emulated is for --all, or for who asks for it", () => {
  const files = (...args: string[]) => {
    const request = readRequest(args, (path) => path.startsWith("tests"));
    return planStages(request, FILES).find(({ name }) => name === "executable")?.args.slice(4);
  };
  const [arm64, start] = ["tests/executable/arm64_test.ts", "tests/executable/start_test.ts"];
  deepStrictEqual(files(), [start]);
  deepStrictEqual(files("--all"), [arm64, start]);
  deepStrictEqual(files(arm64), [arm64]);
});

Deno.test("paths choose files and leave out the stages without any", () => {
  deepStrictEqual(names("src/ring"), ["type check", "build", "unit"]);
  deepStrictEqual(names("./tests/scenario/"), [
    "type check",
    "build",
    "scenario",
    "scenario, timed",
    "scenario, alone",
  ]);
  deepStrictEqual(names("tests/scenario/tcp"), ["type check", "build", "scenario"]);
  deepStrictEqual(names("tests/executable"), ["type check", "build", "compile", "executable"]);
  const request = readRequest(["src/ring", "--filter=lease"], (path) => path === "src/ring");
  const unit = planStages(request, FILES).at(-1);
  deepStrictEqual(unit?.args.slice(0, 6), [
    "test",
    "-A",
    "--no-check",
    "--quiet",
    "--parallel",
    "--filter=lease",
  ]);
  deepStrictEqual(unit?.together, ["src/ring/ring_test.ts"]);
});

Deno.test("the packages that scenarios need are installed for them alone", () => {
  const buildArgs = (...args: string[]) => {
    const request = readRequest(args, (path) => /^(src|tests)/.test(path));
    return planStages(request, FILES).find(({ name }) => name === "build")?.args;
  };
  const setup = ["run", "-A", "--quiet", "scripts/setup.ts"];
  deepStrictEqual(buildArgs(), [...setup, "--peers"]);
  deepStrictEqual(buildArgs("tests/scenario"), [...setup, "--peers"]);
  deepStrictEqual(buildArgs("src/ring"), setup);
});
