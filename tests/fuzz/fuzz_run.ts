/**
 * Runs a target on one input after the other, and makes the first failure small.
 *
 * Each input has a seed of its own and is a function of that seed, the target and its samples; so a
 * failure is told by one number, and that number alone shows it again. A target that throws has
 * failed, and so has one that takes longer than SLOW_MS: a parser that can be kept busy is broken.
 */
import { Random } from "../../src/base/random.ts";
import { makeInput, type Stock } from "./mutation.ts";
import type { FuzzTarget } from "./target.ts";

/** Far beyond what any input of the sizes here takes, even on a loaded machine. */
const SLOW_MS = 5000;
/** Runs spent on making a failing input small. */
const SHRINK_RUNS_MAX = 2000;

export interface Failure {
  readonly target: string;
  /** Of the input; `fuzz` with it as first seed fails at once. */
  readonly seed: number;
  readonly input: Uint8Array;
  /** The smallest input found that still fails; the input itself when it was slow. */
  readonly smallest: Uint8Array;
  readonly reason: string;
}

export interface FuzzRequest {
  readonly firstSeed: number;
  readonly bytesMax: number;
  /** Asked before each input, with how many were run. */
  readonly isOver: (runs: number) => boolean;
}

/** @param root of the project, for the sample folders. */
export function fuzz(target: FuzzTarget, root: string, request: FuzzRequest): Failure | null {
  const { firstSeed, bytesMax, isOver } = request;
  const encoder = new TextEncoder();
  const stock: Stock = {
    samples: (target.folders ?? []).flatMap((folder) => readFolder(`${root}/${folder}`)),
    words: (target.words ?? []).map((word) => encoder.encode(word)),
    bytesMax,
  };
  for (let runs = 0; !isOver(runs); runs++) {
    const seed = firstSeed + runs;
    const input = makeInput(new Random(seed), stock);
    const reason = findFault(target, input);
    if (reason === null) continue;
    const smallest = reason.startsWith("slow") ? input : shrink(target, input);
    return { target: target.name, seed, input, smallest, reason };
  }
  return null;
}

/** Why the target failed; null when it kept its promises. */
function findFault({ run }: FuzzTarget, input: Uint8Array): string | null {
  const beganMs = performance.now();
  try {
    run(input);
  } catch (fault) {
    return fault instanceof Error ? fault.stack ?? fault.message : String(fault);
  }
  const ms = performance.now() - beganMs;
  return ms < SLOW_MS ? null : `slow: ${Math.round(ms)} ms for ${input.length} bytes`;
}

/** Takes pieces out, large ones first, as long as the target goes on failing. */
function shrink(target: FuzzTarget, input: Uint8Array): Uint8Array {
  let smallest = input;
  let runs = 0;
  for (let length = input.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at + length <= smallest.length && runs < SHRINK_RUNS_MAX;) {
      const shorter = new Uint8Array(smallest.length - length);
      shorter.set(smallest.subarray(0, at));
      shorter.set(smallest.subarray(at + length), at);
      runs++;
      if (findFault(target, shorter) === null) at += length;
      else smallest = shorter;
    }
  }
  return smallest;
}

function readFolder(folder: string): Uint8Array[] {
  return Array.from(Deno.readDirSync(folder))
    .filter(({ name, isFile }) => isFile && !name.endsWith(".expected"))
    // The order of a folder is chance, which only the seed may decide.
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name }) => Deno.readFileSync(`${folder}/${name}`));
}

/** A failure in words, with how to see it again. */
export function renderFailure({ target, seed, input, smallest, reason }: Failure): string {
  return [
    `${target} failed: ${reason}`,
    `smallest input (${smallest.length} of ${input.length} bytes): ${showBytes(smallest)}`,
    `again: deno task fuzz --target ${target} --seed ${seed}`,
  ].join("\n");
}

const SHOWN_BYTES_MAX = 2000;

/** As a JavaScript string where the bytes are UTF-8, otherwise in hexadecimal. */
function showBytes(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, SHOWN_BYTES_MAX);
  const rest = bytes.length > shown.length ? ` and ${bytes.length - shown.length} more` : "";
  try {
    return JSON.stringify(new TextDecoder("utf-8", { fatal: true }).decode(shown)) + rest;
  } catch {
    return Array.from(shown, (byte) => byte.toString(16).padStart(2, "0")).join(" ") + rest;
  }
}
