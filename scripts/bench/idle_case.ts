/**
 * Memory per idle connection: the growth of the worker's memory when thousands of proxied
 * connections come to a few hundred that are there already, each of which has exchanged five bytes.
 * Counting from an empty proxy would divide among them what belongs to none: the buffers and the
 * compiled code that any traffic brings. That is not hidden, it is in the total.
 *
 * Each round starts the proxy anew: what an allocator keeps from the round before would hide the
 * growth. What the kernel holds for sockets and pending operations is in no process's memory, and
 * is not counted for anyone.
 */
import { type Child, sleep } from "./children.ts";
import { type Contender, type ContenderName, startProxy, type Workbench } from "./contender.ts";
import { IDLE_CONNECTIONS } from "./goal.ts";
import type { BenchOptions } from "./options.ts";
import { familyBytes, readMemory } from "./process_usage.ts";
import { rotate } from "./statistic.ts";

export interface IdleSample {
  readonly bytesPerConnection: number;
  /** The worker's own memory with the first connections, and with all. */
  readonly firstBytes: number;
  readonly fullBytes: number;
  /** Memory of all processes with all connections. */
  readonly memoryBytes: number;
}

export interface IdleResult {
  readonly contenders: readonly {
    readonly name: ContenderName;
    readonly tuning: string;
    readonly samples: readonly IdleSample[];
  }[];
}

/** Memory hardly varies: more rounds would only take longer. */
const ROUNDS_MAX = 3;
/** Enough for a proxy to have allocated once whatever it allocates once. */
const FIRST_CONNECTIONS = 500;
/** After a start or a burst: what is freed late is freed then. */
const SETTLE_MS = 1000;

function startProgram(bench: Workbench, file: string, ...args: readonly string[]): Child {
  const path = new URL(file, import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", "--no-config"];
  return bench.children.start(file, bench.loadCore, [...command, path, ...args]);
}

async function holdConnections(bench: Workbench, port: number, count: number): Promise<Child> {
  const clients = startProgram(bench, "./idle_clients.ts", String(port), String(count));
  await clients.saying(/^holding \d+$/m);
  await sleep(SETTLE_MS);
  return clients;
}

async function measureIdle(
  bench: Workbench,
  contender: Contender,
  echo: number,
): Promise<IdleSample> {
  const tuning = contender.tunings("idle")[0];
  const proxy = await startProxy(bench, contender.name, tuning, echo);
  const clients = [await holdConnections(bench, proxy.port, FIRST_CONNECTIONS)];
  const firstBytes = readMemory(proxy.workerPid).ownBytes;
  clients.push(await holdConnections(bench, proxy.port, IDLE_CONNECTIONS));
  const fullBytes = readMemory(proxy.workerPid).ownBytes;
  const memoryBytes = familyBytes(proxy.pids.map(readMemory));
  await Promise.all(clients.map((each) => bench.children.end(each)));
  await bench.children.end(proxy.child);
  const bytesPerConnection = (fullBytes - firstBytes) / IDLE_CONNECTIONS;
  return { bytesPerConnection, firstBytes, fullBytes, memoryBytes };
}

export async function runIdleCase(
  bench: Workbench,
  contenders: readonly Contender[],
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<IdleResult> {
  const origin = startProgram(bench, "./echo_origin.ts");
  const [, echo] = await origin.saying(/^port (\d+)$/m);
  const samples = new Map(contenders.map((contender) => [contender, [] as IdleSample[]]));
  const rounds = Math.min(Math.ceil(options.rounds / 2), ROUNDS_MAX);
  for (let round = 0; round < rounds; round++) {
    tell(`idle: round ${round + 1} of ${rounds}`);
    for (const contender of rotate(contenders, round)) {
      samples.get(contender)!.push(await measureIdle(bench, contender, Number(echo)));
    }
  }
  await bench.children.end(origin);
  return {
    contenders: contenders.map((contender) => ({
      name: contender.name,
      tuning: contender.tunings("idle")[0].label,
      samples: samples.get(contender)!,
    })),
  };
}
