import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { launchRingway, type RingwayProcess } from "../ringway_process.ts";
import { Network } from "../real/network.ts";
import { until } from "../until.ts";

const IS_ROOT = Deno.uid() === 0;
/** Of no account, so that nothing depends on what this machine's /etc/passwd holds. */
const UID = 65532;
const GID = 65531;
const AS_USER = [
  ...["setpriv", `--reuid=${UID}`, `--regid=${GID}`, "--clear-groups"],
  ...["sh", "-c", 'exec "$@"', "sh"],
];
const USER = `user: ${UID}\ngroup: ${GID}`;
const SERVERS = ["127.0.0.2:1"];

/** The runtime may be where only root can go: then no other user can run this program. */
const CAN_DROP = IS_ROOT && canRun();

function canRun(): boolean {
  const [program, ...args] = [...AS_USER, Deno.execPath(), "--version"];
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Words of a line of /proc/PID/status of each thread of the supervisor and of its workers. */
function lines(ringway: RingwayProcess, name: string): Set<string> {
  const found = new Set<string>();
  for (const pid of ringway.processes) {
    for (const thread of Deno.readDirSync(`/proc/${pid}/task`)) {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${thread.name}/status`);
      found.add(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(text)![1]);
    }
  }
  return found;
}

Deno.test({
  name: "root binds port 80, then every process and thread is the user's",
  ignore: !CAN_DROP,
  fn: async () => {
    await using network = new Network();
    const { launcher } = await network.addSpace();
    await using ringway = launchRingway(
      configText({ workers: 2, servers: SERVERS, bind: ":80", top: USER }),
      { launcher },
    );
    await ringway.untilServing();
    await ringway.snapshot();
    strictEqual(ringway.port(), 80);
    strictEqual(ringway.processes.length >= 3, true);
    deepStrictEqual([...lines(ringway, "Uid")], [`${UID}\t${UID}\t${UID}\t${UID}`]);
    deepStrictEqual([...lines(ringway, "Gid")], [`${GID}\t${GID}\t${GID}\t${GID}`]);
    deepStrictEqual([...lines(ringway, "Groups")], [""]);
  },
});

Deno.test({
  name: "the supervisor keeps what it binds low ports with, its workers nothing",
  ignore: !CAN_DROP,
  fn: async () => {
    await using ringway = launchRingway(configText({ servers: SERVERS, top: USER }));
    await ringway.untilServing();
    const { pid, workers } = await ringway.snapshot();
    const permitted = (of: number) =>
      /^CapPrm:\s*(.*)$/m.exec(Deno.readTextFileSync(`/proc/${of}/status`))![1];
    strictEqual(permitted(pid), "0000000000000400");
    strictEqual(permitted(workers[0].pid), "0000000000000000");
  },
});

Deno.test({
  name: "the admin socket is the user's to ask, and goes with the program",
  ignore: !CAN_DROP,
  fn: async () => {
    await using ringway = launchRingway(configText({ servers: SERVERS, top: USER }));
    await ringway.untilServing();
    const { uid, gid, mode } = Deno.lstatSync(ringway.socket);
    deepStrictEqual([uid, gid, mode! & 0o777], [UID, GID, 0o600]);
    const ask = [`--unix-socket`, ringway.socket, "http://x/api/v1/status"];
    const [program, ...args] = [...AS_USER, "curl", "--silent", "--show-error", ...ask];
    const { stdout } = await new Deno.Command(program, { args }).output();
    strictEqual(JSON.parse(new TextDecoder().decode(stdout)).pid, (await ringway.snapshot()).pid);
    ringway.kill("SIGTERM");
    strictEqual(await ringway.exitCode(), 0);
    await rejects(Deno.lstat(ringway.socket), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "a worker that dies is replaced by one of the same user",
  ignore: !CAN_DROP,
  fn: async () => {
    await using ringway = launchRingway(configText({ servers: SERVERS, top: USER }));
    await ringway.untilServing();
    const [before] = (await ringway.snapshot()).workers;
    Deno.kill(before.pid, "SIGKILL");
    const { workers } = await ringway.until("another serves", ({ workers }) => {
      return workers[0].state === "serving" && workers[0].pid !== before.pid;
    });
    await until("the old one is gone", () => !ringway.processes.includes(before.pid));
    strictEqual(lines(ringway, "Uid").size, 1);
    match(Deno.readTextFileSync(`/proc/${workers[0].pid}/status`), /^Seccomp:\s*2$/m);
  },
});

Deno.test({
  name: "workers of a transparent backend inherit what it needs, as another user",
  ignore: !CAN_DROP,
  fn: async () => {
    const backend = "transparent: true";
    await using ringway = launchRingway(configText({ servers: SERVERS, top: USER, backend }));
    await ringway.untilServing();
    const { workers } = await ringway.snapshot();
    const status = Deno.readTextFileSync(`/proc/${workers[0].pid}/status`);
    match(status, /^CapEff:\s*0000000000002000$/m);
  },
});

Deno.test({
  name: "nobody but root becomes another: cause, remedy and 77",
  ignore: IS_ROOT && !CAN_DROP,
  fn: async () => {
    // The other user must be able to read the configuration.
    const openUp = ["sh", "-c", 'chmod -R a+rX "$RUNTIME_DIRECTORY"; exec "$@"', "sh"];
    const launcher = IS_ROOT ? [...openUp, ...AS_USER] : [];
    const config = configText({ servers: SERVERS, top: "user: root\nadmin: false" });
    await using ringway = launchRingway(config, { launcher });
    strictEqual(await ringway.exitCode(), 77);
    match(
      ringway.log.join("\n"),
      /cannot become user "root": .*EPERM\); start as root, or as that/,
    );
  },
});

Deno.test("an account that there is not, or a number without a group, ends the start", async () => {
  const starts = [
    ["user: no_such_user_here", /there is no user "no_such_user_here" in \/etc\/passwd/],
    ["user: 4294900000", /user "4294900000" has no group: .*; set group as well/],
  ] as const;
  for (const [top, expected] of starts) {
    await using ringway = launchRingway(configText({ servers: SERVERS, top }));
    strictEqual(await ringway.exitCode(), 1);
    match(ringway.log.join("\n"), expected);
  }
});
