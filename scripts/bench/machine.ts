/**
 * The facts about a machine that its figures depend on: recorded with them, because a figure whose
 * machine is not known cannot be compared with any other.
 */
import { VERSION } from "../../src/base/version.ts";
import type { CorePair } from "./cores.ts";

export interface Machine {
  /** The distribution, as it calls itself. */
  readonly system: string;
  readonly kernel: string;
  readonly cpuModel: string;
  readonly cores: CorePair & { readonly allowed: number };
  readonly memoryBytes: number;
  /** Programs that wanted to run when the bench began, over the minute before. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<"ringway" | "deno" | "nginx" | "haproxy" | "wrk", string>>;
}

const UNKNOWN = "unknown";

/** @param output of a program asked for its version, such as "nginx version: nginx/1.22.1". */
export function parseVersion(output: string): string {
  const [first] = output.split("\n");
  return /\d+\.\d+\S*/.exec(first)?.[0] ?? UNKNOWN;
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
async function askVersion(program: string): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: ["-v"] }).output();
  const decoder = new TextDecoder();
  return parseVersion(decoder.decode(stdout) + decoder.decode(stderr));
}

export async function readMachine(cores: CorePair, allowed: number): Promise<Machine> {
  const [nginx, haproxy, wrk] = await Promise.all(["nginx", "haproxy", "wrk"].map(askVersion));
  return {
    system: parseSystem(readText("/etc/os-release")),
    kernel: Deno.osRelease(),
    cpuModel: parseCpuModel(readText("/proc/cpuinfo")),
    cores: { allowed, ...cores },
    memoryBytes: Deno.systemMemoryInfo().total,
    loadAverage: Deno.loadavg()[0],
    versions: { ringway: VERSION, deno: Deno.version.deno, nginx, haproxy, wrk },
  };
}

/** One line for people. */
export function describeMachine({ system, kernel, cpuModel, cores, versions }: Machine): string {
  return `${system}, Linux ${kernel}, ${cpuModel}, ${cores.allowed} cores; ` +
    `Ringway ${versions.ringway} on Deno ${versions.deno}, nginx ${versions.nginx}, ` +
    `HAProxy ${versions.haproxy}, wrk ${versions.wrk}`;
}
