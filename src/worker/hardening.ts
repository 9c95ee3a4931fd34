/**
 * What a worker gives up once everything is open and before it serves: whoever takes it over by a
 * mistake of ours, of the runtime or of the kernel's answers finds a process that can carry
 * traffic, and little else. What the steps are is in shim/harden.c; which of them, and what has to
 * stay for this configuration, is decided here.
 *
 * A step that the kernel does not have is left out. Whether core dumps are written and other
 * programs of the same user may look into a worker is not touched: that is what operators measure
 * and search faults with, and the filter keeps a worker itself from doing it to others.
 */
import { CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_NET_RAW } from "../base/capability.ts";
import { describeErrno } from "../base/errno.ts";
import type { Library } from "../../ffi/shim.ts";
import { AF_UNIX } from "../net/socket_address.ts";
import type { Plan } from "../upstream/plan.ts";

/** As they are called in `status`, with their bits in shim.h; in the order they are taken in. */
const STEPS = [
  ["ring_restrictions", 32],
  ["files", 16],
  ["no_new_privs", 1],
  ["landlock", 4],
  ["capabilities", 2],
  ["seccomp", 8],
] as const;
const ALL_STEPS = 31;
const ALLOW_UNIX = 256;
const ALLOW_BIND = 512;

export interface Hardening {
  /** Names of the steps that are done. */
  readonly done: readonly string[];
  /** What failed although the kernel has it, and why; null: nothing did. */
  readonly failure: string | null;
}

/** What the shim is asked for. */
export interface HardeningRequest {
  readonly steps: number;
  /** A mask. */
  readonly keptCapabilities: number;
}

/** The low half of the capabilities that this process may use, from its /proc/PID/status. */
export function permittedCapabilities(status: string): number {
  const digits = /^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return parseInt(digits.slice(-8), 16) | 0;
}

/** @param permitted a mask of the capabilities that there are. */
export function requestHardening(
  { hardening, backends }: Pick<Plan, "hardening" | "backends">,
  permitted: number,
): HardeningRequest {
  if (!hardening) return { steps: 0, keptCapabilities: 0 };
  let steps = ALL_STEPS;
  let kept = 0;
  if (backends.some(({ isTransparent }) => isTransparent)) {
    // One of the two is enough (ip(7), IP_TRANSPARENT), and the other can do more.
    kept |= (permitted & CAP_NET_RAW) !== 0 ? CAP_NET_RAW : CAP_NET_ADMIN;
    steps |= ALLOW_BIND;
  }
  if (backends.some(({ servers }) => servers.some(({ address }) => address[0] === AF_UNIX))) {
    // Root connects to every socket file, and goes on to: the filter leaves no other use of it.
    kept |= CAP_DAC_OVERRIDE;
    steps |= ALLOW_UNIX;
  }
  return { steps, keptCapabilities: kept & permitted };
}

/** @param result of rw_harden: bits done, bits that failed << 8, errno << 16. */
export function readHardening(result: number): Hardening {
  const namesOf = (bits: number) => STEPS.flatMap(([name, bit]) => (bits & bit) !== 0 ? name : []);
  const failed = namesOf(result >> 8 & 255);
  const failure = failed.length === 0
    ? null
    : `${failed.join(", ")}: ${describeErrno(result >> 16)}`;
  return { done: namesOf(result & 255), failure };
}

/**
 * Has the runtime prepare what it makes a stack trace with: on its first one it looks into /proc
 * for the limits of the stack, and where it may not, it ends before it has told of the error.
 */
function traceOnce(): void {
  void new Error().stack;
}

/** Call when everything is open: files, sockets of the runtime, the ring. */
export function harden(library: Library, plan: Plan): Hardening {
  traceOnce();
  const permitted = permittedCapabilities(Deno.readTextFileSync("/proc/self/status"));
  const { steps, keptCapabilities } = requestHardening(plan, permitted);
  return readHardening(library.rw_harden(steps, keptCapabilities));
}
