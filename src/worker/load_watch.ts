/**
 * Looks a few times a second at what a worker lives on (core, memory, files, buffers) and says in
 * its row whether it takes new clients; the proxies refuse them while it does not. Connections that
 * are there go on; only those that rest are ended sooner than usual.
 *
 * The rule is health/overload.ts; here are the figures.
 *
 * @hot
 */
import type { BufferPool } from "../buffer/buffer_pool.ts";
import { Overload } from "../health/overload.ts";
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

export class LoadWatch {
  readonly #context: ProxyContext;
  readonly #pool: BufferPool;
  readonly #tcp: TcpProxy;
  readonly #cpuMs: () => number;
  readonly #overload: Overload;
  /** When it was looked at last, and the CPU time that had been used by then; milliseconds. */
  readonly #last = new Float64Array(2);

  /** @param cpuMs CPU time that the process has used. */
  constructor(context: ProxyContext, tcp: TcpProxy, cpuMs: () => number) {
    this.#context = context;
    this.#pool = context.pool;
    this.#tcp = tcp;
    this.#cpuMs = cpuMs;
    const { busy, memory, files, buffers } = context.plan.overload;
    this.#overload = new Overload({
      busy: busy ?? Infinity,
      memory: memory ?? Infinity,
      files: files ?? Infinity,
      buffers: buffers ?? Infinity,
    });
  }

  look(): void {
    const { ring, row } = this.#context;
    const sinceMs = ring.nowMs - this.#last[0];
    if (sinceMs < OVERLOAD_LOOK_MS) return;
    const usedMs = this.#cpuMs();
    // The first look has nothing to compare with.
    row[BUSY] = this.#last[0] === 0 ? 0 : (usedMs - this.#last[1]) / sinceMs;
    this.#last[0] = ring.nowMs;
    this.#last[1] = usedMs;
    this.#judge();
  }

  #judge(): void {
    const { region, row, log } = this.#context;
    // Flows are not looked at: there one gives way to another.
    const { openCount, capacity } = this.#tcp.tunnels;
    const files = capacity === 0 ? 0 : openCount / capacity;
    const buffers = Math.max(
      1 - this.#pool.freeCount(FAST_LANE) / FAST_BUFFERS_MAX,
      1 - this.#pool.freeCount(DATAGRAM_LANE) / DATAGRAM_BUFFERS_MAX,
    );
    const overload = this.#overload;
    if (!overload.observe(row[BUSY], region.board.memory, files, buffers)) return;
    row[SHEDDING] = overload.isShedding ? 1 : 0;
    this.#tcp.relay.idle.divide(overload.isShedding ? OVERLOAD_IDLE_PARTS : 1);
    log.overloaded(overload.reason);
  }
}
