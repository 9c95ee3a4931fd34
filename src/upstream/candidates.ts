/**
 * Which servers of a backend get new connections, as the board has it: states and weights, and the
 * tiers that follow from them for each subset of servers that a listener or route may use.
 *
 * Changes are rare: they are worked out when the board's revision has moved or an address has
 * changed, and picks only look at the results.
 */
import { fillEffectiveWeights } from "../balance/effective_weight.ts";
import { followWeights, type PolicyState } from "../balance/policy.ts";
import { type ServerSet, SHARE_FULL } from "../balance/server_set.ts";
import { Tiers } from "../balance/tiers.ts";
import { isTakenOut, SERVER_STATES } from "../health/server_state.ts";
import type { BackendPlan } from "./plan.ts";
import type { ServerBoard } from "./server_board.ts";

export class Candidates {
  /** By subset; the first is all servers. */
  readonly tiers: readonly Tiers[];
  /** By subset: 1 for its servers. */
  readonly members: readonly Uint8Array[];
  /** 1: its address is known. */
  readonly known: Uint8Array;
  readonly isBackup: Uint8Array;
  /** 1: gets new connections, as far as its own state goes. */
  readonly isUp: Uint8Array;
  readonly #plan: BackendPlan;
  readonly #firstServer: number;
  readonly #board: ServerBoard;
  readonly #servers: ServerSet;
  readonly #state: PolicyState;
  /** Numbers of states. */
  readonly #states: Uint8Array;
  readonly #weights: Int32Array;
  readonly #shares: Int32Array;
  /** 1: nobody has taken it out. */
  readonly #isCounted: Uint8Array;
  /** Of the subset that is worked out. */
  readonly #counted: Uint8Array;
  readonly #available: Uint8Array;

  /**
   * @param servers what the policy sees, whose weights are kept true.
   * @param state the policy's.
   */
  constructor(
    plan: BackendPlan,
    firstServer: number,
    board: ServerBoard,
    servers: ServerSet,
    state: PolicyState,
  ) {
    const count = servers.count;
    this.#plan = plan;
    this.#firstServer = firstServer;
    this.#board = board;
    this.#servers = servers;
    this.#state = state;
    this.known = new Uint8Array(count);
    this.isBackup = Uint8Array.from(plan.servers, (server) => Number(server.backup));
    this.isUp = new Uint8Array(count);
    this.#states = new Uint8Array(count);
    this.#weights = Int32Array.from(plan.servers, (server) => server.weight);
    this.#shares = new Int32Array(count).fill(SHARE_FULL);
    this.#isCounted = new Uint8Array(count);
    this.#counted = new Uint8Array(count);
    this.#available = new Uint8Array(count);
    const priorities = plan.servers.map((server) => server.priority);
    const foreign = plan.servers.map((server) => Number(server.isForeignZone));
    this.tiers = plan.subsets.map(() =>
      new Tiers(priorities, foreign, this.isBackup, plan.panicThreshold)
    );
    this.members = plan.subsets.map((subset) => {
      const members = new Uint8Array(count);
      for (const server of subset) members[server] = 1;
      return members;
    });
  }

  /** Whether it was found not to work, by whomever. */
  isFaulty(server: number): boolean {
    const state = SERVER_STATES[this.#states[server]];
    return state === "down" || state === "ejected";
  }

  /** Whether only its errors keep it from getting connections. */
  isEjected(server: number): boolean {
    return SERVER_STATES[this.#states[server]] === "ejected" && this.#isCounted[server] === 1;
  }

  isInMaint(server: number): boolean {
    return SERVER_STATES[this.#states[server]] === "maint";
  }

  /** Reads states, weights and shares from the board. */
  refresh(): void {
    let isReweighted = false;
    for (let i = 0; i < this.#servers.count; i++) {
      const server = this.#firstServer + i;
      const weight = this.#board.weight(server, this.#plan.servers[i].weight);
      if (weight !== this.#weights[i]) isReweighted = true;
      this.#weights[i] = weight;
      this.#shares[i] = this.#board.share(server);
      this.#states[i] = this.#board.state(server);
    }
    // Two policies know no weights: a table stands for them, or nothing but the order counts. With
    // those a server that gets less than its weight passes some of its connections on.
    const { balance } = this.#plan;
    if (balance === "consistent_hash" || balance === "first") {
      this.#servers.weights.set(this.#weights);
      this.#servers.shares.set(this.#shares);
    } else fillEffectiveWeights(this.#weights, this.#shares, this.#servers.weights);
    if (isReweighted) followWeights(this.#plan.balance, this.#servers, this.#state);
    this.update();
  }

  /** To be called after `known` has changed. */
  update(): void {
    const { count } = this.#servers;
    for (let i = 0; i < count; i++) {
      const state = SERVER_STATES[this.#states[i]];
      const isOut = isTakenOut(state) || this.#weights[i] === 0 || this.#shares[i] === 0;
      this.#isCounted[i] = isOut ? 0 : 1;
      this.isUp[i] = !isOut && state === "up" ? this.known[i] : 0;
    }
    for (let subset = 0; subset < this.tiers.length; subset++) {
      const members = this.members[subset];
      for (let i = 0; i < count; i++) {
        this.#counted[i] = members[i] & this.#isCounted[i];
        this.#available[i] = members[i] & this.isUp[i];
      }
      this.tiers[subset].update(this.#counted, this.#available);
    }
  }
}
