/**
 * Servers of one backend as policies see them: struct of arrays, indexed by server.
 *
 * A policy is a function of numbers, so this holds only numbers and names: no addresses, no health
 * states, no sockets. Whatever decides that a server may be picked now (health, ejection, drain,
 * backup, a full server, a server tried before in this exchange) is folded by the caller into one
 * byte, `eligible`. Thereby every policy works with every such feature and knows none of them.
 *
 * The arrays have a fixed length and are updated in place; another list of servers is another set.
 * Any of them may be a view of shared memory, such as `open`, which counts over all workers.
 */
import { assert } from "../base/assert.ts";

/** The share of a server that gets all that its weight stands for. */
export const SHARE_FULL = 256;

/** Largest weight; with `SERVERS_MAX` it keeps every sum and product of policies exact. */
export const WEIGHT_MAX = 256;

/**
 * Servers of one backend. The tightest reason is round robin, whose running weights may reach half
 * of servers x sum of weights and are 32 bits wide.
 */
export const SERVERS_MAX = 4096;

export interface ServerSet {
  /** Length of each array below. */
  readonly count: number;
  /** Canonical names, each once: what a server is to consistent hashing, whatever its index. */
  readonly names: readonly string[];
  /**
   * 0..WEIGHT_MAX; 0 = never picked. For consistent_hash the plain weights, which its table is
   * built of, and for first; for all other policies those of effective_weight.ts, which have shares
   * in them.
   */
  readonly weights: Int32Array;
  /**
   * 0..SHARE_FULL: what slow start and agent leave of the weight; 0 = never picked. Looked at by
   * consistent_hash, its bound and first only, and left alone for the others.
   */
  readonly shares: Int32Array;
  /** Open connections over all workers, kept by the caller; may be a little stale. */
  readonly open: Int32Array;
  /**
   * What an answer costs now, milliseconds; 0 = never measured. Looked at by least_latency only;
   * see peak_ewma.ts.
   */
  readonly costs: Float64Array;
  /** 1 = may be picked now, else 0; prepared by the caller for each pick. */
  readonly eligible: Uint8Array;
}

/**
 * A set in which every server is eligible, has its full share and nothing open. `weights` is
 * copied.
 */
export function makeServerSet(names: readonly string[], weights: readonly number[]): ServerSet {
  assert(names.length === weights.length, "each server has a name and a weight");
  assert(names.length <= SERVERS_MAX, "a backend has at most SERVERS_MAX servers");
  for (const weight of weights) {
    assert(
      Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX,
      "a weight is an integer of 0..WEIGHT_MAX",
    );
  }
  return {
    count: names.length,
    names: [...names],
    weights: Int32Array.from(weights),
    shares: new Int32Array(names.length).fill(SHARE_FULL),
    open: new Int32Array(names.length),
    costs: new Float64Array(names.length),
    eligible: new Uint8Array(names.length).fill(1),
  };
}

/** Whether a policy may return this server: eligible now, and its weight is not zero. */
export function isCandidate(servers: ServerSet, server: number): boolean {
  return servers.eligible[server] !== 0 && servers.weights[server] > 0;
}

assert(
  ((SERVERS_MAX - 1) / 2) * SERVERS_MAX * WEIGHT_MAX + WEIGHT_MAX < 2 ** 31,
  "running weights of round robin fit in 32 bits",
);
assert(SERVERS_MAX < 0xffff, "a server's index fits in 16 bits beside one value for vacant");
