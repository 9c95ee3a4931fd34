/**
 * Reads the facts that the doctor judges: files of /proc and /sys, and what the shim answers. The
 * one place of this folder that looks at the machine. A file that cannot be read is a fact that is
 * not known, never a failure: containers hide some, and older kernels have fewer.
 */
import { FEATURES, RECEIVE_ALLOWANCE } from "../../ffi/layout.ts";
import type { Shim } from "../../ffi/shim.ts";
import { SUBMISSIONS_MAX } from "../limits.ts";
import { URING } from "../ring/ring.ts";
import { cpusOf, readQuota } from "../supervisor/cores.ts";
import { type ReadText, readText } from "../supervisor/file_text.ts";
import { readPlatformFacts } from "../supervisor/platform.ts";
import { type Hardening, readHardening, requestHardening } from "../worker/hardening.ts";
import type { Facts, KernelFacts, NetworkFacts, ProcessFacts } from "./facts.ts";

/** What a file holds, if that is one number. */
function readNumber(read: ReadText, path: string): number | null {
  const text = read(path)?.trim() ?? "";
  return /^[0-9]+$/.test(text) ? Number(text) : null;
}

/** What stands behind a word at the start of a line. */
function wordBehind(text: string | null, word: string): string | null {
  const line = text?.split("\n").find((line) => line.startsWith(word));
  return line?.slice(word.length).trim().split(/\s+/)[0] ?? null;
}

/** Opens a ring as large as a worker's: small ones may fit where those do not. */
function readRing(shim: Shim, read: ReadText): Pick<KernelFacts, "uring" | "receiveAllowance"> {
  const opened = shim.library.rw_ring_open(SUBMISSIONS_MAX, URING);
  if (opened < 0) return { uring: readPlatformFacts(-opened, read), receiveAllowance: null };
  const [features] = new Uint32Array(shim.control, FEATURES, 1);
  const [allowance] = new Uint32Array(shim.control, RECEIVE_ALLOWANCE, 1);
  return { uring: { features }, receiveAllowance: allowance === 1 };
}

function readKernel(shim: Shim, read: ReadText): KernelFacts {
  const status = read("/proc/self/status");
  const seccomp = wordBehind(status, "Seccomp:");
  const pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
  const clock = read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  return {
    kernel: Deno.osRelease(),
    hasProc: status !== null,
    ...readRing(shim, read),
    seccompMode: seccomp === null ? null : Number(seccomp),
    landlock: Math.max(0, shim.library.rw_landlock_version()),
    memfdNoexec: readNumber(read, "/proc/sys/vm/memfd_noexec"),
    clock: clock?.trim() ?? null,
    hugePages: pages === null ? null : /\[(\w+)\]/.exec(pages)?.[1] ?? null,
  };
}

/** A row of /proc/self/limits: soft, hard. */
function readLimit(read: ReadText, name: string): readonly [number, number] | null {
  const row = (read("/proc/self/limits") ?? "").split("\n").find((line) => line.startsWith(name));
  const [soft, hard] = (row ?? "").slice(name.length).trim().split(/\s+/)
    .map((word) => word === "unlimited" ? Infinity : Number(word));
  return hard === undefined || Number.isNaN(soft + hard) ? null : [soft, hard];
}

/** Limits of the memory cgroup of this process and of those above it, of either version. */
function readMemoryLimits(read: ReadText): number[] {
  const limits: number[] = [];
  for (const line of (read("/proc/self/cgroup") ?? "").trim().split("\n")) {
    const [, controllers, path] = line.split(":");
    if (path === undefined) continue;
    const isV2 = controllers === "";
    if (!isV2 && !controllers.split(",").includes("memory")) continue;
    const [root, file] = isV2
      ? ["/sys/fs/cgroup", "memory.max"]
      : ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"];
    for (let at = path.replace(/\/$/, "");; at = at.slice(0, at.lastIndexOf("/"))) {
      limits.push(readNumber(read, `${root}${at}/${file}`) ?? Infinity);
      if (at === "") break;
    }
  }
  return limits;
}

function readMemory(read: ReadText): number | null {
  const kibibytes = Number(wordBehind(read("/proc/meminfo"), "MemTotal:") ?? Infinity);
  const least = Math.min(1024 * kibibytes, ...readMemoryLimits(read));
  return Number.isFinite(least) ? least : null;
}

function readProcess(shim: Shim, read: ReadText): ProcessFacts {
  const capabilities = wordBehind(read("/proc/self/status"), "CapEff:");
  const maskBytes = shim.library.rw_affinity();
  return {
    uid: Deno.uid() ?? 0,
    capabilities: capabilities === null ? null : BigInt(`0x${capabilities}`),
    unprivilegedPort: readNumber(read, "/proc/sys/net/ipv4/ip_unprivileged_port_start"),
    filesMax: readLimit(read, "Max open files")?.[1] ?? null,
    lockedBytesMax: readLimit(read, "Max locked memory")?.[0] ?? null,
    cpus: cpusOf(shim.scratch.slice(0, Math.max(0, maskBytes))),
    quota: readQuota(read),
    memoryBytes: readMemory(read),
  };
}

function readNetwork(read: ReadText): NetworkFacts {
  const count = readNumber(read, "/proc/sys/net/netfilter/nf_conntrack_count");
  const max = readNumber(read, "/proc/sys/net/netfilter/nf_conntrack_max");
  return {
    somaxconn: readNumber(read, "/proc/sys/net/core/somaxconn"),
    synCookies: readNumber(read, "/proc/sys/net/ipv4/tcp_syncookies"),
    localPorts: read("/proc/sys/net/ipv4/ip_local_port_range"),
    receiveBufferMax: readNumber(read, "/proc/sys/net/core/rmem_max"),
    conntrack: count === null || max === null ? null : { count, max },
  };
}

/** Does to this process what is done to workers: whether that works nothing else tells. */
function tryHardening(shim: Shim): Hardening {
  const { steps, keptCapabilities } = requestHardening({ hardening: true, backends: [] }, 0);
  return readHardening(shim.library.rw_harden(steps, keptCapabilities));
}

/**
 * For a process that ends soon: the ring that is opened stays open, and at the end it gives up its
 * rights, its files and most system calls. Then it can still write to its standard output, and end
 * by `Deno.exit`.
 */
export function readFacts(shim: Shim, read: ReadText = readText): Facts {
  const facts = { ...readKernel(shim, read), ...readProcess(shim, read), ...readNetwork(read) };
  return { ...facts, hardening: tryHardening(shim) };
}
