/**
 * How far the machine's and the container's limits carry: open files, locked memory, CPUs, memory.
 * What a worker takes stands in limits.ts; what the runtime takes was measured.
 */
import { plural } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import {
  capacityWithin,
  DATAGRAM_BUFFER_BYTES,
  DATAGRAM_BUFFERS_MAX,
  FAST_BUFFER_BYTES,
  FAST_BUFFERS_MAX,
  FDS_RESERVED,
  filesNeeded,
  GATED_BUFFER_BYTES,
  GATED_BUFFERS_MAX,
} from "../limits.ts";
import { chooseCores } from "../supervisor/cores.ts";
import { isKernelSince } from "./engine_rules.ts";
import type { Facts } from "./facts.ts";
import { fail, type Finding, note, ok } from "./finding.ts";

/** Fewer are no mistake, but less than what servers of this kind are usually given. */
const FILES_USUAL = 65_536;

/** What the ring of a worker and its lists of buffers take (132 KiB), and some room. */
const LOCKED_BYTES = 192 * 1024;
/** From here on the kernel counts a ring's memory as locked by its user, all processes together. */
const LOCKED_SINCE = [6, 14] as const;
const CAP_IPC_LOCK = 14n;

const MEBIBYTE = 1 << 20;
/** The runtime, which all processes share, and what is the supervisor's own. */
const RUNTIME_BYTES = 128 * MEBIBYTE;
/** What a worker has to itself besides its buffers. */
const WORKER_BYTES = 24 * MEBIBYTE;
const BUFFER_BYTES = FAST_BUFFER_BYTES * FAST_BUFFERS_MAX +
  GATED_BUFFER_BYTES * GATED_BUFFERS_MAX + DATAGRAM_BUFFER_BYTES * DATAGRAM_BUFFERS_MAX;

/** Listening sockets of a worker. */
interface SocketCount {
  readonly tcp: number;
  readonly udp: number;
}

/** Without a configuration one of TCP. */
function countSockets(config: Config | null): SocketCount {
  if (config === null) return { tcp: 1, udp: 0 };
  let [tcp, udp] = [0, 0];
  for (const listener of config.listeners) {
    for (const bind of listener.binds) {
      const count = bind.kind === "ip" ? bind.lastPort - bind.port + 1 : 1;
      if (listener.udp === null) tcp += count;
      else udp += count;
    }
  }
  return { tcp, udp };
}

function judgeFiles({ filesMax }: Facts, config: Config | null, workers: number): Finding[] {
  if (filesMax === null) return [];
  const { tcp, udp } = countSockets(config);
  const sockets = tcp + udp;
  const { tunnels, flows } = capacityWithin(filesMax, tcp, udp);
  const room = [
    ...tcp > 0 ? [plural(workers * tunnels, "connection")] : [],
    ...udp > 0 ? [plural(workers * flows, "flow")] : [],
  ].join(" and ");
  const most = filesMax === Infinity ? "no limit" : filesMax;
  const found = `${most} for each process: room for ${room} in ${plural(workers, "worker")}`;
  const raise = (count: number) =>
    `raise the hard limit to ${count} (ulimit -Hn as root; LimitNOFILE=${count} in a unit of ` +
    `systemd; docker run --ulimit nofile=${count}:${count})`;
  const needed = filesNeeded(sockets, workers);
  if (filesMax < needed) {
    return [
      fail(
        "open files",
        `${filesMax}: too few for ${plural(sockets, "listening socket")} in ` +
          plural(workers, "worker"),
        raise(Math.max(FILES_USUAL, needed)),
      ),
    ];
  }
  const wanted = config?.connectionsMax ?? 0;
  if (wanted > workers * (tunnels + flows)) {
    const files = FDS_RESERVED + sockets + Math.ceil(2 * wanted / workers) * (udp > 0 ? 2 : 1);
    return [note("open files", `${found}, but limits.connections is ${wanted}`, raise(files))];
  }
  if (wanted > 0 || filesMax >= FILES_USUAL) return [ok("open files", found)];
  return [note("open files", found, `for more, ${raise(FILES_USUAL)}`)];
}

function formatLocked(bytes: number): string {
  return bytes === Infinity ? "no limit" : `${Math.floor(bytes / 1024)} KiB`;
}

function judgeLocked(facts: Facts, config: Config | null, workers: number): Finding[] {
  const { lockedBytesMax: limit, capabilities, kernel } = facts;
  if (limit === null) return [];
  const found = formatLocked(limit);
  // Another user that the configuration names has no capabilities.
  const isExempt = (config?.user ?? null) === null && capabilities !== null &&
    (capabilities >> CAP_IPC_LOCK & 1n) === 1n;
  if (isExempt) {
    return [ok("locked memory", `${found}; does not hold for this user (CAP_IPC_LOCK)`)];
  }
  if (!isKernelSince(kernel, LOCKED_SINCE)) {
    return [ok("locked memory", `${found}; rings of this kernel take none of it`)];
  }
  const needed = workers * LOCKED_BYTES;
  if (limit >= needed) {
    return [ok("locked memory", `${found}; the rings of ${plural(workers, "worker")} fit`)];
  }
  const kibibytes = Math.ceil(needed / 1024);
  return [
    note(
      "locked memory",
      `${found}, but the rings of ${plural(workers, "worker")} take up to ${kibibytes} KiB`,
      `raise it to ${kibibytes} KiB or more (ulimit -l; LimitMEMLOCK=infinity in a unit of ` +
        'systemd; docker run --ulimit memlock=-1), or write "io: epoll"',
    ),
  ];
}

function judgeCores(facts: Facts, config: Config | null): Finding {
  const { cpus, quota } = facts;
  const { workers } = chooseCores(config?.workers ?? "auto", cpus, quota);
  const share = quota === Infinity ? "no quota" : `a quota of ${Number(quota.toFixed(2))}`;
  const found = `${plural(workers, "worker")}, ${plural(cpus.length, "CPU")}, ${share}`;
  if (workers > Math.max(1, Math.min(cpus.length, Math.ceil(quota)))) {
    return note("CPUs", found, 'workers take turns on a CPU; write "workers: auto"');
  }
  if (quota < 1) {
    return note(
      "CPUs",
      `${found}: the worker stands still when its share is used up, up to a tenth of a second`,
      "give it a whole CPU (docker run --cpus 1, resources.limits.cpu, CPUQuota=100%)",
    );
  }
  return ok("CPUs", found);
}

function judgeMemory({ memoryBytes }: Facts, workers: number): Finding[] {
  if (memoryBytes === null) return [];
  const size = (bytes: number) => `${Math.round(bytes / MEBIBYTE)} MiB`;
  const needed = RUNTIME_BYTES + workers * (WORKER_BYTES + BUFFER_BYTES);
  const most = `${plural(workers, "worker")} may come to need ${size(needed)}`;
  const found = `${size(memoryBytes)}; ${most}, sockets not counted`;
  return [
    memoryBytes >= needed ? ok("memory", found) : note(
      "memory",
      found,
      "raise the limit of the container (docker run --memory, resources.limits.memory, " +
        "MemoryMax=), or run fewer workers",
    ),
  ];
}

export function judgeResources(
  facts: Facts,
  config: Config | null,
  usesUring: boolean,
): Finding[] {
  const { workers } = chooseCores(config?.workers ?? "auto", facts.cpus, facts.quota);
  return [
    ...judgeFiles(facts, config, workers),
    ...usesUring ? judgeLocked(facts, config, workers) : [],
    judgeCores(facts, config),
    ...judgeMemory(facts, workers),
  ];
}
