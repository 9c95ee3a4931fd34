/**
 * One case under load: all proxies side by side, measured in rounds that take turns, so that what
 * disturbs the machine for a while disturbs everyone.
 *
 * The warm-up round is thrown away; it also chooses between the tunings that a peer has to offer.
 * The figure that counts is CPU time per work, such as a request: of all the proxy's processes,
 * plus that of the core's ksoftirqd, into which a busy core moves part of the network's work.
 */
import type { Contender, ContenderName, Proxy, Workbench } from "./contender.ts";
import { startProxy } from "./contender.ts";
import type { LoadCase } from "./goal.ts";
import type { Load } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import * as usage from "./process_usage.ts";
import { readTurns } from "./ringway.ts";
import { rotate } from "./statistic.ts";

/** A case, and what it is run with. */
export interface Loading {
  readonly test: LoadCase;
  readonly contenders: readonly Contender[];
  /** The port of what is behind the proxies. */
  readonly origin: number;
  readonly run: (port: number, seconds: number) => Promise<Load>;
  /** The same without a proxy; null where nobody has to prove that load and origin are faster. */
  readonly runAlone: ((seconds: number) => Promise<Load>) | null;
}

/** One proxy's turn in a round. */
export interface Sample extends Load {
  /** CPU time per work of the proxy's processes, and of ksoftirqd; 0 where that is hidden. */
  readonly processMicros: number;
  readonly softirqMicros: number;
  /** The sum of both. */
  readonly cpuMicros: number;
  /** The worker's CPU time in user and in kernel space, sampled by the timer. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** Memory of all processes after the load. */
  readonly memoryBytes: number;
  /** System calls of Ringway's worker per work. */
  readonly entersEach: number | null;
  /** Parts of the core's time that others used, and that the hypervisor took. */
  readonly foreignShare: number;
  readonly stolenShare: number;
}

export interface ContenderSamples {
  readonly name: ContenderName;
  readonly tuning: string;
  /** All tunings that the warm-up tried, with the CPU time per work that it saw. */
  readonly tried: readonly { readonly tuning: string; readonly cpuMicros: number }[];
  readonly samples: readonly Sample[];
}

export interface LoadResult {
  readonly test: LoadCase;
  readonly alone: Load | null;
  readonly contenders: readonly ContenderSamples[];
}

async function measure(
  bench: Workbench,
  proxy: Proxy,
  { test, run }: Loading,
  seconds: number,
): Promise<Sample> {
  const core = bench.proxyCore;
  const softirq = usage.findSoftirqThread(core);
  const isOwn = proxy.name === "ringway" || proxy.name === "epoll";
  const readTurnsOf = () => isOwn ? readTurns(bench.folder, proxy) : null;
  const read = () => ({
    core: usage.readCoreSeconds(core),
    worker: usage.readStat(proxy.workerPid),
    process: usage.readThreadTimes(proxy.pids),
    softirq: usage.readThreadTimes(softirq === null ? [] : [softirq]),
    atMs: performance.now(),
  });
  const turnsBefore = await readTurnsOf();
  const before = read();
  const load = await run(proxy.port, seconds);
  const after = read();
  const turnsAfter = await readTurnsOf();
  if (before.worker === null || after.worker === null) throw new Error(`${proxy.name} has died`);
  const processNanos = usage.usedNanos(before.process, after.process);
  const softirqNanos = usage.usedNanos(before.softirq, after.softirq);
  const elapsed = (after.atMs - before.atMs) / 1000;
  const ours = (processNanos + softirqNanos) / 1e9;
  const works = load.count / test.work.per;
  const turns = turnsBefore === null || turnsAfter === null ? null : turnsAfter - turnsBefore;
  return {
    ...load,
    processMicros: processNanos / 1000 / works,
    softirqMicros: softirqNanos / 1000 / works,
    cpuMicros: (processNanos + softirqNanos) / 1000 / works,
    userTicks: after.worker.userTicks - before.worker.userTicks,
    systemTicks: after.worker.systemTicks - before.worker.systemTicks,
    memoryBytes: usage.familyBytes(proxy.pids.map(usage.readMemory)),
    entersEach: turns === null ? null : turns / works,
    foreignShare: Math.max(0, after.core.busy - before.core.busy - ours) / elapsed,
    stolenShare: (after.core.stolen - before.core.stolen) / elapsed,
  };
}

/** Starts each tuning, loads it once, and keeps the one with the least CPU time per work. */
async function warmUp(
  bench: Workbench,
  contender: Contender,
  loading: Loading,
  seconds: number,
): Promise<{ proxy: Proxy; tried: ContenderSamples["tried"] }> {
  let best: { proxy: Proxy; cpuMicros: number } | null = null;
  const tried: { tuning: string; cpuMicros: number }[] = [];
  for (const tuning of contender.tunings(loading.test.name)) {
    const proxy = await startProxy(bench, contender.name, tuning, loading.origin);
    const { cpuMicros } = await measure(bench, proxy, loading, seconds);
    tried.push({ tuning: tuning.label, cpuMicros });
    const isBetter = best === null || cpuMicros < best.cpuMicros;
    const loser = isBetter ? best?.proxy : proxy;
    if (loser !== undefined) await bench.children.end(loser.child);
    if (isBetter) best = { proxy, cpuMicros };
  }
  if (best === null) throw new Error(`${contender.name} has no tuning for ${loading.test.name}`);
  return { proxy: best.proxy, tried };
}

export async function runLoadCase(
  bench: Workbench,
  loading: Loading,
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<LoadResult> {
  const { rounds, seconds } = options;
  const { test, contenders, runAlone } = loading;
  const warm: { proxy: Proxy; tried: ContenderSamples["tried"] }[] = [];
  for (const contender of contenders) {
    tell(`${test.name}: warm-up of ${contender.name}`);
    warm.push(await warmUp(bench, contender, loading, seconds));
  }
  if (runAlone !== null) tell(`${test.name}: load and origin alone`);
  const alone = runAlone === null ? null : await runAlone(seconds);
  const proxies = warm.map(({ proxy }) => proxy);
  const samples = new Map(proxies.map((proxy) => [proxy, [] as Sample[]]));
  for (let round = 0; round < rounds; round++) {
    tell(`${test.name}: round ${round + 1} of ${rounds}`);
    for (const proxy of rotate(proxies, round)) {
      samples.get(proxy)!.push(await measure(bench, proxy, loading, seconds));
    }
  }
  for (const proxy of proxies) await bench.children.end(proxy.child);
  return {
    test,
    alone,
    contenders: warm.map(({ proxy, tried }) => ({
      name: proxy.name,
      tuning: proxy.label,
      tried,
      samples: samples.get(proxy)!,
    })),
  };
}
