import assert from "node:assert/strict";
import {
  DATAGRAM_BUFFERS_MAX,
  FAST_BUFFERS_MAX,
  OVERLOAD_IDLE_PARTS,
  OVERLOAD_LOOK_MS,
} from "../limits.ts";
import { BUSY, SHEDDING } from "../metrics/metric_names.ts";
import type { ProxyContext } from "../proxy/proxy_context.ts";
import type { TcpProxy } from "../proxy/tcp/tcp_proxy.ts";
import { DATAGRAM_LANE, FAST_LANE } from "../ring/ring.ts";
import type { Plan } from "../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { workerPlan } from "../upstream/test_plan.ts";
import { LoadWatch } from "./load_watch.ts";

const OFF = { busy: null, memory: null, files: null, buffers: null };

/** A worker of 100 tunnels, whose figures a test sets. */
function makeWatch(marks: Partial<Plan["overload"]>) {
  const plan = workerPlan({ overload: { ...OFF, ...marks } });
  const shape = regionShape(plan);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  const [row] = region.state.rows;
  const ring = { nowMs: 90_000 };
  const free = new Map([[FAST_LANE, FAST_BUFFERS_MAX], [DATAGRAM_LANE, DATAGRAM_BUFFERS_MAX]]);
  const pool = { freeCount: (lane: number) => free.get(lane)! };
  const tunnels = { openCount: 0, capacity: 100 };
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
  const watch = new LoadWatch(context, tcp, () => {
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
  return { watch, ring, row, free, region, tunnels, cpu, log, idleParts, look };
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

Deno.test("files run short when tunnels do", () => {
  for (const [tunnelCount, expected] of [[97, 0], [98, 1]]) {
    const { look, tunnels } = makeWatch({ files: 0.98 });
    tunnels.openCount = tunnelCount;
    assert.equal(look(2), expected, `${tunnelCount} tunnels`);
  }
});

Deno.test("a worker without listeners of connections is not full of them", () => {
  const { look, tunnels } = makeWatch({ files: 0.98 });
  tunnels.capacity = 0;
  assert.equal(look(5), 0);
});

Deno.test("buffers are those of the lane that is nearer to its end", () => {
  for (const lane of [FAST_LANE, DATAGRAM_LANE]) {
    const { look, free, log } = makeWatch({ buffers: 0.75 });
    const all = free.get(lane)!;
    free.set(lane, all / 4 + 1);
    assert.equal(look(5), 0);
    free.set(lane, all / 4);
    assert.equal(look(2), 1);
    assert.match(log[0], /^buffers at 75 %/);
  }
});

Deno.test("what has no mark may be used up", () => {
  const { look, region, tunnels, free, log } = makeWatch({});
  region.board.setMemory(1);
  tunnels.openCount = 100;
  free.set(FAST_LANE, 0);
  assert.equal(look(10, 1), 0);
  assert.deepEqual(log, []);
});
