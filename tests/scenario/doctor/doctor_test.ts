/**
 * The doctor on this machine and on one that has less: run as a person runs it, behind a launcher
 * that takes something away.
 */
import assert from "node:assert/strict";
import type { Finding, FindingState } from "../../../src/doctor/finding.ts";
import { configText } from "../config_text.ts";
import { withOpenFiles, withoutIoUring, withoutLowPorts } from "../launcher.ts";
import { launchRingway, RUN_MAIN } from "../ringway_process.ts";

interface Report {
  readonly state: FindingState;
  readonly findings: readonly Finding[];
  readonly status: number;
}

const CONFIG = configText({ servers: ["127.0.0.2:1"] });

/** @param config null: none is given. */
async function examine(
  config: string | null,
  launcher: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<Report> {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-scenario-" });
  const file = `${folder}/doctor.yaml`;
  if (config !== null) Deno.writeTextFileSync(file, config);
  const command = [...RUN_MAIN, "doctor", "--json", ...config === null ? [] : ["-c", file]];
  try {
    await using doctor = launchRingway("", { command, launcher, environment, folder });
    const status = await doctor.exitCode();
    return { ...JSON.parse(doctor.log.join("\n")), status };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function findingOf({ findings }: Report, topic: string): Finding {
  const finding = findings.find((each) => each.topic === topic);
  assert.ok(finding, `${topic} is looked at: ${JSON.stringify(findings, null, 1)}`);
  return finding;
}

/** What holds on every machine. */
function checkForm({ findings, state, status }: Report): void {
  for (const { topic, state, found, remedy } of findings) {
    assert.equal(remedy === null, state === "ok", `${topic}: ${found}`);
  }
  assert.equal(status, state === "fail" ? 69 : 0);
}

Deno.test("on this machine it looks at what matters, and has remedies", async () => {
  const report = await examine(CONFIG);
  checkForm(report);
  assert.notEqual(report.state, "fail");
  const topics = report.findings.map(({ topic }) => topic);
  for (const topic of ["kernel", "io_uring", "seccomp", "open files", "CPUs", "memory", "user"]) {
    assert.ok(topics.includes(topic), topic);
  }
  assert.match(findingOf(report, "configuration").found, /doctor\.yaml$/);
});

Deno.test("for people it is a line each, and one more for a remedy", async () => {
  const command = [...RUN_MAIN, "doctor"];
  await using doctor = launchRingway("", { command, launcher: withOpenFiles(1000), folder: "/" });
  assert.equal(await doctor.exitCode(), 0);
  const at = doctor.log.findIndex((line) => line.startsWith("note  open files"));
  assert.match(doctor.log[at], /1000 for each process: room for \d+ connections in \d+ worker/);
  assert.match(doctor.log[at + 1], /^ +-> for more, raise the hard limit to 65536 \(/);
  assert.match(doctor.log.join("\n"), /\n\d+ ok, \d+ notes?, 0 failed\n?$/);
});

Deno.test("under a seccomp filter it names the filter and the engine that is used", async () => {
  const auto = { RINGWAY_IO: "" };
  const report = await examine(CONFIG, withoutIoUring(), auto);
  checkForm(report);
  const { state, found, remedy } = findingOf(report, "io_uring");
  assert.equal(state, "note");
  assert.match(found, /\(EPERM\); epoll is used in its place/);
  assert.match(remedy!, /blocked by a seccomp filter/);
  assert.match(findingOf(report, "seccomp").found, /a filter is around this process/);
  const strict = await examine(`${CONFIG}\nio: uring\n`, withoutIoUring(), auto);
  checkForm(strict);
  assert.equal(findingOf(strict, "io_uring").state, "fail");
});

Deno.test("too few open files for the listeners are a failure, with what mends it", async () => {
  const many = configText({ servers: ["127.0.0.2:1"], bind: "127.0.0.1:20000-20199" });
  const report = await examine(many, withOpenFiles(400));
  checkForm(report);
  assert.equal(report.state, "fail");
  assert.match(findingOf(report, "open files").remedy!, /hard limit to \d+ /);
});

Deno.test("a port that this user may not bind is a failure, before any start", async () => {
  const low = configText({ servers: ["127.0.0.2:1"], bind: "127.0.0.1:81" });
  const report = await examine(low, withoutLowPorts());
  checkForm(report);
  assert.equal(findingOf(report, "listening ports").state, "fail");
  assert.match(
    findingOf(report, "listening ports").found,
    /but the configuration has 127\.0\.0\.1:81$/,
  );
});

Deno.test("a configuration with errors is a failure, the machine is looked at anyway", async () => {
  const report = await examine("workers: 0\n");
  checkForm(report);
  const { state, remedy } = findingOf(report, "configuration");
  assert.equal(state, "fail");
  assert.match(remedy!, /ringway check .*doctor\.yaml$/);
  assert.ok(report.findings.length > 5);
});

Deno.test("the environment decides over the configuration; a word that is none fails", async () => {
  const strict = `${CONFIG}\nio: uring\n`;
  const epoll = await examine(strict, withoutIoUring(), { RINGWAY_IO: "epoll" });
  checkForm(epoll);
  assert.equal(findingOf(epoll, "io_uring").state, "ok");
  const wrong = await examine(CONFIG, [], { RINGWAY_IO: "poll" });
  assert.equal(findingOf(wrong, "RINGWAY_IO").remedy, "set it to one of auto, uring, epoll");
  checkForm(wrong);
});

Deno.test("version --json says what is inside and what the kernel has", async () => {
  const command = [...RUN_MAIN, "version", "--json"];
  const ask = async (launcher: readonly string[]) => {
    await using version = launchRingway("", { command, launcher });
    assert.equal(await version.exitCode(), 0);
    return JSON.parse(version.log.join("\n"));
  };
  const here = await ask([]);
  assert.match(here.ringway, /^\d+\.\d+\.\d+/);
  for (const key of ["deno", "v8", "kernel", "arch"]) assert.equal(typeof here[key], "string", key);
  assert.ok(here.commit === null || /^[0-9a-f]{40}/.test(here.commit));
  assert.ok(Array.isArray(here.components));
  assert.equal(here.engine === "uring", here.io_uring.error === null);
  const without = await ask(withoutIoUring());
  assert.equal(without.engine, "epoll");
  assert.match(without.io_uring.error, /EPERM/);
  assert.deepEqual(without.io_uring.features, []);
});
