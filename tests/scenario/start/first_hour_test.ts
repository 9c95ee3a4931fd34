/** What somebody types who has just got the program. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { runRingway } from "../command_run.ts";

Deno.test("without anything it helps, and is no success", async () => {
  const { code, out, err } = await runRingway([]);
  deepStrictEqual([code, out], [2, ""]);
  match(err, /^ringway: a load balancer in one file\n/);
  match(err, /\n"ringway init" writes one with comments, "ringway proxy" needs none/);
});

Deno.test("the version is found by every spelling", async () => {
  const spellings = ["version", "--version", "-V", "-v"];
  const answers = await Promise.all(spellings.map((word) => runRingway([word])));
  for (const { code, out, err } of answers) {
    deepStrictEqual([code, err], [0, ""]);
    match(out, /^ringway \d+\.\d+\.\d+\n$/);
  }
});

Deno.test("a slip is told with what was meant", async () => {
  const lines = await Promise.all([
    ["prxy"],
    ["--port", "80"],
    [":8080", "10.0.0.1:80"],
    ["ringway.yaml"],
    ["proxy", ":8080"],
  ].map((words) => runRingway(words)));
  deepStrictEqual(lines.map(({ code, out }) => [code, out]), lines.map(() => [2, ""]));
  deepStrictEqual(lines.map(({ err }) => err.split(" (see ")[0]), [
    'ringway: unknown command "prxy"; did you mean "proxy"?',
    'ringway: unknown option "--port"',
    'ringway: unknown command ":8080"; without a file it is: ringway proxy :8080 SERVER...',
    'ringway: unknown command "ringway.yaml"; a file is given as: ringway serve -c ringway.yaml',
    'ringway: "proxy" needs SERVER, as in: ringway proxy :8080 10.0.0.1:80 10.0.0.2:80',
  ]);
});

Deno.test("completion and the manual page are on standard output, for a pipe", async () => {
  const [bash, unknown, page] = await Promise.all([
    runRingway(["completion", "bash"]),
    runRingway(["completion", "fsih"]),
    runRingway(["man"]),
  ]);
  deepStrictEqual([bash.code, bash.err, page.code, page.err], [0, "", 0, ""]);
  match(bash.out, /\ncomplete -F _ringway ringway\n$/);
  match(page.out, /^\.TH RINGWAY 1 /);
  strictEqual(unknown.code, 2);
  strictEqual(
    unknown.err,
    'ringway: there is completion for bash, zsh, fish, not for "fsih"; did you mean "fish"?\n',
  );
});
