import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { UsageError } from "./command_line.ts";
import { CONFIG_HELP, helpFor, helpOverview } from "./help_text.ts";
import { VERBS } from "./verbs.ts";

Deno.test("help names every command, and of each every option", () => {
  const overview = helpOverview();
  for (const verb of VERBS) {
    assert.ok(overview.includes(`  ${verb.name} `) && overview.includes(verb.summary));
    const help = helpFor(verb.name);
    assert.ok(
      help.startsWith(`ringway ${verb.name}: ${verb.summary}\n\nusage: ringway ${verb.name}`),
    );
    for (const [name, option] of Object.entries(verb.options)) {
      assert.ok(help.includes(`--${name}`) && help.includes(option.help), name);
    }
    if (verb.example !== undefined) {
      assert.ok(help.includes(`\nas in: ringway ${verb.name} ${verb.example}\n`), verb.name);
    }
    for (const action of verb.actions ?? []) {
      assert.ok(help.includes(`ringway ${verb.name} ${action.name} ${action.positionals[0]}`));
      assert.ok(help.includes(action.help), action.name);
    }
    assert.ok(help.includes("-h, --help"));
  }
  for (const line of [overview, ...VERBS.map(({ name }) => helpFor(name))].join("").split("\n")) {
    assert.ok(line.length <= 90, line);
  }
});

Deno.test("help for a command that there is not is an error", () => {
  assert.throws(() => helpFor("srve"), UsageError);
});

Deno.test("the configuration that help shows is a good one", () => {
  const text = CONFIG_HELP.slice(CONFIG_HELP.indexOf("  listeners:")).replace(/^ {2}/gm, "");
  assert.deepEqual(parseConfig(text, "f", {}).diagnostics, []);
});
