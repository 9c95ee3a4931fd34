/**
 * The file that `ringway init` writes: right as it is, and right with each line switched on that
 * waits there as a comment.
 */
import assert from "node:assert/strict";
import STARTER from "../../config/starter.yaml" with { type: "text" };
import { parseConfig } from "../config/parse_config.ts";

const SWITCH = /^( *)#([a-z-].*)$/;
/** Each needs the other. */
const TOGETHER = [/proxy_protocol: true|trusted_proxies/, /^ {2}#(dns| {2}|resolvers)/];

const LINES = STARTER.split("\n");

function diagnose(isOn: (line: string) => boolean): string[] {
  const text = LINES.map((line) => {
    const isSwitch = SWITCH.test(line) || /^ {2}# {2}[a-z]/.test(line);
    return isSwitch && isOn(line) ? line.replace("#", "") : line;
  }).join("\n");
  return parseConfig(text, "starter", {}).diagnostics.map(({ line, message }) =>
    `${line} ${message}`
  );
}

Deno.test("the starter file is right as it is, and with everything switched on", () => {
  assert.deepEqual(diagnose(() => false), []);
  assert.deepEqual(diagnose(() => true), []);
});

Deno.test("each line that can be switched on is right alone, or with the one it speaks of", () => {
  const switches = LINES.filter((line) => SWITCH.test(line));
  assert.ok(switches.length > 10);
  for (const line of switches) {
    const partners = TOGETHER.find((pattern) => pattern.test(line));
    const isOn = (other: string) => other === line || partners?.test(other) === true;
    assert.deepEqual(diagnose(isOn), [], line);
  }
});

Deno.test("what a first configuration needs is all there, and fits a terminal", () => {
  const keys = LINES.flatMap((line) => /^#?([a-z]+):/.exec(line)?.slice(1) ?? []);
  assert.deepEqual(keys, ["workers", "log", "drain", "admin", "listeners", "backends"]);
  const known = Object.keys(parseConfig(STARTER, "f", {}).config!);
  assert.ok(keys.every((key) => known.includes(key)));
  assert.ok(LINES.every((line) => line.length <= 100));
});
