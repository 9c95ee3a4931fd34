/**
 * Can this machine run us, and if not, which lock is it and what opens it?
 *
 * The errno alone does not say: EPERM comes from a seccomp profile and from a sysctl. So the
 * sysctl and the process's seccomp mode are read, and named, instead of guessed.
 */
import { describeErrno, EINVAL, ENOMEM, ENOSYS, EPERM } from "../base/errno.ts";

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

/** Cause and remedy, in one or two lines. */
export function explainPlatform(facts: PlatformFacts): string {
  const { errno, disabled, filtered, kernel } = facts;
  if (errno === EPERM && disabled === 2) {
    return "io_uring is switched off for everybody (kernel.io_uring_disabled = 2); " +
      "run: sysctl -w kernel.io_uring_disabled=0";
  }
  if (errno === EPERM && disabled === 1) {
    return "io_uring is allowed only to one group (kernel.io_uring_disabled = 1); run: sysctl -w " +
      "kernel.io_uring_disabled=0, or add this user to the group in kernel.io_uring_group";
  }
  if ((errno === EPERM || errno === ENOSYS) && filtered) {
    return "io_uring is blocked by a seccomp filter, as in the default profile of Docker and " +
      "Kubernetes; allow io_uring_setup, io_uring_enter and io_uring_register in the profile " +
      "(docker run --security-opt seccomp=PROFILE.json, or seccompProfile.localhostProfile)";
  }
  if (errno === ENOSYS) {
    return `this kernel (${kernel}) has no io_uring; Linux 6.1 or newer is needed`;
  }
  if (errno === EINVAL) {
    return `this kernel (${kernel}) is too old: its io_uring has no deferred task work; ` +
      "Linux 6.1 or newer is needed";
  }
  if (errno === ENOMEM) {
    return "the kernel refuses memory for the ring (ENOMEM): raise the limit of locked memory " +
      "(ulimit -l 65536, or LimitMEMLOCK=infinity) or the memory limit of the container";
  }
  return `cannot open an io_uring: ${describeErrno(errno)} on Linux ${kernel}`;
}

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}

/** @throws PlatformError when no ring can be opened; `probe` as returned by rw_probe. */
export function checkPlatform(probe: number): void {
  if (probe >= 0) return;
  const disabled = readText("/proc/sys/kernel/io_uring_disabled");
  throw new PlatformError(explainPlatform({
    errno: -probe,
    disabled: disabled === null ? null : Number(disabled),
    filtered: /^Seccomp:\s*2/m.test(readText("/proc/self/status") ?? ""),
    kernel: Deno.osRelease(),
  }));
}
