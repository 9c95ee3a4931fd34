/**
 * A backend as a worker uses it: its servers, their addresses, and who may be picked now.
 *
 * Here rules meet mechanism: the policy (pure) sees a ServerSet whose `eligible` this class
 * prepares for each pick. A server is eligible when its address is known and it was not tried for
 * this connection before; backup servers only when no other is.
 *
 * @hot
 */
import { makePolicy, type Pick, type PolicyState } from "../balance/policy.ts";
import { makeServerSet, type ServerSet } from "../balance/server_set.ts";
import { assert } from "../base/assert.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, type SharedState } from "../metrics/shared_state.ts";
import { ADDRESS_SLOT_BYTES } from "../ring/ring.ts";
import type { BackendPlan } from "./plan.ts";

export class Backend {
  readonly name: string;
  readonly serverCount: number;
  readonly connectTimeoutMs: number;
  /** Servers tried for one connection, the first included. */
  readonly attemptsMax: number;
  /** The number of its first server, counted through all backends. */
  readonly firstServer: number;
  readonly serverNames: readonly string[];
  readonly #firstSlot: number;
  readonly #addresses: Uint8Array;
  readonly #servers: ServerSet;
  readonly #pick: Pick;
  readonly #state: PolicyState;
  readonly #backup: Uint8Array;
  readonly #known: Uint8Array;
  readonly #hasBackups: boolean;
  readonly #needsOpen: boolean;
  readonly #shared: SharedState;

  /**
   * @param firstSlot address slot of its first server; the others follow.
   * @param addresses all address slots of the ring.
   */
  constructor(
    plan: BackendPlan,
    firstServer: number,
    firstSlot: number,
    addresses: Uint8Array,
    shared: SharedState,
  ) {
    this.name = plan.name;
    this.serverCount = plan.servers.length;
    this.connectTimeoutMs = plan.connectTimeoutMs;
    this.attemptsMax = Math.min(plan.retries + 1, ATTEMPTS_MAX);
    this.firstServer = firstServer;
    this.serverNames = plan.servers.map((server) => server.name); // cold: at start
    this.#firstSlot = firstSlot;
    this.#addresses = addresses;
    this.#shared = shared;
    this.#servers = makeServerSet(
      this.serverNames,
      plan.servers.map((server) => server.weight), // cold: at start
    );
    const policy = makePolicy(plan.balance, this.#servers);
    this.#pick = policy.pick;
    this.#state = policy.state;
    this.#needsOpen = plan.balance === "least_conn" || plan.balance === "p2c";
    this.#backup = new Uint8Array(this.serverCount);
    for (let i = 0; i < this.serverCount; i++) this.#backup[i] = plan.servers[i].backup ? 1 : 0;
    this.#hasBackups = this.#backup.includes(1);
    this.#known = new Uint8Array(this.serverCount);
    for (let i = 0; i < this.serverCount; i++) this.setAddress(i, plan.servers[i].address);
  }

  /** struct sockaddr bytes; empty: the server has no address now and is not picked. */
  setAddress(server: number, address: readonly number[]): void {
    assert(address.length <= ADDRESS_SLOT_BYTES, "an address fits its slot");
    this.#known[server] = address.length > 0 ? 1 : 0;
    this.#addresses.set(address, this.addressSlot(server) * ADDRESS_SLOT_BYTES);
  }

  addressSlot(server: number): number {
    return this.#firstSlot + server;
  }

  /** sa_family of a server's address. */
  addressFamily(server: number): number {
    return this.#addresses[this.addressSlot(server) * ADDRESS_SLOT_BYTES];
  }

  /**
   * Picks a server that is not among the `triedCount` entries of `tried` from `triedAt` on, or -1.
   * `random` and `hash` are unsigned 32-bit integers.
   */
  choose(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
  ): number {
    if (this.#needsOpen) this.#sumOpen();
    this.#prepare(0, tried, triedAt, triedCount);
    const server = this.#pick(this.#servers, this.#state, random, hash);
    if (server >= 0 || !this.#hasBackups) return server;
    this.#prepare(1, tried, triedAt, triedCount);
    return this.#pick(this.#servers, this.#state, random, hash);
  }

  #prepare(backup: number, tried: Int16Array, triedAt: number, triedCount: number): void {
    const eligible = this.#servers.eligible;
    for (let i = 0; i < this.serverCount; i++) {
      eligible[i] = this.#known[i] & (this.#backup[i] === backup ? 1 : 0);
    }
    for (let i = 0; i < triedCount; i++) eligible[tried[triedAt + i]] = 0;
  }

  /** Open connections over all workers, from shared memory: what makes least_conn true. */
  #sumOpen(): void {
    for (let i = 0; i < this.serverCount; i++) {
      const offset = serverOffset(this.#shared.shape, this.firstServer + i) + SERVER_OPEN;
      this.#servers.open[i] = this.#shared.sum(offset);
    }
  }
}
