import assert from "node:assert/strict";
import { VERBS } from "../verbs.ts";
import { isInstalled, runProgram } from "./test_program.ts";
import { zshCompletion } from "./zsh.ts";

Deno.test("every verb has its case, and colons of descriptions part nothing", () => {
  const script = zshCompletion();
  assert.ok(script.startsWith("#compdef ringway\n"), "that line is what zsh loads it by");
  for (const { name } of VERBS) assert.ok(script.includes(`\n    ${name})\n`), name);
  assert.match(script, /\n {4}'proxy:run without a configuration\\: listen at an address/);
  assert.match(script, /'\(--config -c\)'\{--config=,-c\+\}'\[configuration;[^']*\]:FILE:_files'/);
  assert.match(script, /:tcp\|udp:\(tcp udp\)'/);
});

Deno.test("zsh can read it", { ignore: !isInstalled("zsh") }, async () => {
  const result = await runProgram(["zsh", "-f", "-n"], zshCompletion());
  assert.equal(result.err, "");
});

Deno.test("zsh takes it, sourced or in its folder of functions", {
  ignore: !isInstalled("zsh"),
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "ringway-completion-" });
  try {
    await Deno.writeTextFile(`${folder}/_ringway`, zshCompletion());
    const script = `
      autoload -Uz compinit
      fpath=(${folder} $fpath)
      compinit -D -u
      print found $_comps[ringway]
      unset "_comps[ringway]"
      source ${folder}/_ringway
      print sourced $_comps[ringway]
    `;
    const result = await runProgram(["zsh", "-f"], script);
    assert.deepEqual(result, { out: "found _ringway\nsourced _ringway\n", err: "" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
