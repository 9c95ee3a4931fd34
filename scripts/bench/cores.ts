/**
 * Which core the proxies get, and which everything else: the load generator, the origin, the
 * holders of idle connections and the bench itself. Two threads of one physical core would slow
 * each other down, so cores that are independent are preferred where there are any.
 */
export interface CorePair {
  readonly proxy: number;
  readonly load: number;
  /** They are threads of one physical core, because there was no better pair. */
  readonly siblings: boolean;
}

/** @param text a list of CPUs as the kernel writes it: "0-2,5". */
export function parseCpuList(text: string): number[] {
  return text.trim().split(",").filter((range) => range !== "").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/**
 * The proxies get the last core, because devices interrupt the first one more often.
 * @param allowed CPUs, ascending.
 * @param siblingsOf the CPUs on the same physical core as the given one.
 * @returns null when there are fewer than two.
 */
export function chooseCores(
  allowed: readonly number[],
  siblingsOf: (cpu: number) => readonly number[],
): CorePair | null {
  const proxy = allowed.at(-1);
  if (proxy === undefined || allowed.length < 2) return null;
  const beside = siblingsOf(proxy);
  const apart = allowed.find((cpu) => cpu !== proxy && !beside.includes(cpu));
  return { proxy, load: apart ?? allowed[0], siblings: apart === undefined };
}

/** The CPUs that this process may use. */
export function readAllowedCpus(): number[] {
  const status = Deno.readTextFileSync("/proc/self/status");
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
}

export function readSiblings(cpu: number): number[] {
  const path = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
  try {
    return parseCpuList(Deno.readTextFileSync(path));
  } catch {
    return []; // not told, as in some containers
  }
}
