/**
 * Runs the fuzz targets (tests/fuzz/targets.ts) with new seeds for as long as is asked, each target
 * in turn for a moment: `deno task fuzz --seconds 60`.
 *
 * The first broken promise ends it with exit status 1, the seed, and the smallest input that was
 * found to break it. `--seed N --target NAME` begins with that very input again. An input that
 * keeps a target busy for ever shows as a run without an end: `--verbose` tells near which seed.
 */
import { parseArgs } from "node:util";
import { fuzz, renderFailure } from "../tests/fuzz/fuzz_run.ts";
import type { FuzzTarget } from "../tests/fuzz/target.ts";
import { TARGETS } from "../tests/fuzz/targets.ts";

const USAGE = `usage: deno task fuzz [options]
  --seconds N    how long, all targets together (60)
  --seed N       the first seed (drawn by chance)
  --target NAME  only this one: ${TARGETS.map(({ name }) => name).join(", ")}
  --verbose      print every moment which seeds are run`;

/** A target is run this long before the next has its turn. */
const MOMENT_MS = 1000;
const BYTES_MAX = 256 * 1024;

function readCount(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const count = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(count) || count < 0) {
    throw new Error(`--${name} takes a whole number, found "${text}"`);
  }
  return count;
}

function chooseTargets(name: string | undefined): readonly FuzzTarget[] {
  if (name === undefined) return TARGETS;
  const chosen = TARGETS.filter((target) => target.name === name);
  if (chosen.length === 0) throw new Error(`there is no target "${name}"`);
  return chosen;
}

function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: args.filter((word) => word !== "--"),
    options: {
      seconds: { type: "string" },
      seed: { type: "string" },
      target: { type: "string" },
      verbose: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const targets = chooseTargets(values.target);
  const drawn = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  const firstSeed = readCount("seed", values.seed, drawn);
  const endMs = performance.now() + 1000 * readCount("seconds", values.seconds, 60);
  console.log(`first seed ${firstSeed}`);
  return runTargets(targets, firstSeed, endMs, values.verbose === true);
}

function runTargets(
  targets: readonly FuzzTarget[],
  firstSeed: number,
  endMs: number,
  isVerbose: boolean,
): number {
  const root = import.meta.dirname!.replace(/\/scripts$/, "");
  const runs = targets.map(() => 0);
  for (let turn = 0; turn < targets.length || performance.now() < endMs; turn++) {
    const which = turn % targets.length;
    const target = targets[which];
    const beganMs = performance.now();
    const seed = firstSeed + runs[which];
    if (isVerbose) console.log(`${target.name} from seed ${seed}`);
    const failure = fuzz(target, root, {
      firstSeed: seed,
      bytesMax: BYTES_MAX,
      // At least one input, however little time there is: the seed that was asked for.
      isOver: (count) => {
        runs[which] += count === 0 ? 0 : 1;
        return count > 0 && performance.now() >= Math.min(endMs, beganMs + MOMENT_MS);
      },
    });
    if (failure !== null) {
      console.error(renderFailure(failure));
      return 1;
    }
  }
  const counts = targets.map(({ name }, i) => `${name} ${runs[i]}`);
  console.log(`every promise held: ${counts.join(", ")} inputs`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(main(Deno.args));
  } catch (failure) {
    console.error(failure instanceof Error ? failure.message : failure);
    console.error(USAGE);
    Deno.exit(1);
  }
}
