/**
 * The texts of help, made from the table of verbs (verbs.ts): all of them, one of them, and where
 * a configuration comes from.
 */
import { findVerb } from "./command_line.ts";
import type { Option, Verb } from "./verb.ts";
import { SHARED_OPTIONS, VERBS } from "./verbs.ts";

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

function optionRow([name, option]: [string, Option]): [string, string] {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.value === undefined ? "" : ` ${option.value}`;
  return [`${short}--${name}${value}`, option.help];
}

/** Where configurations are, and what one looks like. */
export const CONFIG_HELP =
  "A configuration is looked for in: -c FILE, $RINGWAY_CONFIG, ./ringway.yaml,\n" +
  "/etc/ringway/ringway.yaml. The smallest one:\n\n" +
  "  listeners:\n" +
  '    web: { bind: ":8080", backend: app }\n' +
  "  backends:\n" +
  "    app: [10.0.0.11:8080, 10.0.0.12:8080]\n";

/** For who has none yet. */
export const FIRST_STEPS = '"ringway init" writes one with comments, "ringway proxy" needs none, ' +
  'and with none at all\n"ringway serve" runs a demonstration. ';

export function helpOverview(): string {
  return "ringway: a load balancer in one file\n\n" +
    "usage: ringway COMMAND [OPTIONS]\n\n" +
    table(VERBS.map((verb) => [verb.name, verb.summary])) +
    `\n${CONFIG_HELP}\n${FIRST_STEPS}` +
    'More about a command: "ringway help COMMAND".\n';
}

/** @throws UsageError for a verb that there is not. */
export function helpFor(name: string): string {
  const verb = findVerb(name);
  const options = table(Object.entries({ ...verb.options, ...SHARED_OPTIONS }).map(optionRow));
  const actions = verb.actions === undefined
    ? ""
    : `${table(verb.actions.map(({ name, help }) => [name, help]))}\n`;
  const remark = verb.remark === undefined ? "" : `\n${verb.remark}\n`;
  const usage = usageLines(verb).join("\n       ");
  const example = verb.example === undefined
    ? ""
    : `as in: ringway ${verb.name} ${verb.example}\n\n`;
  return `ringway ${verb.name}: ${verb.summary}\n\nusage: ${usage}\n\n` +
    example + actions + options + remark;
}

/** One for each form. */
export function usageLines(verb: Verb): string[] {
  if (verb.actions === undefined) {
    const positionals = verb.positionals === "" ? "" : ` ${verb.positionals}`;
    return [`ringway ${verb.name}${positionals} [OPTIONS]`];
  }
  return verb.actions.map(({ name, positionals }) => {
    const own = Object.entries(verb.options)
      .filter(([, { action }]) => action === name)
      .map(([option, { value }]) => ` [--${option} ${value}]`);
    return `ringway ${verb.name} ${name} ${positionals.join(" ")}${own.join("")}`;
  });
}
