/**
 * What there is to know of this machine, this process and its container before anything is served.
 * Read by read_facts.ts, judged by the rules beside it; null is what could not be learnt, and what
 * nobody knows leads to no finding.
 */
import type { PlatformFacts } from "../supervisor/platform.ts";
import type { Hardening } from "../worker/hardening.ts";

/** Of the kernel and of what stands between it and us. */
export interface KernelFacts {
  /** uname -r. */
  readonly kernel: string;
  /** Whether /proc is there at all; without it most of the rest is null. */
  readonly hasProc: boolean;
  /** Features of a ring (IORING_FEAT_*), or why none can be opened. */
  readonly uring: { readonly features: number } | PlatformFacts;
  /** Multishot receives take a limit of bytes; null where no ring of full size could be opened. */
  readonly receiveAllowance: boolean | null;
  /** "Seccomp:" of /proc/self/status: 0 none, 1 strict, 2 filters. */
  readonly seccompMode: number | null;
  /** Version of landlock's interface; 0 without it. */
  readonly landlock: number;
  /** vm.memfd_noexec: 0 allows programs in memory, 1 if they ask for it, 2 never. */
  readonly memfdNoexec: number | null;
  /** What /sys calls the clock that time is read from. */
  readonly clock: string | null;
  /** The chosen word of transparent_hugepage/enabled. */
  readonly hugePages: string | null;
}

/** Of what this process may do and have. */
export interface ProcessFacts {
  readonly uid: number;
  /** CapEff of /proc/self/status. */
  readonly capabilities: bigint | null;
  /** The lowest port that needs no capability. */
  readonly unprivilegedPort: number | null;
  /** RLIMIT_NOFILE, the hard one: the program raises the other to it. */
  readonly filesMax: number | null;
  /** RLIMIT_MEMLOCK, the soft one, which counts; Infinity without a limit. */
  readonly lockedBytesMax: number | null;
  /** CPUs that it may run on. */
  readonly cpus: readonly number[];
  /** CPUs' worth of time that its cgroup allows; Infinity without a quota. */
  readonly quota: number;
  /** Of its cgroup or of the machine, whichever is less. */
  readonly memoryBytes: number | null;
}

/** Of the network that this process is in. */
export interface NetworkFacts {
  readonly somaxconn: number | null;
  readonly synCookies: number | null;
  /** First and last, as the kernel has them. */
  readonly localPorts: string | null;
  readonly receiveBufferMax: number | null;
  /** Connections that the firewall follows, and how many it can; null without it. */
  readonly conntrack: { readonly count: number; readonly max: number } | null;
}

export interface Facts extends KernelFacts, ProcessFacts, NetworkFacts {
  /** What came of doing to this process what is done to workers. */
  readonly hardening: Hardening;
}
