/**
 * What policies keep between picks, in one shape for all of them, so that the place which calls
 * `pick` sees one object layout whatever the policy. A policy that needs nothing leaves its arrays
 * empty.
 *
 * The state belongs to one worker and one `ServerSet`, and is never shared: a policy that has to
 * know of other workers sees them through `ServerSet.open` only.
 */
export interface PolicyState {
  /** round_robin: running weight by server; see round_robin.ts for its bounds. */
  readonly runningWeights: Int32Array;
  /** round_robin: the server that wins ties, or -1 before the first pick. */
  firstServer: number;
  /**
   * consistent_hash: the owner, a server index, of each table slot; see maglev_table.ts. Becomes
   * another one after a change of weights.
   */
  maglevTable: Uint16Array;
  /** consistent_hash: hash of each server's name, for all that the table does not settle. */
  readonly nameHashes: Uint32Array;
  /** least_latency: for this pick, what counts as cost and as open where nothing was measured. */
  readonly unmeasured: Float64Array;
}

/** A state with these arrays. Made here only: one literal, hence one object layout. */
export function makePolicyState(arrays: Partial<Omit<PolicyState, "firstServer">>): PolicyState {
  return {
    runningWeights: arrays.runningWeights ?? new Int32Array(0),
    firstServer: -1,
    maglevTable: arrays.maglevTable ?? new Uint16Array(0),
    nameHashes: arrays.nameHashes ?? new Uint32Array(0),
    unmeasured: arrays.unmeasured ?? new Float64Array(0),
  };
}
