import assert from "node:assert/strict";
import type {
  AgentCheckConfig,
  BackendConfig,
  HealthCheckConfig,
  ServerConfig,
} from "../config/config.ts";
import type { AgentVerdict } from "../health/agent_line.ts";
import type { CheckReport } from "./check_report.ts";
import type { ProbeTarget } from "./probe_outcome.ts";
import type { ProbeVerdict } from "./probe_record.ts";
import { ServerChecks } from "./server_checks.ts";
import { TestClock } from "./test_clock.ts";
import { closedTarget, serveTcp } from "./test_servers.ts";

const CHECK: HealthCheckConfig = {
  host: null,
  port: null,
  probe: { kind: "tcp", send: null, expect: null },
  intervalMs: 5000,
  fastIntervalMs: 1000,
  timeoutMs: 2000,
  rise: 2,
  fall: 3,
  initial: "up",
};
const AGENT: AgentCheckConfig = {
  host: null,
  port: 1,
  send: null,
  intervalMs: 5000,
  timeoutMs: 2000,
};

/** As much of a backend as its checks are made of. */
function backend(
  targets: readonly ProbeTarget[],
  healthCheck: HealthCheckConfig | null,
  more: Partial<BackendConfig> = {},
): BackendConfig {
  const servers = targets.map((target) => ({ ...target }) as ServerConfig);
  return { servers, healthCheck, agentCheck: null, proxyProtocol: null, ...more } as BackendConfig;
}

/** Runs checks, and gives each thing that is told to whoever asks for the next. */
class Checks {
  readonly probes: { server: number; verdict: ProbeVerdict; report: CheckReport }[] = [];
  readonly agents: { server: number; verdict: AgentVerdict | null; report: CheckReport }[] = [];
  readonly clock = new TestClock();
  readonly #checks: ServerChecks;
  #wake = Promise.withResolvers<void>();

  constructor(
    backends: readonly BackendConfig[],
    targetOf?: (server: number) => null,
    lookUp: (name: string) => Promise<string> = () => assert.fail("nothing to look up"),
  ) {
    const targets = backends.flatMap(({ servers }) => servers);
    const addresses = {
      targetOf: targetOf ?? ((server: number) => targets[server]),
      lookUp,
    };
    this.#checks = new ServerChecks(backends, addresses, {
      onProbe: (server, verdict, report) => {
        this.probes.push({ server, verdict, report });
        this.#wake.resolve();
      },
      onAgent: (server, verdict, report) => {
        this.agents.push({ server, verdict, report });
        this.#wake.resolve();
      },
    }, this.clock);
  }

  /** Lets `ms` pass, then waits until so much has been told. */
  async reach(ms: number, count: number): Promise<void> {
    await this.clock.advance(ms);
    while (this.probes.length + this.agents.length < count) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  stop(): Promise<void> {
    return this.#checks.stop();
  }
}

Deno.test("servers are numbered through all backends, also those without a check", async () => {
  await serveTcp(() => {}, async (target) => {
    const closed = closedTarget();
    const checks = new Checks([
      backend([target, target], null),
      backend([target, closed], CHECK),
    ]);
    await checks.reach(1000, 2);
    const found = checks.probes.toSorted((one, other) => one.server - other.server);
    assert.deepEqual(found.map(({ server, report }) => [server, report.text]), [
      [2, "connected"],
      [3, "connection refused (ECONNREFUSED)"],
    ]);
    const streak = "1 of 3 probes failed";
    assert.deepEqual(found[1].verdict, { isUp: true, isFirst: true, changed: false, streak });
    assert.equal(found[1].report.atMs, checks.clock.dateMs());
    await checks.stop();
  });
});

Deno.test("a server that fails is soon asked again, and goes down at the last probe", async () => {
  const checks = new Checks([backend([closedTarget()], CHECK)]);
  await checks.reach(500, 1);
  await checks.reach(1000, 2);
  await checks.reach(1000, 3);
  const { verdict } = checks.probes[2];
  const streak = "3 of 3 probes failed";
  assert.deepEqual(verdict, { isUp: false, isFirst: false, changed: true, streak });
  await checks.stop();
});

Deno.test("one address with one check is asked once, each backend has its verdict", async () => {
  let connections = 0;
  await serveTcp(() => connections++, async (target) => {
    const checks = new Checks([
      backend([target], { ...CHECK, initial: "down", rise: 1 }),
      backend([target], { ...CHECK, initial: "down", rise: 2 }),
      backend([target], { ...CHECK, timeoutMs: 1000 }),
      backend([target], { ...CHECK, probe: { kind: "tcp", send: "a", expect: null } }),
      backend([target], CHECK, { proxyProtocol: "v2" }),
    ]);
    await checks.reach(1000, 5);
    assert.equal(connections, 4);
    const of = (server: number) => checks.probes.find((probe) => probe.server === server)!;
    assert.equal(of(0).verdict.isUp, true);
    assert.equal(of(1).verdict.isUp, false);
    assert.deepEqual(of(0).report, of(1).report);
    await checks.stop();
  });
});

Deno.test("a server that expects PROXY headers gets one, a port for checks none", async () => {
  const got: string[] = [];
  await serveTcp((socket) => {
    const at = got.push("") - 1;
    socket.on("data", (piece) => got[at] += piece.toString("latin1"));
  }, async (target) => {
    const other = closedTarget();
    const checks = new Checks([
      backend([target], CHECK, { proxyProtocol: "v1" }),
      backend([other], { ...CHECK, port: target.port }, { proxyProtocol: "v1" }),
    ]);
    await checks.reach(1000, 2);
    await checks.stop();
  });
  assert.deepEqual(got.sort(), ["", "PROXY UNKNOWN\r\n"]);
});

Deno.test("a server whose name does not resolve has failed its probe", async () => {
  const checks = new Checks([backend([closedTarget()], CHECK)], () => null);
  await checks.reach(1000, 1);
  assert.equal(checks.probes[0].report.text, "the name does not resolve");
  assert.equal(checks.probes[0].report.isOk, false);
  await checks.stop();
});

Deno.test("a failure tells the timeout of the file, whatever the look-up took of it", async () => {
  const slowly = () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    setTimeout(() => resolve("127.0.0.1"), 20);
    return promise;
  };
  await serveTcp(() => {}, async ({ port }) => {
    const probe = { kind: "tcp", send: null, expect: "never" } as const;
    const named = { host: "check.internal", port, timeoutMs: 150 };
    const agentCheck = { ...AGENT, ...named };
    const healthCheck = { ...CHECK, ...named, probe };
    const servers = [closedTarget()];
    const checks = new Checks([backend(servers, healthCheck, { agentCheck })], undefined, slowly);
    await checks.reach(1000, 2);
    assert.match(checks.probes[0].report.text, /no answer within 150 ms/);
    assert.match(checks.agents[0].report.text, /no line within 150 ms/);
    await checks.stop();
  });
});

Deno.test("agents are asked at their port, and what they say is read", async () => {
  const lines = ["drain 50%#tired\n", "what?\n"];
  await serveTcp((socket) => void socket.write(lines.shift()!), async (target) => {
    const agentCheck = { ...AGENT, port: target.port };
    const checks = new Checks([backend([closedTarget()], null, { agentCheck })]);
    await checks.reach(500, 1);
    await checks.reach(5000, 2);
    const [first, second] = checks.agents;
    assert.equal(first.verdict?.state, "drain");
    assert.equal(first.verdict?.percent, 50);
    assert.equal(first.report.isOk, true);
    assert.equal(first.report.text, first.verdict?.reason);
    assert.equal(second.verdict, null);
    assert.equal(second.report.isOk, false);
    assert.equal(second.report.text, 'not understood: "what?"');
    await checks.stop();
  });
});

Deno.test("an agent that is not there has said nothing", async () => {
  const target = closedTarget();
  const agentCheck = { ...AGENT, port: target.port };
  const checks = new Checks([backend([target], null, { agentCheck })]);
  await checks.reach(1000, 1);
  assert.equal(checks.agents[0].verdict, null);
  assert.equal(checks.agents[0].report.text, "connection refused (ECONNREFUSED)");
  await checks.stop();
});

Deno.test("stopping closes the connection of a probe that waits for its answer", async () => {
  const accepted = Promise.withResolvers<void>();
  await serveTcp(() => accepted.resolve(), async (target) => {
    const probe = { kind: "tcp", send: null, expect: "never" } as const;
    const checks = new Checks([backend([target], { ...CHECK, probe })]);
    await checks.clock.advance(1000);
    await accepted.promise;
    await checks.stop();
    assert.deepEqual(checks.probes, []);
    assert.equal(checks.clock.timers, 0);
  });
});
