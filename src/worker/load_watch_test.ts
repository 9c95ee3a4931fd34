import assert from "node:assert/strict";
import { BUFFERS_MAX, OVERLOAD_IDLE_PARTS, OVERLOAD_LOOK_MS } from "../limits.ts";
import { BUSY, SHEDDING } from "../metrics/metric_names.ts";
import type { ProxyContext } from "../proxy/proxy_context.ts";
import type { TcpProxy } from "../proxy/tcp/tcp_proxy.ts";
import type { UdpProxy } from "../proxy/udp/udp_proxy.ts";
import type { Plan } from "../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { workerPlan } from "../upstream/test_plan.ts";
import { LoadWatch } from "./load_watch.ts";

const OFF = { busy: null, memory: null, files: null, buffers: null };

/** A worker of 100 tunnels and 50 flows, whose figures a test sets. */
function makeWatch(marks: Partial<Plan["overload"]>) {
  const plan = workerPlan({ overload: { ...OFF, ...marks } });
  const shape = regionShape(plan);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  const [row] = region.state.rows;
  const ring = { nowMs: 90_000 };
  const pool = { leasedTotal: 0 };
  const tunnels = { openCount: 0, capacity: 100 };
  const flows = { openCount: 0, capacity: 50 };
  const cpu = { usedMs: 1234, asked: 0 };
  const log: string[] = [];
  /** By how much connections may rest less long, as it was told. */
  const idleParts: number[] = [];
  const relay = { idle: { divide: (parts: number) => void idleParts.push(parts) } };
  const context = {
    ...{ ring, pool, region, row, plan },
    log: { overloaded: (why: string) => void log.push(why) },
  } as unknown as ProxyContext;
  const tcp = { tunnels, relay } as unknown as TcpProxy;
  const udp = { flows } as unknown as UdpProxy;
  const watch = new LoadWatch(context, tcp, udp, () => {
    cpu.asked++;
    return cpu.usedMs;
  });
  /** Looks again when it is time, having used the core for a share of it. */
  const look = (times = 1, share = 0) => {
    for (let i = 0; i < times; i++) {
      ring.nowMs += OVERLOAD_LOOK_MS;
      cpu.usedMs += share * OVERLOAD_LOOK_MS;
      watch.look();
    }
    return row[SHEDDING];
  };
  return { watch, ring, row, pool, region, tunnels, flows, cpu, log, idleParts, look };
}

Deno.test("a worker is looked at some times a second, however often it turns", () => {
  const { watch, ring, cpu } = makeWatch({});
  for (let ms = 0; ms < 10 * OVERLOAD_LOOK_MS; ms++) {
    watch.look();
    ring.nowMs++;
  }
  assert.equal(cpu.asked, 10);
});

Deno.test("how busy it is is the CPU time used since the last look", () => {
  const { watch, ring, row, cpu } = makeWatch({});
  watch.look();
  assert.equal(row[BUSY], 0, "what was used before the first look says nothing");
  ring.nowMs += 1000;
  cpu.usedMs += 300;
  watch.look();
  assert.equal(row[BUSY], 0.3);
  ring.nowMs += 500;
  cpu.usedMs += 500;
  watch.look();
  assert.equal(row[BUSY], 1);
});

Deno.test("a worker at its mark refuses new clients, says why, and says when it is over", () => {
  const { look, log } = makeWatch({ busy: 0.9 });
  look(1, 0.5);
  assert.equal(look(1, 0.95), 0, "once is a burst");
  assert.equal(look(1, 0.95), 1);
  assert.deepEqual(log, ["busy at 95 % of a core (mark 90 %)"]);
  look(3, 0.1);
  assert.equal(look(1, 0.95), 1);
  assert.equal(look(3, 0.1), 1, "it takes a longer calm");
  assert.equal(look(1, 0.1), 0);
  assert.deepEqual(log.slice(1), [""]);
});

Deno.test("while it lasts connections may rest less long, which makes room", () => {
  const { look, tunnels, idleParts } = makeWatch({ files: 0.9 });
  tunnels.openCount = 95;
  look(5);
  assert.deepEqual(idleParts, [OVERLOAD_IDLE_PARTS]);
  tunnels.openCount = 50;
  look(5);
  assert.deepEqual(idleParts, [OVERLOAD_IDLE_PARTS, 1]);
});

Deno.test("the memory is that of the whole machine, as the board has it", () => {
  const { look, region, log } = makeWatch({ memory: 0.95 });
  region.board.setMemory(0.94);
  assert.equal(look(5), 0);
  region.board.setMemory(0.96);
  assert.equal(look(2), 1);
  assert.match(log[0], /^memory at 96 %/);
});

Deno.test("files run short when tunnels or flows do, whichever is nearer to its end", () => {
  const rows = [[98, 0, 1], [97, 48, 0], [0, 49, 1], [97, 49, 1]];
  for (const [tunnelCount, flowCount, expected] of rows) {
    const { look, tunnels, flows } = makeWatch({ files: 0.98 });
    tunnels.openCount = tunnelCount;
    flows.openCount = flowCount;
    assert.equal(look(2), expected, `${tunnelCount} tunnels, ${flowCount} flows`);
  }
});

Deno.test("a worker that has no listener for a protocol is not full of it", () => {
  const { look, flows } = makeWatch({ files: 0.98 });
  flows.capacity = 0;
  assert.equal(look(5), 0);
});

Deno.test("buffers are those of all lanes together", () => {
  const { look, pool, log } = makeWatch({ buffers: 0.75 });
  pool.leasedTotal = BUFFERS_MAX * 0.75 - 1;
  assert.equal(look(5), 0);
  pool.leasedTotal++;
  assert.equal(look(2), 1);
  assert.match(log[0], /^buffers at 75 %/);
});

Deno.test("what has no mark may be used up", () => {
  const { look, region, tunnels, flows, pool, log } = makeWatch({});
  region.board.setMemory(1);
  tunnels.openCount = 100;
  flows.openCount = 50;
  pool.leasedTotal = BUFFERS_MAX;
  assert.equal(look(10, 1), 0);
  assert.deepEqual(log, []);
});
