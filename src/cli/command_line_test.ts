import assert from "node:assert/strict";
import { parseCommandLine, UsageError } from "./command_line.ts";
import { COMMAND_WORDS } from "../supervisor/server_command.ts";
import { VERBS } from "./verbs.ts";

function parsed(...words: string[]) {
  const { verb, options, positionals } = parseCommandLine(words);
  return { verb: verb.name, options: { ...options }, positionals: [...positionals] };
}

function usageError(...words: string[]): string {
  try {
    parseCommandLine(words);
  } catch (failure) {
    assert.ok(failure instanceof UsageError, String(failure));
    return failure.message;
  }
  assert.fail(`accepted: ${words.join(" ")}`);
}

Deno.test("a command, its options in every spelling, and its arguments", () => {
  assert.deepEqual(parsed("serve"), { verb: "serve", options: {}, positionals: [] });
  const withConfig = { verb: "check", options: { config: "a.yaml" }, positionals: [] };
  for (const words of [["-c", "a.yaml"], ["-ca.yaml"], ["--config", "a.yaml"]]) {
    assert.deepEqual(parsed("check", ...words), withConfig);
  }
  assert.deepEqual(parsed("check", "--config=a.yaml"), withConfig);
  assert.deepEqual(parsed("check", "a.yaml", "--format", "json"), {
    verb: "check",
    options: { format: "json" },
    positionals: ["a.yaml"],
  });
  assert.deepEqual(parsed("status", "--json").options, { json: true });
});

Deno.test("- is standard input, and what follows -- is no option", () => {
  assert.deepEqual(parsed("check", "-").positionals, ["-"]);
  assert.deepEqual(parsed("check", "-c", "-").options, { config: "-" });
  assert.deepEqual(parsed("check", "--format=json", "--", "--odd").positionals, ["--odd"]);
});

Deno.test("a -- right behind the command is the task runner's", () => {
  assert.deepEqual(parsed("serve", "--", "--help").options, { help: true });
  assert.deepEqual(parsed("serve", "--", "-c", "a").options, { config: "a" });
});

Deno.test("help and version are commands and, alone, options", () => {
  assert.equal(parsed("--help").verb, "help");
  assert.equal(parsed("-h").verb, "help");
  assert.deepEqual(parsed("--help", "serve"), {
    verb: "help",
    options: {},
    positionals: ["serve"],
  });
  for (const word of ["version", "--version", "-v", "-V"]) {
    assert.equal(parsed(word).verb, "version");
  }
});

Deno.test("every command takes --help and -h, whatever else it needs", () => {
  for (const { name } of VERBS) {
    assert.deepEqual(parsed(name, "--help").options, { help: true });
    assert.deepEqual(parsed(name, "-h").options, { help: true });
  }
});

Deno.test("arguments that a command needs are named, with an example", () => {
  assert.deepEqual(parsed("proxy", ":80", "a:1", "b:1").positionals, [":80", "a:1", "b:1"]);
  const example = "as in: ringway proxy :8080 10.0.0.1:80 10.0.0.2:80";
  const see = '(see "ringway help proxy")';
  assert.equal(usageError("proxy"), `"proxy" needs LISTEN and SERVER, ${example} ${see}`);
  assert.equal(usageError("proxy", ":80"), `"proxy" needs SERVER, ${example} ${see}`);
  assert.equal(
    usageError("completion"),
    '"completion" needs bash|zsh|fish, as in: ringway completion bash ' +
      '(see "ringway help completion")',
  );
});

Deno.test("an argument without its command is told with it", () => {
  const see = '(see "ringway help")';
  assert.equal(
    usageError("prod.yaml"),
    'unknown command "prod.yaml"; a file is given as: ringway serve -c prod.yaml ' + see,
  );
  for (const word of [":8080", "10.0.0.1:80", "[::1]:80", "unix:/run/a"]) {
    assert.equal(
      usageError(word, "10.0.0.1:80"),
      `unknown command "${word}"; without a file it is: ringway proxy ${word} SERVER... ${see}`,
    );
  }
});

Deno.test("an unknown command suggests the nearest, or the one that other programs call so", () => {
  const see = '(see "ringway help")';
  assert.equal(usageError("srve"), `unknown command "srve"; did you mean "serve"? ${see}`);
  assert.equal(usageError("Check"), `unknown command "Check"; did you mean "check"? ${see}`);
  assert.equal(usageError("run"), `unknown command "run"; did you mean "serve"? ${see}`);
  assert.equal(usageError("validate"), `unknown command "validate"; did you mean "check"? ${see}`);
  assert.equal(usageError("dance"), `unknown command "dance" ${see}`);
  assert.equal(
    usageError("stop"),
    `unknown command "stop"; SIGTERM or Ctrl-C ends the running program ${see}`,
  );
  assert.match(usageError("constructor"), /^unknown command "constructor" /);
});

Deno.test("an option before its command is told where it belongs", () => {
  assert.equal(usageError("-c", "a"), '"-c" stands behind a command, as in: ringway serve -c');
  assert.equal(
    usageError("--json"),
    '"--json" stands behind a command, as in: ringway status --json',
  );
  assert.equal(usageError("--nope"), 'unknown option "--nope" (see "ringway help")');
});

Deno.test("an unknown option suggests the nearest", () => {
  const see = '(see "ringway help check")';
  assert.equal(
    usageError("check", "--formt", "json"),
    `unknown option "--formt"; did you mean "--format"? ${see}`,
  );
  assert.equal(usageError("check", "--formt=json"), usageError("check", "--formt", "json"));
  assert.equal(usageError("check", "-x"), `unknown option "-x" ${see}`);
  assert.equal(usageError("check", "--zzzzzz"), `unknown option "--zzzzzz" ${see}`);
  assert.equal(usageError("check", "--toString"), `unknown option "--toString" ${see}`);
});

Deno.test("an option with too much, too little or twice is told in plain words", () => {
  const see = '(see "ringway help check")';
  assert.match(usageError("check", "-c"), /^option '-c, --config <value>' argument missing/);
  assert.match(usageError("status", "--json=1"), /^option '--json' does not take an argument/);
  assert.equal(usageError("check", "-c=a"), 'write "-c a" in place of "-c=a"');
  assert.equal(
    usageError("check", "-c", "a", "-c", "b"),
    `--config is given more than once ${see}`,
  );
  assert.deepEqual(parsed("check", "-c", "a", "-c", "a").options, { config: "a" });
});

Deno.test("an argument too many is told, and how a file is given", () => {
  assert.equal(
    usageError("serve", "a.yaml"),
    '"serve" does not know what to do with "a.yaml"; a file is given as: -c a.yaml ' +
      '(see "ringway help serve")',
  );
  assert.equal(
    usageError("check", "a", "b"),
    '"check" does not know what to do with "b": it takes one at a time (see "ringway help check")',
  );
  assert.match(usageError("version", "x"), /^"version" does not know what to do with "x" \(/);
});

Deno.test("a verb with actions takes what its action needs", () => {
  assert.deepEqual(parsed("server", "drain", "app/one", "--deadline", "30s"), {
    verb: "server",
    options: { deadline: "30s" },
    positionals: ["drain", "app/one"],
  });
  assert.deepEqual(parsed("server", "--socket", "s", "weight", "app/unix:/run/a.sock", "5"), {
    verb: "server",
    options: { socket: "s" },
    positionals: ["weight", "app/unix:/run/a.sock", "5"],
  });
  for (const action of ["ready", "maint"]) {
    assert.deepEqual(parsed("server", action, "app/one").positionals, [action, "app/one"]);
  }
});

Deno.test("an action that lacks something, or has too much, is told its form", () => {
  const see = '(see "ringway help server")';
  assert.equal(
    usageError("server"),
    `say what to do: ringway server drain|maint|ready|weight BACKEND/SERVER [N] ${see}`,
  );
  assert.equal(
    usageError("server", "drain"),
    `"server drain" needs BACKEND/SERVER, as in: ringway server drain app/one ${see}`,
  );
  assert.equal(
    usageError("server", "weight"),
    `"server weight" needs BACKEND/SERVER and N, as in: ringway server weight app/one 10 ${see}`,
  );
  assert.equal(
    usageError("server", "weight", "app/one"),
    `"server weight" needs N, as in: ringway server weight app/one 10 ${see}`,
  );
  assert.equal(
    usageError("server", "drain", "app/one", "5"),
    `"server drain" does not know what to do with "5": it takes one BACKEND/SERVER ${see}`,
  );
  assert.equal(
    usageError("server", "drain", "app/one", "30s"),
    `"server drain" does not know what to do with "30s"; ` +
      `a deadline is given as: --deadline 30s ${see}`,
  );
  assert.equal(
    usageError("server", "maint", "app/one", "30s"),
    `"server maint" does not know what to do with "30s": it takes one BACKEND/SERVER ${see}`,
  );
  assert.equal(
    usageError("server", "weight", "app/one", "5", "6"),
    `"server weight" does not know what to do with "6": ` +
      `it takes one BACKEND/SERVER and one N ${see}`,
  );
  assert.equal(
    usageError("server", "ready", "app/one", "--deadline", "3s"),
    `--deadline goes with "server drain" only ${see}`,
  );
});

Deno.test("a number below zero is no option", () => {
  const see = '(see "ringway help server")';
  for (const words of [["weight", "app/one", "-1"], ["drain", "app/one", "--deadline", "-1"]]) {
    assert.equal(usageError("server", ...words), `nothing here may be below zero: "-1" ${see}`);
  }
  assert.equal(usageError("check", "-1"), 'unknown option "-1" (see "ringway help check")');
});

Deno.test("an unknown action suggests the nearest, or the one that other programs call so", () => {
  const see = '(see "ringway help server")';
  assert.equal(
    usageError("server", "dran", "app/one"),
    `unknown action "dran"; did you mean "drain"? ${see}`,
  );
  assert.equal(
    usageError("server", "disable", "app/one"),
    `unknown action "disable"; did you mean "maint"? ${see}`,
  );
  assert.equal(
    usageError("server", "dance", "app/one"),
    `unknown action "dance"; one of drain, maint, ready, weight ${see}`,
  );
  assert.equal(
    usageError("server", "app/one", "drain"),
    `the action comes first: ringway server drain app/one ${see}`,
  );
  assert.equal(
    usageError("server", "app/one", "weight", "5"),
    `the action comes first: ringway server weight app/one 5 ${see}`,
  );
  assert.match(usageError("server", "toString", "app/one"), /^unknown action "toString"; one of /);
});

Deno.test("an action in place of its verb is told with it, in any program's words", () => {
  const see = '(see "ringway help")';
  for (const [word, meant] of [["drain", "drain"], ["disable", "maint"], ["enable", "ready"]]) {
    assert.equal(
      usageError(word, "app/one"),
      `unknown command "${word}"; did you mean "server ${meant}"? ${see}`,
    );
  }
  assert.equal(usageError("up"), `unknown command "up"; did you mean "serve"? ${see}`);
  assert.equal(usageError("history"), `unknown command "history"; did you mean "events"? ${see}`);
});

Deno.test("no word of another program means two things here", () => {
  for (const { elsewhere, name } of VERBS) {
    const others = VERBS.filter((verb) => verb.name !== name);
    for (const word of elsewhere) {
      assert.ok(!others.some((other) => [other.name, ...other.elsewhere].includes(word)), word);
    }
  }
  const words = Object.entries(COMMAND_WORDS).flatMap(([kind, others]) => [kind, ...others]);
  assert.equal(new Set(words).size, words.length);
});

Deno.test("what came from outside moves no cursor in a message", () => {
  assert.ok(!usageError("\x1b[31m").includes("\x1b"));
  assert.ok(!usageError("check", "--\x1b[31m").includes("\x1b"));
});
