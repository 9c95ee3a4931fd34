import assert from "node:assert/strict";
import { WORKERS_MAX } from "../limits.ts";
import { chooseCores, cpusOf, quotaOf, readQuota } from "./cores.ts";

function first(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

Deno.test("an affinity mask holds the CPU numbers of its bits, lowest first", () => {
  assert.deepEqual(cpusOf(Uint8Array.of(0b1011, 0, 0x80)), [0, 1, 3, 23]);
  assert.deepEqual(cpusOf(new Uint8Array(16)), []);
  assert.deepEqual(cpusOf(new Uint8Array(0)), []);
});

Deno.test("a quota of cgroup v2 is CPUs' worth of time; max is none", () => {
  assert.equal(quotaOf("150000 100000\n", null), 1.5);
  assert.equal(quotaOf("max 100000\n", null), Infinity);
});

Deno.test("a quota of cgroup v1 is in two files; -1 is none", () => {
  assert.equal(quotaOf(null, ["200000\n", "100000\n"]), 2);
  assert.equal(quotaOf(null, ["-1\n", "100000\n"]), Infinity);
});

Deno.test("what cannot be read is no quota", () => {
  assert.equal(quotaOf(null, null), Infinity);
  for (const text of ["", "0 0", "garbage", "100000"]) assert.equal(quotaOf(text, null), Infinity);
});

Deno.test("auto is one pinned worker for each CPU of the affinity mask", () => {
  assert.deepEqual(chooseCores("auto", [2, 3, 7], Infinity), { workers: 3, cpus: [2, 3, 7] });
});

Deno.test("auto follows the quota, rounded up, and then leaves the CPU to the kernel", () => {
  assert.deepEqual(chooseCores("auto", first(64), 2), { workers: 2, cpus: [-1, -1] });
  assert.deepEqual(chooseCores("auto", first(64), 1.5), { workers: 2, cpus: [-1, -1] });
  assert.deepEqual(chooseCores("auto", first(4), 0.1), { workers: 1, cpus: [-1] });
  // A quota of all CPUs is none.
  assert.deepEqual(chooseCores("auto", first(2), 2), { workers: 2, cpus: [0, 1] });
});

Deno.test("auto is at least one worker, and no more than there is room for", () => {
  assert.deepEqual(chooseCores("auto", [], Infinity), { workers: 1, cpus: [-1] });
  assert.equal(chooseCores("auto", first(1024), Infinity).workers, WORKERS_MAX);
});

Deno.test("a number of workers is taken as it is; more than CPUs are not pinned", () => {
  assert.deepEqual(chooseCores(2, [4, 5, 6], Infinity), { workers: 2, cpus: [4, 5] });
  assert.deepEqual(chooseCores(3, [4, 5], Infinity), { workers: 3, cpus: [-1, -1, -1] });
  assert.deepEqual(chooseCores(2, first(8), 4), { workers: 2, cpus: [-1, -1] });
});

/** `readQuota` on a machine with these files. */
function quotaWith(files: Readonly<Record<string, string>>): number {
  return readQuota((path) => files[path.replaceAll("//", "/")] ?? null);
}

Deno.test("of a cgroup v2 and those above it the smallest quota counts", () => {
  const files = {
    "/proc/self/cgroup": "0::/system.slice/ringway.service\n",
    "/sys/fs/cgroup/system.slice/ringway.service/cpu.max": "400000 100000\n",
    "/sys/fs/cgroup/system.slice/cpu.max": "max 100000\n",
  };
  assert.equal(quotaWith(files), 4);
  assert.equal(quotaWith({ ...files, "/sys/fs/cgroup/system.slice/cpu.max": "50000 100000" }), 0.5);
});

Deno.test("in a container the cgroup is the root of the mount", () => {
  const own = { "/proc/self/cgroup": "0::/\n" };
  assert.equal(quotaWith({ ...own, "/sys/fs/cgroup/cpu.max": "200000 100000\n" }), 2);
  // The path of the host is shown, but only its end is mounted here.
  const host = { "/proc/self/cgroup": "0::/docker/0123456789abcdef\n" };
  assert.equal(quotaWith({ ...host, "/sys/fs/cgroup/cpu.max": "200000 100000\n" }), 2);
});

Deno.test("cgroup v1 has a hierarchy for CPU time among others", () => {
  const files = {
    "/proc/self/cgroup": "12:memory:/a\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/b\n0::/c\n",
    "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "300000\n",
    "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    // A quota of another controller's hierarchy says nothing about us.
    "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "1\n",
    "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
  };
  assert.equal(quotaWith(files), 3);
});

Deno.test("without cgroups there is no quota", () => {
  assert.equal(quotaWith({}), Infinity);
  assert.equal(quotaWith({ "/proc/self/cgroup": "garbage\n" }), Infinity);
});

Deno.test("on this machine there is a quota above zero, or none", () => {
  assert.ok(readQuota() > 0);
});
