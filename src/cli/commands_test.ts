/**
 * The commands as a person runs them: what goes to which stream, and the exit status. One process
 * each, so only what the functions alone cannot show.
 */
import assert from "node:assert/strict";
import { runCheck } from "./check.ts";
import { UsageError } from "./command_line.ts";

const MAIN = `${import.meta.dirname}/../main.ts`;
const MINIMAL = "listeners:\n  web: { bind: ':8080', backend: app }\nbackends:\n  app: [a:1]\n";

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs in an empty folder, without a configuration around. */
async function ringway(words: readonly string[], stdin = ""): Promise<Outcome> {
  const cwd = await Deno.makeTempDir();
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", MAIN, ...words],
      cwd,
      env: { INIT_CWD: cwd, RINGWAY_CONFIG: "", NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // Who does not read has ended, which is not what is looked at here.
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

Deno.test("help and version go to standard output, exit 0", async () => {
  const [help, version] = await Promise.all([
    ringway(["check", "--help"]),
    ringway(["version", "--json"]),
  ]);
  assert.deepEqual([help.status, version.status], [0, 0]);
  assert.match(help.stdout, /^ringway check: /);
  assert.match(JSON.parse(version.stdout).ringway, /^\d+\.\d+\.\d+/);
  assert.equal(help.stderr + version.stderr, "");
});

Deno.test("without a command there is help on standard error, exit 2", async () => {
  const { status, stdout, stderr } = await ringway([]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /^ringway: a load balancer in one file\n\nusage: ringway COMMAND/);
});

Deno.test("a bad command line is told on standard error, exit 2", async () => {
  const { status, stdout, stderr } = await ringway(["chek"]);
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    'ringway: unknown command "chek"; did you mean "check"? (see "ringway help")\n',
  );
});

Deno.test("check of a good configuration says what is in it, exit 0", async () => {
  const { status, stdout, stderr } = await ringway(["check", "-"], MINIMAL);
  assert.equal(status, 0);
  assert.equal(stdout, "");
  assert.equal(stderr, "<stdin>: ok, 1 listener, 1 backend, 1 server\n");
});

Deno.test("check of a bad one prints the errors, exit 78; as JSON to standard output", async () => {
  const bad = MINIMAL.replace("backend:", "bakend:");
  const [text, json] = await Promise.all([
    ringway(["check", "-"], bad),
    ringway(["check", "--format", "json", "-"], bad),
  ]);
  assert.equal(text.status, 78);
  assert.equal(text.stdout, "");
  assert.match(text.stderr, /^<stdin>:2:25: unknown key "bakend" in listener "web"\n/);
  assert.match(text.stderr, /\n1 error\n$/);
  assert.equal(json.status, 78);
  assert.equal(JSON.parse(json.stdout).errors, 1);
});

Deno.test("check without any configuration says where one is looked for, exit 78", async () => {
  const { status, stderr } = await ringway(["check"]);
  assert.equal(status, 78);
  assert.match(stderr, /^ringway: no configuration found\n\nA configuration is looked for in: /);
  assert.match(stderr, /\n"ringway init" writes one with comments, "ringway proxy" needs none/);
});

Deno.test("a file that is missing, or one of two, is told", async () => {
  const [missing, twice] = await Promise.all([
    ringway(["check", "gone.yaml"]),
    ringway(["check", "-c", "a", "b"]),
  ]);
  assert.equal(missing.status, 78);
  assert.equal(
    missing.stderr,
    'ringway: cannot read "gone.yaml" (from the command line): no such file\n',
  );
  assert.deepEqual([twice.status, twice.stderr], [
    2,
    'ringway: two files to check, "a" and "b"; name one\n',
  ]);
});

Deno.test("an unknown format suggests the nearest, before anything is read", async () => {
  await assert.rejects(runCheck("gone.yaml", "jsn"), (failure) => {
    assert.ok(failure instanceof UsageError);
    assert.equal(failure.message, 'unknown format "jsn"; did you mean "json"?');
    return true;
  });
});

Deno.test("serve refuses a bad configuration with all of its errors, exit 78", async () => {
  const { status, stdout, stderr } = await ringway(["serve", "-c", "-"], "workers: 0\n");
  assert.equal(status, 78);
  assert.equal(stdout, "");
  assert.match(stderr, /"listeners" is missing/);
  assert.match(stderr, /\n3 errors\n$/);
});

Deno.test("schema is JSON on standard output", async () => {
  const { status, stdout } = await ringway(["schema"]);
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).title, "Ringway configuration");
});

Deno.test("status without a running program says where it asked, exit 1", async () => {
  const { status, stderr } = await ringway(["status", "--socket", "/nowhere/ringway.sock"]);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'ringway: nobody answers at "/nowhere/ringway.sock"; is it running? ' +
      "Another place is named by --socket PATH or -c FILE\n",
  );
});

Deno.test("status of a configuration with errors, or without admin socket, says so", async () => {
  const [bad, off] = await Promise.all([
    ringway(["status", "-c", "-"], "workers: 0\n"),
    ringway(["status", "-c", "-"], `${MINIMAL}admin: false\n`),
  ]);
  assert.equal(bad.status, 78);
  assert.match(bad.stderr, /^ringway: "-" has errors; see "ringway check -"\n$/);
  assert.equal(off.status, 1);
  assert.match(off.stderr, /switches the admin socket off/);
});

Deno.test("what is wrong with a command to a server is told before anybody is asked", async () => {
  const nowhere = ["--socket", "/nowhere/ringway.sock"];
  const [weight, deadline, events, drain] = await Promise.all([
    ringway(["server", "weight", "app/one", "300", ...nowhere]),
    ringway(["server", "drain", "app/one", "--deadline", "5", ...nowhere]),
    ringway(["events", ...nowhere]),
    ringway(["server", "drain", "app/one", ...nowhere]),
  ]);
  assert.deepEqual([weight.status, weight.stderr], [
    2,
    'ringway: a weight is a whole number of 0..256, not "300"\n',
  ]);
  assert.deepEqual([deadline.status, deadline.stderr], [
    2,
    'ringway: --deadline is a duration with its unit, not "5"; did you mean "5s"?\n',
  ]);
  for (const { status, stdout, stderr } of [events, drain]) {
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^ringway: nobody answers at "\/nowhere\/ringway\.sock"; /);
  }
});
