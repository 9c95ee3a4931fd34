/**
 * How much of the memory that there is for us is in use: of the container's limit, or of the
 * machine's, whichever is nearer to its end. What the kernel can give back at any time (caches of
 * files) does not count as used, or a container that reads files would always look full.
 */
import { type ReadText, readText } from "./file_text.ts";

/** A number that stands behind a word at the start of a line; 0 where there is none. */
function figureOf(text: string, word: string): number {
  const line = text.split("\n").find((line) => line.startsWith(word));
  return Number(line?.slice(word.length).trim().split(/\s/)[0] ?? 0);
}

function shareOfMachine(read: ReadText): number {
  const text = read("/proc/meminfo") ?? "";
  const total = figureOf(text, "MemTotal:");
  return total === 0 ? 0 : 1 - figureOf(text, "MemAvailable:") / total;
}

/** The cgroups (version 2) that this process is in, its own first; "" is where they are mounted. */
function cgroupFolders(read: ReadText): string[] {
  const line = (read("/proc/self/cgroup") ?? "").split("\n").find((line) => line.startsWith("0::"));
  const folders: string[] = [];
  for (
    let path = line?.slice(3) ?? "";
    path.length > 1;
    path = path.slice(0, path.lastIndexOf("/"))
  ) {
    folders.push(path);
  }
  return [...folders, ""];
}

function shareOfCgroup(folder: string, read: ReadText): number {
  const max = Number(read(`${folder}/memory.max`) ?? NaN); // "max" is no number either
  const current = Number(read(`${folder}/memory.current`) ?? NaN);
  if (!(max > 0) || !(current >= 0)) return 0;
  const cache = figureOf(read(`${folder}/memory.stat`) ?? "", "inactive_file ");
  return Math.max(0, current - cache) / max;
}

/** 0..1; 0 where nothing can be learnt. @param read the text of a file, null without one. */
export function memoryUse(read: ReadText = readText): number {
  const cgroups = cgroupFolders(read).map((path) => shareOfCgroup(`/sys/fs/cgroup${path}`, read));
  return Math.max(shareOfMachine(read), ...cgroups);
}
