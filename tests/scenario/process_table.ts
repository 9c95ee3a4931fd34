/**
 * What the kernel tells of processes: /proc as far as the scenarios need it. Processes are found
 * by a text in their environment, which children inherit, so that also those are found whose
 * parent has been killed.
 */
import { until } from "./until.ts";

const CLOCK_TICKS_PER_SECOND = 100;
/** For so long is CPU time looked at. */
const LOOK_MS = 1500;

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null; // it has ended meanwhile
  }
}

/** The fields of /proc/PID/stat, or of PID/task/TID, after the name, which may hold anything. */
function statFields(pid: number | string): string[] | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The state of each thread of a process: one letter as in ps. */
function threadStates(pid: number): string[] {
  try {
    const threads = Array.from(Deno.readDirSync(`/proc/${pid}/task`), ({ name }) => name);
    return threads.map((thread) => statFields(`${pid}/task/${thread}`)?.[0] ?? "X");
  } catch {
    return []; // it has ended meanwhile
  }
}

/**
 * Has a thread that has not ended. One look at the process would not do: its first thread is
 * called a zombie while others are still holding its files open.
 */
export function isAlive(pid: number): boolean {
  return threadStates(pid).some((state) => state !== "Z" && state !== "X");
}

/** Processes alive whose environment holds `text`. */
export function pidsWithEnvironment(text: string): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    if (readText(`/proc/${pid}/environ`)?.includes(text) && isAlive(pid)) pids.push(pid);
  }
  return pids;
}

/** The processes that a process has started and that are there. */
export function childrenOf(pid: number): number[] {
  return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name))
    .filter((child) => Number.isInteger(child) && Number(statFields(child)?.[1]) === pid);
}

/** CPU time that a process has used, all threads, user and system; in seconds. */
function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  if (fields === null) throw new Error(`process ${pid} is gone`);
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** CPU time of a process over elapsed time, looked at for a while: 1 is one core busy. */
export async function cpuShare(pid: number): Promise<number> {
  const startedMs = performance.now();
  const before = cpuSeconds(pid);
  await until("it has been looked at for long enough", () => {
    return performance.now() - startedMs >= LOOK_MS;
  });
  return (cpuSeconds(pid) - before) / ((performance.now() - startedMs) / 1000);
}

/** Memory that is the process's alone and resident, in bytes. */
export function privateBytes(pid: number): number {
  const text = readText(`/proc/${pid}/smaps_rollup`);
  if (text === null) throw new Error(`process ${pid} is gone`);
  let kibibytes = 0;
  for (const [, count] of text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)) {
    kibibytes += Number(count);
  }
  return kibibytes * 1024;
}

export function openFileCount(pid: number): number {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`)).length;
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(pid, name);
    return true;
  } catch (failure) {
    if (failure instanceof Deno.errors.NotFound) return false;
    // What the runtime calls an invalid argument or another error of a pid that has ended.
    if (!isAlive(pid)) return false;
    throw failure;
  }
}

/** Stops a process and waits until none of its threads runs any more. */
export async function stop(pid: number): Promise<void> {
  signal(pid, "SIGSTOP");
  await until(`process ${pid} stands still`, () => {
    return threadStates(pid).every((state) => state === "T");
  });
}
