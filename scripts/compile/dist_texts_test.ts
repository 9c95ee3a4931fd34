/**
 * What is shipped beside the executable: that it is the same each time, and that the unit has what
 * the program relies on. How well completions and the manual page work is tested beside them.
 */
import assert from "node:assert/strict";
import { findProgram } from "../command.ts";
import { distTexts } from "./dist_texts.ts";

const UNIT = distTexts().find(({ path }) => path === "ringway.service")!.text;

function settings(key: string): string[] {
  return UNIT.split("\n").filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

Deno.test("each file has the name that it is looked for by, and the same text each time", () => {
  const texts = distTexts();
  assert.deepEqual(texts.map(({ path }) => path), [
    "completions/_ringway",
    "completions/ringway.bash",
    "completions/ringway.fish",
    "ringway.1",
    "ringway.service",
  ]);
  assert.deepEqual(distTexts(), texts);
  for (const { path, text } of texts) {
    assert.ok(text.endsWith("\n") && !text.includes(import.meta.dirname!), path);
    assert.ok(!text.includes("deno task"), `${path} is for who has the executable`);
  }
});

Deno.test("the unit has what the program relies on", () => {
  const expected: Readonly<Record<string, string>> = {
    Type: "notify", // Notifier.ready
    NotifyAccess: "main",
    WatchdogSec: "30", // Notifier's signs of life
    ExecStart: "/usr/local/bin/ringway serve -c /etc/ringway/ringway.yaml",
    RuntimeDirectory: "ringway", // SERVICE_PATH of admin_path.ts
    KillMode: "mixed", // the supervisor drains its workers
    LimitNOFILE: "1048576",
    AmbientCapabilities: "CAP_NET_BIND_SERVICE",
    CapabilityBoundingSet: "CAP_NET_BIND_SERVICE",
    Restart: "on-failure",
    RestartPreventExitStatus: "2 69 77 78", // exit_status.ts
    SuccessExitStatus: "3 130 143",
    SystemCallErrorNumber: "EPERM", // what is probed must fail, not kill
  };
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(settings(key), [value], key);
  }
  assert.ok(settings("SystemCallFilter").includes("@system-service"), "io_uring is in it");
  // Twenty-five seconds are the default of drain.timeout.
  assert.ok(Number(settings("TimeoutStopSec")[0]) > 25);
});

Deno.test("the unit has nothing that the program cannot live with, or cannot do yet", () => {
  assert.deepEqual(settings("MemoryDenyWriteExecute"), [], "V8 writes code and runs it");
  assert.deepEqual(settings("ExecReload"), [], "a configuration is taken by a restart");
  assert.deepEqual(settings("ProcSubset"), [], "/proc/sys is read");
});

Deno.test("systemd-analyze finds nothing wrong with the unit", {
  ignore: findProgram("systemd-analyze") === undefined,
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "ringway-unit-" });
  try {
    const file = `${folder}/ringway.service`;
    // Neither the program nor its manual page is installed where a test runs.
    const text = UNIT.replaceAll("/usr/local/bin/ringway", "/bin/true")
      .replace(/^Documentation=.*\n/m, "");
    await Deno.writeTextFile(file, text);
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", file],
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const isAboutUnit = said.split("\n").filter((line) => line.includes("ringway.service"));
    assert.deepEqual(isAboutUnit, [], said);
    assert.equal(code, 0, said);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
