/** The script in a real bash: what it offers for words as readline would have parted them. */
import assert from "node:assert/strict";
import { SHARED_OPTIONS, VERBS } from "../verbs.ts";
import { bashCompletion } from "./bash.ts";
import { runProgram } from "./test_program.ts";

const FILES = ["one file.yaml", "other.yaml"];

/** What is offered in place of the last word, for each line of words. */
async function offers(lines: readonly (readonly string[])[]): Promise<string[][]> {
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const asked = lines.map((words) => `ask ${["ringway", ...words].map(quote).join(" ")}`);
  const script = `${bashCompletion()}
ask() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _ringway ringway "\${COMP_WORDS[-1]}" "\${COMP_WORDS[-2]}"
  printf '%s\\t' "\${COMPREPLY[@]}"
  echo
}
complete -p ringway
${asked.join("\n")}
`;
  const folder = await Deno.makeTempDir({ prefix: "ringway-completion-" });
  try {
    for (const file of FILES) await Deno.writeTextFile(`${folder}/${file}`, "");
    const result = await runProgram(["bash", "--norc", "-s"], script, folder);
    assert.equal(result.err, "");
    const [registered, ...answers] = result.out.split("\n").slice(0, -1);
    assert.equal(registered, "complete -F _ringway ringway");
    return answers.map((line) => line.split("\t").filter((word) => word !== ""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("verbs are offered first, then the options and actions of that verb", async () => {
  const [all, some, server, dashes, nothing] = await offers([
    [""],
    ["ch"],
    ["server", ""],
    ["status", "--"],
    ["dance", ""],
  ]);
  assert.deepEqual(all, VERBS.map(({ name }) => name));
  assert.deepEqual(some, ["check"]);
  assert.deepEqual(server, ["drain", "maint", "ready", "weight"]);
  assert.deepEqual(dashes, ["--config", "--socket", "--json", "--help"]);
  assert.deepEqual(nothing, []);
});

Deno.test("values are offered that an option may have, parted by a blank or by =", async () => {
  const answers = await offers([
    ["check", "--format", ""],
    ["check", "--format", "="],
    ["check", "--format", "=", "g"],
    ["proxy", ":80", "a:1", "--balance", "least_"],
    ["proxy", "--check", ""],
    ["proxy", "--workers", ""],
  ]);
  assert.deepEqual(answers, [
    ["text", "json", "github"],
    ["text", "json", "github"],
    ["github"],
    ["least_conn", "least_latency"],
    ["tcp"],
    [],
  ]);
});

Deno.test("files are offered where one is meant, with blanks in their names", async () => {
  const answers = await offers([
    ["check", ""],
    ["check", "-"],
    ["serve", "-c", "one"],
    ["serve", "--config", "=", ""],
    ["status", "--socket", "oth"],
  ]);
  assert.deepEqual(answers, [
    FILES,
    ["--config", "-c", "--format", "--help", "-h"],
    [FILES[0]],
    FILES,
    [FILES[1]],
  ]);
});

Deno.test("an action that is there is not offered again, and an argument is no verb", async () => {
  const [afterAction, help, afterHelp, serve] = await offers([
    ["server", "drain", ""],
    ["help", "ser"],
    ["help", "server", ""],
    ["serve", ""],
  ]);
  assert.ok(!afterAction.includes("maint") && afterAction.includes("--deadline"));
  assert.deepEqual(help, ["serve", "server"]);
  assert.deepEqual(afterHelp, ["--help", "-h"]);
  assert.deepEqual(serve, ["--config", "-c", "--help", "-h"]);
});

Deno.test("no option of any verb is missing", async () => {
  const answers = await offers(VERBS.map(({ name }) => [name, "--"]));
  for (const [i, { name, options }] of VERBS.entries()) {
    const long = Object.keys({ ...options, ...SHARED_OPTIONS }).map((option) => `--${option}`);
    assert.deepEqual(answers[i], long, name);
  }
});
