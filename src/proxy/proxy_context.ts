/**
 * What the proxies of one worker share: ring, buffers, counters, plan, backends, chance, log.
 */
import type { Random } from "../base/random.ts";
import type { BufferPool } from "../buffer/buffer_pool.ts";
import type { Ring } from "../ring/ring.ts";
import type { Backend } from "../upstream/backend.ts";
import type { Plan } from "../upstream/plan.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";
import type { Gate } from "./gate.ts";

/** Hears of what an operator should know; implementations cap the rate. */
export interface ProxyLog {
  connectFailed(backend: Backend, server: number, result: number): void;
  refused(listener: string, backend: Backend, why: string): void;
  acceptFailed(listener: string, result: number): void;
  /** The first bytes of a client were not what its listener takes. */
  misread(listener: string, why: string): void;
  /** New clients are refused from now on, and why; "": they are not any more. */
  overloaded(why: string): void;
}

export interface ProxyContext {
  readonly ring: Ring;
  readonly pool: BufferPool;
  readonly region: SharedRegion;
  /** The worker's own row of counters. */
  readonly row: Float64Array;
  readonly plan: Plan;
  readonly backends: readonly Backend[];
  /** Who is let in, by listener. */
  readonly gates: readonly Gate[];
  readonly random: Random;
  readonly log: ProxyLog;
}
