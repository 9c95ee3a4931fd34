/**
 * The image as it is shipped, run as runtimes run it, with the profile of config/container and with
 * one that has no io_uring, as the default ones: it relays, says how it is, and drains.
 */
import assert from "node:assert/strict";
import { canEmptyRoot } from "../../scripts/compile/empty_root.ts";
import { makeRootfs } from "../../scripts/compile/rootfs.ts";
import { until } from "../scenario/until.ts";
import { builtExecutable, ROOT } from "./built_executable.ts";
import { Container } from "./container_process.ts";
import { makeFilter, type Profile, readCallNumbers } from "./seccomp_filter.ts";

const CONFIG = `
workers: 2
drain: { timeout: 20s }
listeners:
  web: { bind: ":8080", backend: app }
backends:
  app: ["127.0.0.1:9000"]
`;
const SERVE = ["serve", "-c", "/etc/ringway/ringway.yaml"];

function readProfile(): Profile {
  return JSON.parse(Deno.readTextFileSync(`${ROOT}/config/container/seccomp.json`));
}

/** As the runtimes' own profiles are: without the three calls. */
function withoutUring(profile: Profile): Profile {
  const isKept = (name: string) => !name.startsWith("io_uring_");
  const syscalls = profile.syscalls.map((rule) => ({ ...rule, names: rule.names.filter(isKept) }));
  return { ...profile, syscalls };
}

/** The unpacked image and a folder with a configuration; removed at the end. */
class Image {
  readonly #folder = Deno.makeTempDirSync({ prefix: "ringway-container-" });
  readonly root = `${this.#folder}/root`;
  readonly configFolder = `${this.#folder}/config`;

  async unpack(): Promise<this> {
    // The user inside has to come by.
    Deno.chmodSync(this.#folder, 0o755);
    for (const folder of [this.root, this.configFolder]) Deno.mkdirSync(folder);
    Deno.writeTextFileSync(`${this.configFolder}/ringway.yaml`, CONFIG);
    const archive = `${this.#folder}/rootfs.tar`;
    makeRootfs(await builtExecutable(), archive);
    const { code, stderr } = await new Deno.Command("tar", {
      args: ["-xf", archive, "-C", this.root, "--numeric-owner"],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return this;
  }

  async start(profile: Profile, args: readonly string[]): Promise<Container> {
    const { root, configFolder } = this;
    const numbers = await readCallNumbers(ROOT);
    const filter = makeFilter(profile, numbers);
    return new Container({ root, configFolder, filter, numbers }, args);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Serves, answers commands, relays, and drains: what everything else in a container rests on. */
async function serveAndDrain(profile: Profile): Promise<readonly string[]> {
  using image = await new Image().unpack();
  await using container = await image.start(profile, SERVE);
  await container.untilLogged("serving");
  const healthy = await container.run(["healthcheck"]);
  assert.equal(healthy.code, 0, healthy.text);

  await using visitor = container.visit();
  assert.equal(await visitor.hear(), "relayed");
  container.signal("SIGTERM");
  await container.untilLogged("draining");
  const leaving = await until("it says that it is leaving", async () => {
    const answer = await container.run(["healthcheck"]);
    return answer.code !== 0 && answer;
  });
  assert.match(leaving.text, /draining/);
  await visitor.goOn();
  assert.equal(await visitor.hear(), "refused");
  assert.equal(await visitor.hear(), "relayed", "the connection that is open goes on");
  assert.equal(await container.exitCode(), 0);
  return container.log;
}

/** Where this system lets us make namespaces and mount in them. */
function containerTest(name: string, test: () => Promise<void>): void {
  Deno.test({ name, ignore: !canEmptyRoot("/"), fn: test });
}

containerTest(
  "in a container it relays, is healthy, and drains when PID 1 gets SIGTERM",
  async () => {
    const log = await serveAndDrain(readProfile());
    assert.equal(log.find((line) => line.includes("epoll")), undefined, "io_uring is used");
  },
);

containerTest(
  "under a profile without io_uring it does so on epoll, and says so once",
  async () => {
    const log = await serveAndDrain(withoutUring(readProfile()));
    assert.equal(log.filter((line) => line.includes("epoll")).length, 1, log.join("\n"));
  },
);

containerTest("its doctor finds nothing there that keeps it from running", async () => {
  using image = await new Image().unpack();
  for (const profile of [readProfile(), withoutUring(readProfile())]) {
    await using container = await image.start(profile, ["doctor", "--json", ...SERVE.slice(1)]);
    assert.equal(await container.exitCode(), 0, container.state);
    const { findings } = JSON.parse(container.log.join("\n"));
    const stateOf = (topic: string) =>
      findings.find((finding: { topic: string }) => finding.topic === topic).state;
    assert.equal(stateOf("user"), "ok");
    assert.equal(stateOf("hardening"), "ok");
    assert.equal(stateOf("io_uring"), profile.syscalls[0].names.length > 0 ? "ok" : "note");
  }
});

containerTest("commands in a container end as anywhere: version, check, a wrong one", async () => {
  using image = await new Image().unpack();
  const outcome = async (args: readonly string[]) => {
    await using container = await image.start(readProfile(), args);
    return [await container.exitCode(), container.log.join("\n")] as const;
  };
  const [version, text] = await outcome(["version", "--json"]);
  assert.equal(version, 0);
  assert.ok("commit" in JSON.parse(text), text);
  assert.deepEqual(await outcome(["check", "/etc/ringway/ringway.yaml"]), [
    0,
    "/etc/ringway/ringway.yaml: ok, 1 listener, 1 backend, 1 server",
  ]);
  assert.equal((await outcome(["chek"]))[0], 2);
});
