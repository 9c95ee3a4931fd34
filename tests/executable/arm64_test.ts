/**
 * The executable for arm64, made here and run by qemu: the whole of it, launcher and memory files
 * included. There is no io_uring in there, so it also is the epoll engine that carries the bytes.
 */
import { ok } from "node:assert/strict";
import { findProgram } from "../../scripts/command.ts";
import { inEmulation } from "../../scripts/compile/emulation.ts";
import { canEmptyRoot } from "../../scripts/compile/empty_root.ts";
import { runTrial } from "../../scripts/compile/trial.ts";
import { executableName, findTarget, ownTarget } from "../../scripts/compile/target.ts";
import { VERSION } from "../../src/base/version.ts";
import { compile, ROOT } from "./built_executable.ts";

const TARGET = findTarget("linux-arm64")!;

/** The emulator, where root may install it. */
async function provideEmulator(): Promise<void> {
  if (findProgram("qemu-aarch64-static") !== undefined || Deno.uid() !== 0) return;
  await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `${ROOT}/scripts/setup.ts`, "--arm64"],
    stdin: "null",
  }).output();
}

Deno.test({
  name: "the executable for arm64 tells its version, checks a file, and carries bytes",
  ignore: ownTarget() === TARGET || !canEmptyRoot("/"),
  fn: async () => {
    await provideEmulator();
    const said = await compile(["--target", TARGET.name]);
    // Whoever has just made it has tried it.
    if (said.includes("it carries bytes")) return;
    const folder = Deno.makeTempDirSync({ prefix: "ringway-arm64-" });
    try {
      const launcher = inEmulation(TARGET, folder);
      if (launcher === undefined) {
        console.log("not tried: this system has no emulator, or does not let us use it");
        return;
      }
      const executable = `${ROOT}/dist/${executableName(TARGET)}`;
      const { version } = await runTrial(executable, VERSION, folder, launcher);
      ok(version.includes("aarch64"), version);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});
