/**
 * `ringway doctor`: what there is of this machine that matters, each on a line with what mends it.
 * It starts nothing and changes nothing; whether it is right is a matter of the rules in
 * src/doctor/.
 */
import { plural } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { fail, type Finding, type FindingState, ok, worstState } from "../doctor/finding.ts";
import { judgeFacts } from "../doctor/judge_facts.ts";
import { readFacts } from "../doctor/read_facts.ts";
import { openShim } from "../../ffi/shim.ts";
import { loadConfig } from "./check.ts";
import { ENGINE_VARIABLE, ENGINE_WORDS, type EngineWord, readEngineWord } from "./engine_choice.ts";
import { EXIT_OK, EXIT_UNAVAILABLE } from "./exit_status.ts";
import { ownCommand } from "./own_command.ts";
import { ownPaint, print } from "./output.ts";
import { type Paint, paintNothing, type Tone } from "./table.ts";

const TONES: Readonly<Record<FindingState, Tone>> = { ok: "good", note: "odd", fail: "bad" };
const STATE_WIDTH = 4;
const REMEDY_MARK = "-> ";

interface Judged {
  readonly finding: Finding;
  /** Null: there is none, or it is wrong. */
  readonly config: Config | null;
}

async function judgeConfig(named: string | undefined): Promise<Judged> {
  const { source, config, diagnostics } = await loadConfig(named);
  const topic = "configuration";
  if (source.isDemo) {
    return { finding: ok(topic, "none found: defaults are judged"), config: null };
  }
  if (config !== null) return { finding: ok(topic, source.file), config };
  const found = `${source.file} has ${plural(diagnostics.length, "error")}: defaults are judged`;
  return { finding: fail(topic, found, ownCommand(`check ${source.file}`)), config: null };
}

/** One line for each, and one more for what mends it. */
export function renderFindings(
  findings: readonly Finding[],
  paint: Paint = paintNothing,
): string {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const indent = " ".repeat(STATE_WIDTH + width + 4);
  const lines = findings.flatMap(({ topic, state, found, remedy }) => [
    `${paint(state.padEnd(STATE_WIDTH), TONES[state])}  ${topic.padEnd(width)}  ${found}`,
    ...(remedy?.split("\n") ?? []).map((line, i) =>
      `${indent}${i === 0 ? REMEDY_MARK : " ".repeat(REMEDY_MARK.length)}${line}`
    ),
  ]);
  const count = (wanted: FindingState) => findings.filter(({ state }) => state === wanted).length;
  const sum = `${count("ok")} ok, ${plural(count("note"), "note")}, ${count("fail")} failed`;
  return `${lines.join("\n")}\n\n${sum}\n`;
}

function judgeEngineWord({ text, io }: EngineWord): Finding {
  const topic = ENGINE_VARIABLE;
  return io === null
    ? fail(topic, `${text} is no engine`, `set it to ${ENGINE_WORDS}`)
    : ok(topic, `${io}, whatever the configuration says`);
}

export async function runDoctor(named: string | undefined, json: boolean): Promise<number> {
  const { finding, config } = await judgeConfig(named);
  const word = readEngineWord();
  // Before the facts are read: afterwards little is left to this process.
  const paint = ownPaint();
  const findings = [
    finding,
    ...word === null ? [] : [judgeEngineWord(word)],
    ...judgeFacts(readFacts(openShim()), config, word?.io ?? undefined),
  ];
  const state = worstState(findings);
  print(
    json ? JSON.stringify({ state, findings }, null, 2) + "\n" : renderFindings(findings, paint),
  );
  return state === "fail" ? EXIT_UNAVAILABLE : EXIT_OK;
}
