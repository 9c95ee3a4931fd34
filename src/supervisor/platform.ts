/**
 * Can this machine give us an io_uring, and if not, which lock is it, what opens it, and what is
 * used in its place?
 *
 * The errno alone does not say: EPERM comes from a seccomp profile and from a sysctl. So the
 * sysctl and the process's seccomp mode are read, and named, instead of guessed.
 */
import type { IoChoice } from "../config/config.ts";
import { readText } from "./file_text.ts";
import { describeErrno, EACCES, EINVAL, ENOMEM, ENOSYS, EPERM } from "../base/errno.ts";

/** What completes a worker's operations. */
export type EngineName = "uring" | "epoll";

/** What is known about the machine when a ring could not be opened. */
export interface PlatformFacts {
  /** The errno of io_uring_setup, positive. */
  readonly errno: number;
  /** /proc/sys/kernel/io_uring_disabled: 0, 1, 2; null where the kernel has no such switch. */
  readonly disabled: number | null;
  /** A seccomp filter is active for this process ("Seccomp: 2" in /proc/self/status). */
  readonly filtered: boolean;
  /** uname -r. */
  readonly kernel: string;
}

export class PlatformError extends Error {
  override readonly name = "PlatformError";
}

const NEEDED = "Linux 6.1 or newer is needed";

/** Cause and remedy, in a few lines; every lock that is seen is named: each must be opened. */
export function explainPlatform(facts: PlatformFacts): string {
  const { errno, filtered, kernel } = facts;
  const isForbidden = errno === EPERM || errno === EACCES;
  const locks = isForbidden || errno === ENOSYS && filtered ? findLocks(facts) : [];
  if (locks.length > 0) return locks.join("\nand perhaps also: ");
  if (isForbidden) {
    return "io_uring is not permitted, neither by kernel.io_uring_disabled nor by a seccomp " +
      'filter: look at the security modules (AppArmor, SELinux; see "dmesg")';
  }
  if (errno === ENOSYS) {
    return isOld(kernel)
      ? `this kernel (${kernel}) has no io_uring; ${NEEDED}`
      : `this kernel (${kernel}) was built without io_uring; use one with CONFIG_IO_URING`;
  }
  if (errno === EINVAL) {
    return isOld(kernel)
      ? `this kernel (${kernel}) is too old: its io_uring has no deferred task work; ${NEEDED}`
      : `the io_uring of this kernel (${kernel}) has no deferred task work, although Linux has ` +
        "had it since 6.1; use the kernel of a distribution";
  }
  if (errno === ENOMEM) {
    return "the kernel refuses memory for the ring (ENOMEM): raise the limit of locked memory " +
      "(ulimit -l 65536, or LimitMEMLOCK=infinity) or the memory limit of the container";
  }
  return `cannot open an io_uring: ${describeErrno(errno)} on Linux ${kernel}`;
}

/** What may have answered EPERM, the likelier first. */
function findLocks({ errno, disabled, filtered }: PlatformFacts): string[] {
  const locks: string[] = [];
  if (disabled === 2 && errno !== ENOSYS) {
    locks.push(
      "io_uring is switched off for everybody (kernel.io_uring_disabled = 2); " +
        "run: sysctl -w kernel.io_uring_disabled=0",
    );
  }
  if (disabled === 1 && errno !== ENOSYS) {
    locks.push(
      "io_uring is allowed only to one group (kernel.io_uring_disabled = 1); run: sysctl -w " +
        "kernel.io_uring_disabled=0, or add this user to the group in kernel.io_uring_group",
    );
  }
  if (filtered) {
    locks.push(
      "io_uring is blocked by a seccomp filter, as in the default profile of Docker and " +
        "Kubernetes; allow io_uring_setup, io_uring_enter and io_uring_register in the profile " +
        "(docker run --security-opt seccomp=PROFILE.json, seccompProfile.localhostProfile, or " +
        "SystemCallFilter=@system-service in a unit of systemd)",
    );
  }
  return locks;
}

function isOld(kernel: string): boolean {
  const [major, minor] = kernel.split(".").map((part) => parseInt(part));
  return major < 6 || major === 6 && minor < 1;
}

/** What the machine says of a ring that could not be opened. */
export function readPlatformFacts(errno: number, read = readText): PlatformFacts {
  const disabled = read("/proc/sys/kernel/io_uring_disabled");
  return {
    errno,
    disabled: disabled === null ? null : Number(disabled),
    filtered: /^Seccomp:\s*2/m.test(read("/proc/self/status") ?? ""),
    kernel: Deno.osRelease(),
  };
}

/** What workers will use, and what is to be said about it. */
export interface Engine {
  readonly io: EngineName;
  /** Why it is not io_uring although that was not ruled out; null when there is nothing to say. */
  readonly notice: string | null;
}

/**
 * @param wanted by the configuration.
 * @param probe as returned by rw_probe.
 * @param read the text of a file, null when there is none.
 * @throws PlatformError when io_uring is wanted and cannot be had.
 */
export function chooseEngine(wanted: IoChoice, probe: number, read = readText): Engine {
  if (wanted === "epoll") return { io: "epoll", notice: null };
  if (probe >= 0) return { io: "uring", notice: null };
  const why = explainPlatform(readPlatformFacts(-probe, read));
  if (wanted === "uring") {
    throw new PlatformError(`${why}\nor write "io: auto": epoll will do, at a higher cost`);
  }
  return { io: "epoll", notice: `using epoll, which costs more CPU: ${oneLine(why)}` };
}

function oneLine(text: string): string {
  return text.replaceAll("\n", ", ");
}
