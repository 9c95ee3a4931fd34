/**
 * What keeps the bench from running on a machine, told before anything is started, with the remedy.
 * Half of a run is worth nothing, and a proxy that could not open enough files would look slow.
 */
import { findProgram } from "../command.ts";
import { readQuota } from "../../src/supervisor/cores.ts";
import { readAllowedCpus } from "./cores.ts";

/** Two for each idle connection, and what HAProxy reserves beyond that; one for each flow. */
const OPEN_FILES_MIN = 20_000;
const CORES_MIN = 2;

export interface Means {
  /** CPUs that may be used, and CPUs' worth of time that the cgroup allows. */
  readonly cpus: number;
  readonly quota: number;
  readonly missingPrograms: readonly string[];
  /** What the limit of open files may be raised to. */
  readonly openFiles: number;
}

/** @returns a sentence with cause and remedy, or null when nothing is in the way. */
export function findObstacle({ cpus, quota, missingPrograms, openFiles }: Means): string | null {
  const cores = Math.min(cpus, quota);
  if (cores < CORES_MIN) {
    return `needs two cores, one for the proxy and one for load and origin, and may use ` +
      `${cores}: run it on a larger machine, or widen the CPU affinity or quota`;
  }
  if (missingPrograms.length > 0) {
    return `${missingPrograms.join(", ")} not found on the PATH: run "deno task setup --bench", ` +
      `which installs the Debian packages`;
  }
  if (openFiles < OPEN_FILES_MIN) {
    return `needs ${OPEN_FILES_MIN} open files per process and the limit is ${openFiles}: raise ` +
      `it with "ulimit -Hn ${OPEN_FILES_MIN}" as root, or in /etc/security/limits.conf`;
  }
  return null;
}

/** @param text of /proc/PID/limits. @returns the hard limit of open files. */
export function parseOpenFiles(text: string): number {
  const hard = /^Max open files +\S+ +(\S+)/m.exec(text)?.[1];
  return hard === "unlimited" ? Infinity : Number(hard ?? NaN);
}

/** @param programs that are needed besides those that every Linux has. */
export function readMeans(programs: readonly string[]): Means {
  return {
    cpus: readAllowedCpus().length,
    quota: readQuota(),
    missingPrograms: ["taskset", ...programs].filter((program) =>
      findProgram(program) === undefined
    ),
    openFiles: parseOpenFiles(Deno.readTextFileSync("/proc/self/limits")),
  };
}
