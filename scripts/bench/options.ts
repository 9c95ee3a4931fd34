/**
 * What the bench is asked to do: its command line, read without touching anything, so that a typing
 * error is told before a process is started.
 */
import { CASE_NAMES, type CaseName } from "./goal.ts";

export interface BenchOptions {
  /** Measured rounds; one more goes before them as a warm-up and is thrown away. */
  readonly rounds: number;
  /** Length of one proxy's turn in a round. */
  readonly seconds: number;
  readonly cases: readonly CaseName[];
  /** Folder of the results; null is the default, see bench.ts. */
  readonly out: string | null;
  /** The table for a page in Markdown instead of one for a terminal. */
  readonly markdown: boolean;
  /** Only say what the options are. */
  readonly help: boolean;
}

export const USAGE = `usage: deno task bench [options]
  --rounds N    measured rounds per case (7)
  --seconds N   seconds of load per proxy and round (3)
  --case NAME   one case only, may be repeated, of
                ${CASE_NAMES.join(", ")}
  --quick       2 rounds of 1 second: shows that it works, not how fast
  --out DIR     where the JSON file and the chart go (.cache/bench)
  --markdown    print the table as Markdown
  --help        print this`;

export class UsageError extends Error {
  override readonly name = "UsageError";
}

const ROUNDS_MAX = 1000;
const SECONDS_MAX = 600;

function readCount(option: string, value: string, max: number): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1 || count > max) {
    throw new UsageError(`${option} wants a whole number from 1 to ${max}, not "${value}"`);
  }
  return count;
}

/** @throws UsageError that says what was expected. */
export function readOptions(words: readonly string[]): BenchOptions {
  let rounds = 7;
  let seconds = 3;
  let out: string | null = null;
  let markdown = false;
  let help = false;
  const cases: CaseName[] = [];
  for (let at = 0; at < words.length; at++) {
    const [option, inline] = words[at].split(/=(.*)/s);
    const value = () => {
      const found = inline ?? words[++at];
      if (found === undefined) throw new UsageError(`${option} wants a value`);
      return found;
    };
    switch (option) {
      case "--quick":
        rounds = 2;
        seconds = 1;
        break;
      case "--rounds":
        rounds = readCount(option, value(), ROUNDS_MAX);
        break;
      case "--seconds":
        seconds = readCount(option, value(), SECONDS_MAX);
        break;
      case "--out":
        out = value();
        break;
      case "--markdown":
        markdown = true;
        break;
      case "--help":
      case "-h":
        help = true;
        break;
      case "--case": {
        const name = value();
        const known = CASE_NAMES.find((each) => each === name);
        if (known === undefined) {
          throw new UsageError(`no case "${name}"; there are ${CASE_NAMES.join(", ")}`);
        }
        cases.push(known);
        break;
      }
      default:
        throw new UsageError(`unknown option "${words[at]}"`);
    }
  }
  // In the order of the bench, whatever the order on the command line.
  const chosen = CASE_NAMES.filter((name) => cases.length === 0 || cases.includes(name));
  return { rounds, seconds, cases: chosen, out, markdown, help };
}
