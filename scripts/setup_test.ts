import { deepStrictEqual, match, strictEqual } from "node:assert/strict";

const ROOT = import.meta.dirname!.replace(/\/scripts$/, "");

/** A system of packages that has none of those it is asked for, and tells how it was used. */
function makeSystem(folder: string): void {
  const programs = {
    "dpkg-query": "exit 1",
    "dpkg-deb": "exit 0",
    "apt-get": `echo "$@" >> ${folder}/used`,
  };
  for (const [name, text] of Object.entries(programs)) {
    Deno.writeTextFileSync(`${folder}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
}

async function setUp(folder: string, args: readonly string[], launcher: readonly string[] = []) {
  const run = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", `${ROOT}/scripts/setup.ts`];
  const { code, stderr } = await new Deno.Command("env", {
    args: [...launcher, "env", `PATH=${folder}`, ...run, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  let used: string[] = [];
  try {
    used = Deno.readTextFileSync(`${folder}/used`).trim().split("\n");
  } catch {
    // No package was asked for.
  }
  return { code, said: new TextDecoder().decode(stderr), used };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-setup-" });
  try {
    makeSystem(folder);
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("an option that set-up does not know is named, with those it does", () =>
  inFolder(async (folder) => {
    const { code, said, used } = await setUp(folder, ["--pears"]);
    strictEqual(code, 1);
    match(said, /unknown option "--pears"; usage: .*\[--peers\] \[--arm64\] \[--bench\]/);
    deepStrictEqual(used, []);
  }));

Deno.test({
  name: "root gets the packages that are missing installed, and is told which",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      const { code, said, used } = await setUp(folder, ["--peers"]);
      strictEqual(code, 0, said);
      match(
        said,
        /^setup: installing the Debian packages .*dnsmasq-base .*redis-server .*\.\.\.$/m,
      );
      strictEqual(used.length, 1);
      match(used[0], / install --yes --no-install-recommends .*dnsmasq-base .*redis-server/);
    }),
});

Deno.test("who is not root is told what to install, and nothing is tried", () =>
  inFolder(async (folder) => {
    // In a user namespace without any mapping root is nobody.
    const launcher = Deno.uid() === 0 ? ["unshare", "--user"] : [];
    const { code, said, used } = await setUp(folder, ["--peers"], launcher);
    strictEqual(code, 1);
    match(said, /packages .*redis-server .* are missing and only root may install them/);
    match(said, /run "sudo apt-get install .*redis-server.*"/);
    deepStrictEqual(used, []);
  }));
