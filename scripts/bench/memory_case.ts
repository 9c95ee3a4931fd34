/**
 * Memory for each idle connection, and for each live flow of UDP: the growth of the worker's memory
 * when thousands, which exchange a few bytes, come to a few hundred that are there already.
 * Counting from an empty proxy would divide among them what belongs to none: the buffers and the
 * compiled code that any traffic brings. That is not hidden, it is in the total.
 *
 * Each round starts the proxy anew: what an allocator keeps from the round before would hide the
 * growth. What the kernel holds for sockets and pending operations is in no process's memory, and
 * is not counted for anyone.
 */
import { type Child, sleep } from "./children.ts";
import { type Contender, type ContenderName, startProxy, type Workbench } from "./contender.ts";
import { FLOWS_CASE, IDLE_CASE, type MemoryCase, TRIP_BYTES } from "./goal.ts";
import type { BenchOptions } from "./options.ts";
import { familyBytes, readMemory } from "./process_usage.ts";
import { rotate } from "./statistic.ts";
import { openFlows, runTrips, startUdpOrigin } from "./udp_load.ts";

export interface MemorySample {
  readonly bytesEach: number;
  /** The worker's own memory with the first ones, and with all. */
  readonly firstBytes: number;
  readonly fullBytes: number;
  /** Memory of all processes with all of them. */
  readonly memoryBytes: number;
  /** How many could not be opened. */
  readonly lost: number;
}

export interface MemoryResult {
  readonly test: MemoryCase;
  readonly contenders: readonly {
    readonly name: ContenderName;
    readonly tuning: string;
    readonly samples: readonly MemorySample[];
  }[];
}

/** What a case's connections or flows are made by. */
interface Clients {
  /** Opens so many that last, and has them do what any traffic makes a proxy allocate once. */
  openFirst(port: number, count: number): Promise<unknown>;
  /** Opens as many more. @returns how many of them did not answer. */
  open(port: number, count: number): Promise<number>;
  /** Ends what holds them. */
  end(): Promise<void>;
}

/** Memory hardly varies: more rounds would only take longer. */
const ROUNDS_MAX = 3;
/** How long the first flows are busy. */
const FIRST_SECONDS = 1;
/** After a start or a burst: what is freed late is freed then. */
const SETTLE_MS = 1000;

async function measure(
  bench: Workbench,
  contender: Contender,
  { name, first, count }: MemoryCase,
  origin: number,
  clients: Clients,
): Promise<MemorySample> {
  const proxy = await startProxy(bench, contender.name, contender.tunings(name)[0], origin);
  await clients.openFirst(proxy.port, first);
  await sleep(SETTLE_MS);
  const firstBytes = readMemory(proxy.workerPid).ownBytes;
  const lost = await clients.open(proxy.port, count);
  await sleep(SETTLE_MS);
  const fullBytes = readMemory(proxy.workerPid).ownBytes;
  const memoryBytes = familyBytes(proxy.pids.map(readMemory));
  await clients.end();
  await bench.children.end(proxy.child);
  const bytesEach = (fullBytes - firstBytes) / count;
  return { bytesEach, firstBytes, fullBytes, memoryBytes, lost };
}

async function runMemoryCase(
  bench: Workbench,
  contenders: readonly Contender[],
  test: MemoryCase,
  origin: number,
  clients: Clients,
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<MemoryResult> {
  const samples = new Map(contenders.map((contender) => [contender, [] as MemorySample[]]));
  const rounds = Math.min(Math.ceil(options.rounds / 2), ROUNDS_MAX);
  for (let round = 0; round < rounds; round++) {
    tell(`${test.name}: round ${round + 1} of ${rounds}`);
    for (const contender of rotate(contenders, round)) {
      samples.get(contender)!.push(await measure(bench, contender, test, origin, clients));
    }
  }
  return {
    test,
    contenders: contenders.map((contender) => ({
      name: contender.name,
      tuning: contender.tunings(test.name)[0].label,
      samples: samples.get(contender)!,
    })),
  };
}

function startProgram(bench: Workbench, file: string, ...args: readonly string[]): Child {
  const path = new URL(file, import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", "--no-config"];
  return bench.children.start(file, bench.loadCore, [...command, path, ...args]);
}

export async function runIdleCase(
  bench: Workbench,
  contenders: readonly Contender[],
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<MemoryResult> {
  const origin = startProgram(bench, "./echo_origin.ts");
  const [, echo] = await origin.saying(/^port (\d+)$/m);
  const holders: Child[] = [];
  const open = async (port: number, count: number) => {
    const holder = startProgram(bench, "./idle_clients.ts", String(port), String(count));
    holders.push(holder);
    await holder.saying(/^holding \d+$/m);
    return 0;
  };
  const clients: Clients = {
    openFirst: open,
    open,
    async end() {
      await Promise.all(holders.splice(0).map((each) => bench.children.end(each)));
    },
  };
  const port = Number(echo);
  const result = await runMemoryCase(bench, contenders, IDLE_CASE, port, clients, options, tell);
  await bench.children.end(origin);
  return result;
}

/** @param program the built udp_load. */
export async function runFlowsCase(
  bench: Workbench,
  contenders: readonly Contender[],
  program: string,
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<MemoryResult> {
  const { port, child } = await startUdpOrigin(bench, program, "echo");
  const clients: Clients = {
    openFirst: (port, clients) =>
      runTrips(bench, program, { clients, bytes: TRIP_BYTES }, port, FIRST_SECONDS),
    open: async (port, count) => (await openFlows(bench, program, port, count)).lost,
    // Nobody holds a flow but the proxy.
    end: () => Promise.resolve(),
  };
  const result = await runMemoryCase(bench, contenders, FLOWS_CASE, port, clients, options, tell);
  await bench.children.end(child);
  return result;
}
