/** The script in a real fish, where there is one. */
import assert from "node:assert/strict";
import { VERBS } from "../verbs.ts";
import { fishCompletion } from "./fish.ts";
import { isInstalled, runProgram } from "./test_program.ts";

/** What is offered for each line, without descriptions. */
async function offers(lines: readonly string[]): Promise<string[][]> {
  const asked = lines.map((line) => `complete -C '${line}'; echo ---`);
  const script = `${fishCompletion()}\n${asked.join("\n")}\n`;
  const folder = await Deno.makeTempDir({ prefix: "ringway-completion-" });
  try {
    await Deno.writeTextFile(`${folder}/my.yaml`, "");
    const result = await runProgram(["fish", "--private"], script, folder);
    assert.equal(result.err, "");
    // The first answer may be empty, too.
    const words = `\n${result.out}`.split("\n").map((line) => line.split("\t")[0]);
    return words.join("\n").split("\n---").slice(0, lines.length)
      .map((block) => block.split("\n").filter((word) => word !== ""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fish offers verbs, actions, options, values and files", {
  ignore: !isInstalled("fish"),
}, async () => {
  const answers = await offers([
    "ringway ",
    "ringway chec",
    "ringway server ",
    "ringway server drain ",
    "ringway help serv",
    "ringway proxy --balance least_",
    "ringway serve -c ",
    "ringway check ",
    "ringway status --js",
  ]);
  assert.deepEqual(answers[0].toSorted(), VERBS.map(({ name }) => name).toSorted());
  assert.deepEqual(answers.slice(1), [
    ["check"],
    ["drain", "maint", "ready", "weight"],
    [],
    ["serve", "server"],
    ["least_conn", "least_latency"],
    ["my.yaml"],
    ["my.yaml"],
    ["--json"],
  ]);
});
