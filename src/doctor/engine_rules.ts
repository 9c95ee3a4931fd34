/**
 * Which engine the workers would have here, and how well it would do: kernel, io_uring and what it
 * can, what stands in front of it, and the clock and pages that every turn uses.
 */
import { describeErrno } from "../base/errno.ts";
import type { IoChoice } from "../config/config.ts";
import { explainPlatform } from "../supervisor/platform.ts";
import type { KernelFacts } from "./facts.ts";
import { fail, type Finding, note, ok } from "./finding.ts";
import { nameFeatures, NO_IOWAIT } from "./uring_features.ts";

/** io_uring with deferred task work. */
const KERNEL_NEEDED = [6, 1] as const;

/** Clocks that are read without a system call; others cost one for each turn of a worker. */
const FAST_CLOCKS = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

export function isKernelSince(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const [first, second] = kernel.split(".").map((part) => parseInt(part));
  return first > major || first === major && second >= minor;
}

function judgeProc({ hasProc }: KernelFacts): Finding {
  return hasProc ? ok("/proc", "mounted") : fail(
    "/proc",
    "not mounted: the program starts its workers through /proc/self, and most of what follows " +
      "is read there",
    "mount it: mount -t proc proc /proc",
  );
}

function judgeKernel({ kernel }: KernelFacts): Finding {
  const [major, minor] = KERNEL_NEEDED;
  return isKernelSince(kernel, KERNEL_NEEDED) ? ok("kernel", kernel) : note(
    "kernel",
    `${kernel}: too old for io_uring, epoll is used in its place`,
    `Linux ${major}.${minor} or newer makes the same traffic cheaper`,
  );
}

function judgeUring({ uring }: KernelFacts, io: IoChoice): Finding {
  if ("features" in uring) {
    return ok("io_uring", io === "epoll" ? 'would do, but "io: epoll" forgoes it' : "is used");
  }
  const found = `cannot be opened: ${describeErrno(uring.errno)}`;
  if (io === "epoll") return ok("io_uring", `${found}; nor is it wanted (io: epoll)`);
  const remedy = explainPlatform(uring);
  return io === "uring"
    ? fail("io_uring", `${found}, but "io: uring" insists on it`, remedy)
    : note("io_uring", `${found}; epoll is used in its place, at a higher cost`, remedy);
}

/** What a newer kernel would do better; nothing to say when there is no ring at all. */
function judgeFeatures({ uring, receiveAllowance }: KernelFacts): Finding[] {
  if (!("features" in uring)) return [];
  const lacking: string[] = [];
  const remedies: string[] = [];
  if (receiveAllowance === false) {
    lacking.push("no multishot receives with a byte limit");
    remedies.push("Linux 6.17 or newer makes small requests about a tenth cheaper");
  }
  if (!nameFeatures(uring.features).includes(NO_IOWAIT)) {
    lacking.push("no waiting without iowait");
    remedies.push("before Linux 6.15 monitoring shows idle workers as waiting for disks (iowait)");
  }
  if (lacking.length > 0) {
    return [note("ring features", lacking.join(", "), remedies.join("; "))];
  }
  return [ok("ring features", "multishot receives with a byte limit, waiting without iowait")];
}

/** The modes of seccomp(2) as /proc has them. */
function judgeSeccomp({ seccompMode, uring }: KernelFacts): Finding[] {
  if (seccompMode === null) return [];
  if (seccompMode === 0) return [ok("seccomp", "no filter around this process")];
  // What to do when it does not let io_uring pass stands there.
  const passes = "features" in uring ? "lets io_uring pass" : "see io_uring";
  return [ok("seccomp", `a filter is around this process; ${passes}`)];
}

function judgeMemfd({ memfdNoexec }: KernelFacts): Finding[] {
  if (memfdNoexec === null) return [];
  return [
    memfdNoexec < 2
      ? ok("memory files", `may be executed (vm.memfd_noexec = ${memfdNoexec})`)
      : fail(
        "memory files",
        "must not be executed (vm.memfd_noexec = 2): the single executable cannot unpack itself",
        "sysctl -w vm.memfd_noexec=1",
      ),
  ];
}

function judgeClock({ clock }: KernelFacts): Finding[] {
  if (clock === null) return [];
  return [
    FAST_CLOCKS.includes(clock) ? ok("clock", `${clock}, read without a system call`) : note(
      "clock",
      `${clock}: reading the time is a system call, which each turn of a worker makes`,
      "look in dmesg why the kernel gave tsc up; on a host you trust boot with tsc=reliable",
    ),
  ];
}

function judgePages({ hugePages }: KernelFacts): Finding[] {
  if (hugePages === null) return [];
  return [
    hugePages !== "never"
      ? ok("huge pages", `transparent_hugepage = ${hugePages}: buffers are in huge pages`)
      : note(
        "huge pages",
        "transparent_hugepage = never: large transfers cost more",
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
      ),
  ];
}

export function judgeEngine(facts: KernelFacts, io: IoChoice): Finding[] {
  return [
    judgeProc(facts),
    judgeKernel(facts),
    judgeUring(facts, io),
    ...judgeFeatures(facts),
    ...judgeSeccomp(facts),
    ...judgeMemfd(facts),
    ...judgeClock(facts),
    ...judgePages(facts),
  ];
}
