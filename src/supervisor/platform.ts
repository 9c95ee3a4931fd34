/**
 * Can this machine run us, and if not, which lock is it and what opens it?
 *
 * The errno alone does not say: EPERM comes from a seccomp profile and from a sysctl. So the
 * sysctl and the process's seccomp mode are read, and named, instead of guessed.
 */
import { describeErrno, EACCES, EINVAL, ENOMEM, ENOSYS, EPERM } from "../base/errno.ts";

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

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}

/**
 * @param probe as returned by rw_probe.
 * @param read the text of a file, null when there is none.
 * @throws PlatformError when no ring can be opened.
 */
export function checkPlatform(probe: number, read = readText): void {
  if (probe >= 0) return;
  const disabled = read("/proc/sys/kernel/io_uring_disabled");
  throw new PlatformError(explainPlatform({
    errno: -probe,
    disabled: disabled === null ? null : Number(disabled),
    filtered: /^Seccomp:\s*2/m.test(read("/proc/self/status") ?? ""),
    kernel: Deno.osRelease(),
  }));
}
