/**
 * `ringway version`: one line for people; as JSON everything that a report of a fault should hold:
 * what is inside, by version, and what this kernel has of what is used. And the licences of it.
 */
import { describeErrno } from "../base/errno.ts";
import { type Component, type Facts, readFacts, readLicences } from "../../ffi/parts.ts";
import { VERSION } from "../base/version.ts";
import { SUBMISSIONS_MAX } from "../limits.ts";
import { nameFeatures } from "../doctor/uring_features.ts";
import { chooseEngine, type EngineName } from "../supervisor/platform.ts";
import { openShim } from "../../ffi/shim.ts";
import type { CommandLine } from "./command_line.ts";
import { EXIT_OK } from "./exit_status.ts";
import { print } from "./output.ts";

export interface Versions {
  readonly ringway: string;
  /** Null: it runs from its source. */
  readonly commit: string | null;
  readonly deno: string;
  readonly v8: string;
  readonly typescript: string;
  readonly kernel: string;
  readonly arch: string;
  /** What "io: auto" takes here. */
  readonly engine: EngineName;
  readonly io_uring: {
    /** Why no ring can be opened; null: one can. */
    readonly error: string | null;
    readonly features: readonly string[];
  };
  /** What the executable is made of; empty in the source tree. */
  readonly components: readonly Component[];
}

/** @param probe as returned by rw_probe. */
export function gatherVersions(facts: Facts | null, probe: number): Versions {
  const isOpen = probe >= 0;
  return {
    ringway: VERSION,
    commit: facts?.commit ?? null,
    ...Deno.version,
    kernel: Deno.osRelease(),
    arch: Deno.build.arch,
    engine: chooseEngine("auto", probe).io,
    io_uring: {
      error: isOpen ? null : describeErrno(probe),
      features: isOpen ? nameFeatures(probe) : [],
    },
    components: facts?.components ?? [],
  };
}

/** In the source tree the file is there, and what else is used brings its own. */
function licenceText(): string {
  return readLicences() ?? Deno.readTextFileSync(`${import.meta.dirname}/../../LICENSE`);
}

export function runVersion({ json, licences }: CommandLine["options"]): number {
  if (licences === true) {
    print(licenceText());
    return EXIT_OK;
  }
  if (json !== true) {
    print(`ringway ${VERSION}\n`);
    return EXIT_OK;
  }
  const versions = gatherVersions(readFacts(), openShim().library.rw_probe(SUBMISSIONS_MAX, 1));
  print(JSON.stringify(versions, null, 2) + "\n");
  return EXIT_OK;
}
