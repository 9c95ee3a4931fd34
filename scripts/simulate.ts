/**
 * Runs seeds of the simulation (tests/simulation/simulation.ts): `deno task simulate`.
 *
 * Without a seed it goes on with new ones until its count is reached or one fails. A failure prints
 * the seed; that seed alone, with `--trace`, tells everything that was asked of the kernel and told
 * by it. The same seed is the same run as long as the code is the same.
 */
import { parseArgs } from "node:util";
import { kindOf, SCENE_KINDS, type SceneKind } from "../tests/simulation/scene.ts";
import { Simulation } from "../tests/simulation/simulation.ts";

const USAGE = `usage: deno task simulate [options]
  --seed N     the first seed (drawn by chance)
  --seeds N    how many, one after the other (1 with --seed, else 1000)
  --kind NAME  only scenes of that kind (${SCENE_KINDS.join(", ")})
  --trace      print what is asked and told`;
const TELL_EVERY = 100;

function readCount(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`"${text}" is no whole number`);
  return count;
}

function readKind(text: string | undefined): SceneKind | null {
  if (text === undefined) return null;
  const kind = SCENE_KINDS.find((each) => each === text);
  if (kind === undefined) throw new Error(`no kind of scene: "${text}"`);
  return kind;
}

function main(): number {
  const { values } = parseArgs({
    args: Deno.args.filter((word) => word !== "--"),
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      kind: { type: "string" },
      trace: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const kind = readKind(values.kind);
  const drawn = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  const first = readCount(values.seed, drawn);
  const count = readCount(values.seeds, values.seed === undefined ? 1000 : 1);
  let connections = 0;
  let bytes = 0;
  let datagrams = 0;
  let turns = 0;
  for (let seed = first; seed < first + count; seed++) {
    if (kind !== null && kindOf(seed) !== kind) continue;
    const simulation = new Simulation(seed);
    if (values.trace === true) simulation.ring.trace = (line) => console.log(line);
    const report = simulation.run();
    connections += report.connections;
    bytes += report.bytes;
    datagrams += report.datagrams?.passedCount ?? 0;
    turns += report.turns;
    const done = seed - first + 1;
    if (done % TELL_EVERY === 0 && done < count) console.log(`${done} seeds ok`);
  }
  const mebibytes = (bytes / 1024 / 1024).toFixed(1);
  console.log(
    `seeds ${first} to ${first + count - 1} ok: ${turns} turns, ${connections} connections, ` +
      `${mebibytes} MiB, ${datagrams} datagrams`,
  );
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(main());
  } catch (failure) {
    console.error(failure instanceof Error ? failure.message : failure);
    console.error(USAGE.split("\n")[0]);
    Deno.exit(1);
  }
}
