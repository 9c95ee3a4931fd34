import assert from "node:assert/strict";
import { isInstalled, runProgram } from "./completion/test_program.ts";
import { renderManPage } from "./man_page.ts";
import { VERBS } from "./verbs.ts";

Deno.test("the manual page has every verb, option and section", () => {
  const page = renderManPage();
  for (const { name, options, actions = [] } of VERBS) {
    assert.ok(page.includes(`\n.SS "${name}"\n`), name);
    for (const option of Object.keys(options)) assert.ok(page.includes(`\\-\\-${option}`), option);
    for (const action of actions) assert.ok(page.includes(`\n.B "${action.name} `), action.name);
  }
  const titles = page.match(/^\.SH ".*"$/gm)!.map((line) => line.slice(5, -1));
  assert.deepEqual(titles, [
    ...["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "SIGNALS", "EXIT STATUS", "FILES"],
    ...["ENVIRONMENT", "EXAMPLES"],
  ]);
});

Deno.test("no line of text is taken for a request of roff", () => {
  for (const line of renderManPage().split("\n")) {
    if (line.startsWith(".")) assert.match(line, /^\.(TH|SH|SS|TP|PP|B|I|nf|fi)( |$)/);
    assert.ok(!line.startsWith("'"), line);
  }
});

Deno.test("groff formats it without a warning, and commands stay as they are typed", {
  ignore: !isInstalled("groff"),
}, async () => {
  const words = ["groff", "-man", "-Tutf8", "-ww", "-P-c", "-P-bou", "-rLL=100n"];
  const { out, err } = await runProgram(words, renderManPage());
  assert.equal(err, "");
  assert.match(out, /^RINGWAY\(1\) /);
  assert.match(out, /ringway server drain BACKEND\/SERVER \[--deadline DURATION\]/);
  assert.match(out, /"\[IPv6\]:PORT", NAME:PORT or unix:\/path/);
});
