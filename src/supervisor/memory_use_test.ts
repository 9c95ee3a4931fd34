import assert from "node:assert/strict";
import { memoryUse } from "./memory_use.ts";

const MACHINE = "MemTotal:       1000 kB\nMemFree:        10 kB\nMemAvailable:    400 kB\n";

function readerOf(files: Readonly<Record<string, string>>) {
  return (path: string) => files[path] ?? null;
}

Deno.test("without a container it is the machine's memory that cannot be had any more", () => {
  assert.equal(memoryUse(readerOf({ "/proc/meminfo": MACHINE })), 0.6);
});

Deno.test("a container's limit counts, without the files that the kernel only caches", () => {
  const files = {
    "/proc/meminfo": MACHINE,
    "/proc/self/cgroup": "0::/app/worker\n",
    "/sys/fs/cgroup/app/memory.max": "200\n",
    "/sys/fs/cgroup/app/memory.current": "190\n",
    "/sys/fs/cgroup/app/memory.stat": "anon 100\ninactive_file 10\nactive_file 3\n",
    "/sys/fs/cgroup/app/worker/memory.max": "max\n",
    "/sys/fs/cgroup/app/worker/memory.current": "150\n",
  };
  assert.equal(memoryUse(readerOf(files)), 0.9);
});

Deno.test("in a container that sees its own cgroup as the root, that one counts", () => {
  const files = {
    "/proc/meminfo": MACHINE,
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.max": "100\n",
    "/sys/fs/cgroup/memory.current": "80\n",
  };
  assert.equal(memoryUse(readerOf(files)), 0.8);
});

Deno.test("where nothing can be read nothing is in use", () => {
  assert.equal(memoryUse(() => null), 0);
});
