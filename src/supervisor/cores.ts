/**
 * How many workers, and on which CPUs: `workers: auto` follows the process's CPU affinity and the
 * cgroup's CPU quota, so that a container with 2 of 64 cores gets 2 workers.
 */
import { type ReadText, readText } from "./file_text.ts";
import { WORKERS_MAX } from "../limits.ts";

/** CPU numbers set in an affinity mask, lowest first. */
export function cpusOf(mask: Uint8Array): number[] {
  const cpus: number[] = [];
  for (let i = 0; i < mask.length * 8; i++) {
    if ((mask[i >> 3] & (1 << (i & 7))) !== 0) cpus.push(i);
  }
  return cpus;
}

/**
 * CPUs' worth of time that the cgroup allows; Infinity without a quota.
 * @param v2 cpu.max of cgroup v2, "QUOTA PERIOD" or "max PERIOD"; null when there is none.
 * @param v1 cpu.cfs_quota_us and cpu.cfs_period_us of cgroup v1.
 */
export function quotaOf(v2: string | null, v1: readonly [string, string] | null): number {
  const [quota, period] = v2 !== null ? v2.trim().split(" ") : v1 ?? ["max", "1"];
  const share = Number(quota) / Number(period);
  return Number.isFinite(share) && share > 0 ? share : Infinity;
}

export interface CoreChoice {
  readonly workers: number;
  /** CPU of each worker; -1 leaves it to the kernel. */
  readonly cpus: readonly number[];
}

/**
 * With a quota below the CPUs a worker is not pinned: every container would choose the same first
 * CPUs. More workers than CPUs are not pinned either.
 */
export function chooseCores(
  wanted: number | "auto",
  cpus: readonly number[],
  quota: number,
): CoreChoice {
  const allowed = Math.min(cpus.length, Math.ceil(quota), WORKERS_MAX);
  const workers = wanted === "auto" ? Math.max(1, allowed) : wanted;
  const pinned = workers <= cpus.length && Math.ceil(quota) >= cpus.length;
  return {
    workers,
    cpus: Array.from({ length: workers }, (_, worker) => pinned ? cpus[worker] : -1),
  };
}

/**
 * The quota of this process's cgroup and of those above it, the smallest counts.
 * @param read the text of a file, null when there is none.
 */
export function readQuota(read: ReadText = readText): number {
  const own = read("/proc/self/cgroup") ?? "";
  let quota = Infinity;
  for (const line of own.trim().split("\n")) {
    const [, controllers, path] = line.split(":");
    if (controllers === undefined || path === undefined) continue;
    if (controllers !== "" && !controllers.split(",").includes("cpu")) continue;
    const root = controllers === "" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    // In a container the path may not be visible; then the mount itself is the cgroup.
    for (let at = path;; at = at.slice(0, at.lastIndexOf("/"))) {
      const folder = root + at;
      const max = controllers === "" ? read(`${folder}/cpu.max`) : null;
      const cfsQuota = read(`${folder}/cpu.cfs_quota_us`);
      const cfsPeriod = read(`${folder}/cpu.cfs_period_us`);
      const v1 = cfsQuota !== null && cfsPeriod !== null ? [cfsQuota, cfsPeriod] as const : null;
      quota = Math.min(quota, quotaOf(max, v1));
      if (at === "" || at === "/") break;
    }
  }
  return quota;
}
