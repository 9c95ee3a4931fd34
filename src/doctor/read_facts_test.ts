import assert from "node:assert/strict";
import { FEATURES, RECEIVE_ALLOWANCE } from "../../ffi/layout.ts";
import type { Shim } from "../../ffi/shim.ts";
import { EPERM } from "../base/errno.ts";
import type { Facts } from "./facts.ts";
import { readFacts } from "./read_facts.ts";

const FILES: Readonly<Record<string, string>> = {
  "/proc/self/status": "Name:\tdeno\nCapEff:\t0000000000001400\nNoNewPrivs:\t0\nSeccomp:\t2\n",
  "/proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units\n" +
    "Max open files            1024                 524288               files\n" +
    "Max locked memory         65536                unlimited            bytes\n",
  "/proc/self/cgroup": "0::/pod/web\n",
  "/sys/fs/cgroup/pod/web/memory.max": "max\n",
  "/sys/fs/cgroup/pod/memory.max": "536870912\n",
  "/sys/fs/cgroup/pod/web/cpu.max": "150000 100000\n",
  "/proc/meminfo": "MemTotal:       16000000 kB\nMemFree:  1 kB\n",
  "/proc/sys/vm/memfd_noexec": "1\n",
  "/proc/sys/net/core/somaxconn": "128\n",
  "/proc/sys/net/core/rmem_max": "212992\n",
  "/proc/sys/net/ipv4/tcp_syncookies": "1\n",
  "/proc/sys/net/ipv4/ip_unprivileged_port_start": "0\n",
  "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
  "/proc/sys/net/netfilter/nf_conntrack_count": "12\n",
  "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
  "/sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]\n",
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n",
};

/** @param opened what opening a ring answers. */
function factsOf(files: Readonly<Record<string, string>>, opened: number): Facts {
  const control = new ArrayBuffer(256);
  new Uint32Array(control)[FEATURES / 4] = 0x81;
  new Uint32Array(control)[RECEIVE_ALLOWANCE / 4] = 1;
  const library = {
    rw_ring_open: () => opened,
    rw_landlock_version: () => -EPERM,
    rw_affinity: () => 2,
    // no_new_privs and files are done, landlock has failed with EPERM.
    rw_harden: () => 17 | 4 << 8 | EPERM << 16,
  };
  const shim = { library, control, scratch: Uint8Array.of(5, 1, 255) } as unknown as Shim;
  return readFacts(shim, (path) => files[path] ?? null);
}

Deno.test("facts are what files and the shim say", () => {
  const facts = factsOf(FILES, 0);
  assert.deepEqual(facts, {
    kernel: Deno.osRelease(),
    hasProc: true,
    uring: { features: 0x81 },
    receiveAllowance: true,
    seccompMode: 2,
    landlock: 0,
    memfdNoexec: 1,
    clock: "hpet",
    hugePages: "never",
    uid: Deno.uid(),
    capabilities: 0x1400n,
    unprivilegedPort: 0,
    filesMax: 524_288,
    lockedBytesMax: 65_536,
    cpus: [0, 2, 8],
    quota: 1.5,
    memoryBytes: 536_870_912,
    somaxconn: 128,
    synCookies: 1,
    localPorts: "32768\t60999\n",
    receiveBufferMax: 212_992,
    conntrack: { count: 12, max: 262_144 },
    hardening: {
      done: ["files", "no_new_privs"],
      failure: "landlock: operation not permitted (EPERM)",
    },
  });
});

Deno.test("a ring that cannot be opened is told with its locks", () => {
  const { uring, receiveAllowance } = factsOf(FILES, -EPERM);
  assert.deepEqual(uring, {
    errno: EPERM,
    disabled: null,
    filtered: true,
    kernel: Deno.osRelease(),
  });
  assert.equal(receiveAllowance, null);
});

Deno.test("memory of a cgroup of version 1 counts as well", () => {
  const files = {
    ...FILES,
    "/proc/self/cgroup": "4:memory:/docker/a\n1:cpu,cpuacct:/docker/a\n0::/\n",
    "/sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": "268435456\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
  };
  assert.equal(factsOf(files, 0).memoryBytes, 268_435_456);
});

Deno.test("without /proc and /sys nothing is known, and nothing fails", () => {
  const { uid: _uid, kernel: _kernel, cpus, ...facts } = factsOf({}, 0);
  assert.deepEqual(cpus, [0, 2, 8]);
  const { hasProc, quota, uring: _uring, hardening: _hardening, landlock, ...rest } = facts;
  assert.deepEqual([hasProc, quota, landlock], [false, Infinity, 0]);
  const known = Object.entries(rest).filter(([, fact]) => fact !== null);
  assert.deepEqual(known, [["receiveAllowance", true]]);
});
