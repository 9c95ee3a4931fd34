/**
 * Runs the cases that were asked for, one after the other: which contenders, which origin and which
 * load generator belong to each stands here, and nothing else.
 */
import type { Contender, Workbench } from "./contender.ts";
import { DNSDIST } from "./dnsdist.ts";
import { runDnsperf } from "./dnsperf.ts";
import { countGarbage, type GarbageResult } from "./garbage.ts";
import * as goal from "./goal.ts";
import { HAPROXY } from "./haproxy.ts";
import { type Loading, type LoadResult, runLoadCase } from "./load_case.ts";
import { type MemoryResult, runFlowsCase, runIdleCase } from "./memory_case.ts";
import { nginxContender, startOrigin } from "./nginx.ts";
import type { BenchOptions } from "./options.ts";
import { bareContender, epollContender, ringwayContender } from "./ringway.ts";
import { buildUdpLoad } from "./udp_load_build.ts";
import { runStream, runTrips, startUdpOrigin } from "./udp_load.ts";
import { runWrk } from "./wrk.ts";

const CACHE = new URL("../../.cache", import.meta.url).pathname;
/** What load and origin alone are asked to do, as a multiple of what the proxies get. */
const ALONE_FACTOR = 2;

export interface Measurement {
  readonly load: readonly LoadResult[];
  readonly memory: readonly MemoryResult[];
  readonly garbage: GarbageResult | null;
}

type Tell = (line: string) => void;

/** Who takes part in a case: the peers, or the program itself in another state. */
function choose(bench: Workbench, test: goal.CaseName, all: readonly Contender[]) {
  const [ringway] = all;
  switch (test) {
    case "health":
      return [ringway, bareContender(bench.folder)];
    case "engines":
    case "udp-engines":
      return [ringway, epollContender(bench.folder)];
    default:
      return all;
  }
}

async function measureHttp(
  bench: Workbench,
  contenders: readonly Contender[],
  options: BenchOptions,
  tell: Tell,
): Promise<Pick<Measurement, "load" | "garbage">> {
  const load: LoadResult[] = [];
  let garbage: GarbageResult | null = null;
  const origin = await startOrigin(bench);
  for (const test of goal.HTTP_CASES) {
    if (!options.cases.includes(test.name)) continue;
    const run: Loading["run"] = (port, seconds) =>
      runWrk(bench.children, test, bench.loadCore, port, seconds);
    const loading = {
      test,
      contenders: choose(bench, test.name, contenders),
      origin: origin.port,
      run,
      runAlone: null,
    };
    load.push(await runLoadCase(bench, loading, options, tell));
    if (test.name !== "keep-alive") continue;
    tell("keep-alive: counting garbage");
    const seconds = options.rounds * options.seconds;
    garbage = await countGarbage(bench, test, seconds, origin.port);
  }
  await bench.children.end(origin.child);
  return { load, garbage };
}

/** What is loaded with udp_load, and has the echo behind it. */
function listEchoed(bench: Workbench, program: string, echo: number): Omit<
  Loading,
  "contenders" | "origin"
>[] {
  const trips = goal.TRIP_CASES.map((test) => {
    const run: Loading["run"] = (port, seconds) => runTrips(bench, program, test, port, seconds);
    return { test, run, runAlone: (seconds: number) => run(echo, seconds) };
  });
  const test = goal.STREAM_CASE;
  const faster = { ...test, rate: ALONE_FACTOR * test.rate };
  return [...trips, {
    test,
    run: (port, seconds) => runStream(bench, program, test, { proxy: port, sink: echo }, seconds),
    runAlone: (seconds) => runStream(bench, program, faster, { proxy: echo, sink: echo }, seconds),
  }];
}

async function measureUdp(
  bench: Workbench,
  program: string,
  contenders: readonly Contender[],
  options: BenchOptions,
  tell: Tell,
): Promise<LoadResult[]> {
  const load: LoadResult[] = [];
  const echo = await startUdpOrigin(bench, program, "echo");
  for (const each of listEchoed(bench, program, echo.port)) {
    if (!options.cases.includes(each.test.name)) continue;
    const loading = {
      ...each,
      contenders: choose(bench, each.test.name, contenders),
      origin: echo.port,
    };
    load.push(await runLoadCase(bench, loading, options, tell));
  }
  await bench.children.end(echo.child);
  if (!options.cases.includes(goal.DNS_CASE.name)) return load;
  const dns = await startUdpOrigin(bench, program, "dns");
  const test = goal.DNS_CASE;
  const run: Loading["run"] = (port, seconds) => runDnsperf(bench, test, port, seconds);
  load.push(
    await runLoadCase(
      bench,
      {
        test,
        contenders: [...contenders, DNSDIST],
        origin: dns.port,
        run,
        runAlone: (seconds) => run(dns.port, seconds),
      },
      options,
      tell,
    ),
  );
  await bench.children.end(dns.child);
  return load;
}

export async function measureCases(
  bench: Workbench,
  options: BenchOptions,
  tell: Tell,
): Promise<Measurement> {
  const isChosen = (name: goal.CaseName) => options.cases.includes(name);
  const load: LoadResult[] = [];
  const memory: MemoryResult[] = [];
  let garbage: GarbageResult | null = null;
  const udp = [ringwayContender(bench.folder), nginxContender(bench.folder)];
  const all = [...udp, HAPROXY];
  if (goal.HTTP_CASES.some(({ name }) => isChosen(name))) {
    const http = await measureHttp(bench, all, options, tell);
    load.push(...http.load);
    garbage = http.garbage;
  }
  if (isChosen("idle")) memory.push(await runIdleCase(bench, all, options, tell));
  if (!options.cases.some(goal.isUdp)) return { load, memory, garbage };
  const program = await buildUdpLoad(CACHE);
  load.push(...await measureUdp(bench, program, udp, options, tell));
  if (isChosen("udp-flows")) {
    memory.push(await runFlowsCase(bench, udp, program, options, tell));
  }
  return { load, memory, garbage };
}
