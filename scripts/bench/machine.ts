/**
 * The facts about a machine that its figures depend on: recorded with them, because a figure whose
 * machine is not known cannot be compared with any other.
 */
import { VERSION } from "../../src/base/version.ts";
import type { CorePair } from "./cores.ts";
import type { Program } from "./program.ts";

export interface Machine {
  /** The distribution, as it calls itself. */
  readonly system: string;
  readonly kernel: string;
  readonly cpuModel: string;
  readonly cores: CorePair & { readonly allowed: number };
  readonly memoryBytes: number;
  /** Programs that wanted to run when the bench began, over the minute before. */
  readonly loadAverage: number;
  /** Of Ringway, of what it runs on, and of the programs that were used, by their titles. */
  readonly versions: {
    readonly ringway: string;
    readonly deno: string;
    readonly programs: Readonly<Record<string, string>>;
  };
}

const UNKNOWN = "unknown";

/**
 * @param output of a program asked for its version, such as "nginx version: nginx/1.22.1", or
 *   "Version 1.2" on a line that follows the first.
 */
export function parseVersion(output: string): string {
  const [first] = output.split("\n");
  return /\d+\.\d+\S*/.exec(first)?.[0] ?? /^Version (\S+)$/m.exec(output)?.[1] ?? UNKNOWN;
}

/** @param text of /proc/cpuinfo, where ARM tells numbers instead of a name. */
export function parseCpuModel(text: string): string {
  return /^model name\s*:\s*(.+)$/m.exec(text)?.[1] ?? UNKNOWN;
}

/** @param text of os-release(5). */
export function parseSystem(text: string): string {
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1] ?? UNKNOWN;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // not every system has it
  }
}

/** Some tell it on one stream, some on the other, and wrk fails when it has told it. */
async function askVersion({ name, versionOption }: Program): Promise<string> {
  const command = new Deno.Command(name, { args: [versionOption], stdin: "null" });
  const { stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return parseVersion(decoder.decode(stdout) + decoder.decode(stderr));
}

export async function readMachine(
  cores: CorePair,
  allowed: number,
  programs: readonly Program[],
): Promise<Machine> {
  const versions = await Promise.all(
    programs.map(async (program) => [program.title, await askVersion(program)]),
  );
  return {
    system: parseSystem(readText("/etc/os-release")),
    kernel: Deno.osRelease(),
    cpuModel: parseCpuModel(readText("/proc/cpuinfo")),
    cores: { allowed, ...cores },
    memoryBytes: Deno.systemMemoryInfo().total,
    loadAverage: Deno.loadavg()[0],
    versions: {
      ringway: VERSION,
      deno: Deno.version.deno,
      programs: Object.fromEntries(versions),
    },
  };
}

/** One line for people. */
export function describeMachine({ system, kernel, cpuModel, cores, versions }: Machine): string {
  const programs = Object.entries(versions.programs).map((words) => `, ${words.join(" ")}`);
  return `${system}, Linux ${kernel}, ${cpuModel}, ${cores.allowed} cores; ` +
    `Ringway ${versions.ringway} on Deno ${versions.deno}${programs.join("")}`;
}
