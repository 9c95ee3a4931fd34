/**
 * Runs cases of the simulated backend and prints what they have counted. Without arguments: each
 * case with one seed. The same seed is the same run as long as the code is the same.
 */
import { parseArgs } from "node:util";
import { CASES, isCaseName, runCase } from "./backend_cases.ts";

const USAGE = `usage: deno run -A tests/simulation/backend/backend_run.ts [options]
  --seed N     the first seed (1)
  --seeds N    how many, one after the other (1)
  --case NAME  only that case (${Object.keys(CASES).join(", ")})`;

function main(): number {
  const { values } = parseArgs({
    args: Deno.args.filter((word) => word !== "--"),
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      case: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const first = Number(values.seed);
  const count = Number(values.seeds);
  const name = values.case;
  const isWrong = !Number.isSafeInteger(first) || !Number.isSafeInteger(count) ||
    (name !== undefined && !isCaseName(name));
  if (values.help === true || isWrong) {
    console.log(USAGE);
    return isWrong ? 1 : 0;
  }
  const names = Object.keys(CASES).filter(isCaseName);
  for (let seed = first; seed < first + count; seed++) {
    for (const each of names) {
      if (name !== undefined && name !== each) continue;
      for (const line of runCase(each, seed)) console.log(line);
    }
  }
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(main());
  } catch (failure) {
    console.error(failure instanceof Error ? failure.message : failure);
    Deno.exit(1);
  }
}
