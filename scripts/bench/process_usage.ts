/**
 * What processes use, from /proc: CPU time to the nanosecond, its split, and memory.
 *
 * A core under load hands part of the network's work to the kernel thread ksoftirqd, whose time is
 * nobody's. Whoever makes more of that would look cheaper than it is, so it is read as well.
 *
 * Memory is what the processes themselves account for, shared pages counted once, and it must not
 * change with what else runs: a program's code counts in full even if a stranger runs it too.
 */

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** In user and kernel space; clock ticks of 10 ms, the split is sampled at the timer's rate. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** When it was started, in ticks since the machine was. */
  readonly startTicks: number;
}

export const TICKS_PER_SECOND = 100;

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null; // the process or thread has ended
  }
}

/** @param text of /proc/PID/stat: proc_pid_stat(5). */
export function parseStat(text: string): ProcessStat {
  // The name may hold anything, blanks and parentheses too: what counts follows the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid: parseInt(text),
    state: fields[0],
    parent: Number(fields[1]),
    userTicks: Number(fields[11]),
    systemTicks: Number(fields[12]),
    startTicks: Number(fields[19]),
  };
}

export function readStat(pid: number): ProcessStat | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** Nanoseconds on a CPU of each thread, by "pid/thread". */
export type ThreadTimes = ReadonlyMap<string, number>;

export function readThreadTimes(pids: readonly number[]): ThreadTimes {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const text = readText(`/proc/${pid}/task/${name}/schedstat`);
      if (text !== null) times.set(`${pid}/${name}`, parseInt(text));
    }
  }
  return times;
}

/** Time used between the two; a thread that ended in between counts as idle. */
export function usedNanos(before: ThreadTimes, after: ThreadTimes): number {
  let sum = 0;
  for (const [thread, nanos] of after) sum += nanos - (before.get(thread) ?? 0);
  return sum;
}

/** @returns the process number of the core's ksoftirqd, or null: hidden, as in a container. */
export function findSoftirqThread(core: number): number | null {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (readText(`/proc/${name}/comm`)?.trim() === `ksoftirqd/${core}`) return Number(name);
  }
  return null;
}

export interface Memory {
  /** Written by the process or shared in its family, swapped out or not: heap, stacks, buffers. */
  readonly ownBytes: number;
  /** Pages of files: its code. */
  readonly fileBytes: number;
}

/**
 * @param text of /proc/PID/smaps_rollup, whose Pss divides a page among those who share it; huge
 *   pages of hugetlbfs stand apart there.
 */
export function parseMemory(text: string): Memory {
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) * 1024;
  const shared = bytes("Pss_Shmem");
  const ownBytes = bytes("Pss_Anon") + shared + bytes("SwapPss") + bytes("Private_Hugetlb");
  // Anonymous is the process's own count, not divided: the rest of its pages are of files.
  return { ownBytes, fileBytes: Math.max(0, bytes("Rss") - bytes("Anonymous") - shared) };
}

export function readMemory(pid: number): Memory {
  return parseMemory(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`));
}

/** Memory of a program's processes together; they run the same code, which counts once. */
export function familyBytes(members: readonly Memory[]): number {
  const own = members.reduce((sum, { ownBytes }) => sum + ownBytes, 0);
  return own + Math.max(...members.map(({ fileBytes }) => fileBytes));
}

/** @returns seconds since its start that the core was busy with anything, and was taken away. */
export function parseCoreSeconds(text: string, core: number): { busy: number; stolen: number } {
  const line = text.split("\n").find((each) => each.startsWith(`cpu${core} `)) ?? "";
  const [user, nice, system, _idle, _wait, irq, softirq, steal] = line.split(/ +/).slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  return { busy: user + nice + system + irq + softirq, stolen: steal };
}

export function readCoreSeconds(core: number): { busy: number; stolen: number } {
  return parseCoreSeconds(Deno.readTextFileSync("/proc/stat"), core);
}
