/**
 * Follows servers that come back: their share of new connections has to rise from little to what
 * their weight stands for, in as much time as the configuration says, without a step and without a
 * burst at the end. All returns of all servers are counted together, by tenths of that time.
 */
import type { PolicyName } from "../../../src/config/config.ts";
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

/** Of the slow start; what comes after it is counted for as long again. */
const STEPS = 10;
/** The least that a server in slow start gets of its weight. */
const SHARE_MIN = 0.1;
/** It rises in so many steps. */
const RAMP_STEPS = 20;
/** Picks of one worker in a row, in turns of all servers, after which no burst may have shown. */
const TURNS_WATCHED = 5;

export class SlowStartWitness implements Witness {
  readonly #picks = new Float64Array(2 * STEPS);
  readonly #all = new Float64Array(2 * STEPS);
  readonly #expected = new Float64Array(2 * STEPS);
  readonly #upAtMs: Float64Array;
  #before: readonly string[] = [];
  #returns = 0;
  /** By worker and server: of the last picks, as a ring. */
  readonly #recent: Int16Array[];
  readonly #recentCount: Int32Array;
  #longest = 0;
  /** Of round robin: no run of picks is uneven. */
  readonly takesTurns: boolean;
  readonly goesByKeys: boolean;

  constructor(
    readonly serverCount: number,
    workers: number,
    readonly lengthMs: number,
    balance: PolicyName,
  ) {
    this.takesTurns = balance === "round_robin";
    this.goesByKeys = balance === "consistent_hash";
    this.#upAtMs = new Float64Array(serverCount).fill(-1);
    this.#recent = Array.from(
      { length: workers },
      () => new Int16Array(serverCount * TURNS_WATCHED).fill(-1),
    );
    this.#recentCount = new Int32Array(workers);
  }

  ticked(world: BackendWorld): void {
    const states = world.supervisor.states();
    states.forEach((state, i) => {
      const before = this.#before[i] ?? "up";
      if (state === before) return;
      this.#upAtMs[i] = state === "up" ? world.nowMs : -1;
      if (state === "up") this.#returns++;
    });
    this.#before = [...states];
  }

  /**
   * What its share should be, all others being there in full: of a tenth at least, then in steps of
   * a twentieth. Keys that a server does not take yet are shared out among the others only.
   */
  #shareAt(elapsedMs: number): number {
    const reached = Math.floor(elapsedMs / this.lengthMs * RAMP_STEPS) / RAMP_STEPS;
    const ramp = Math.min(1, Math.max(SHARE_MIN, reached));
    return ramp / (this.goesByKeys ? this.serverCount : this.serverCount - 1 + ramp);
  }

  tried(world: BackendWorld, slot: number, server: number): void {
    if (this.takesTurns) this.#watchBurst(world.connections.worker[slot], server);
    if (this.#before.some((state) => state !== "up")) return;
    for (let back = 0; back < this.serverCount; back++) {
      if (this.#upAtMs[back] < 0) continue;
      const elapsedMs = world.nowMs - this.#upAtMs[back];
      const step = Math.floor(elapsedMs / this.lengthMs * STEPS);
      if (step >= 2 * STEPS) continue;
      this.#all[step]++;
      this.#expected[step] += this.#shareAt(elapsedMs);
      if (server === back) this.#picks[step]++;
    }
  }

  /** No server gets nearly all of some turns: that would be a claim pumped up while it ramped. */
  #watchBurst(worker: number, server: number): void {
    const recent = this.#recent[worker];
    recent[this.#recentCount[worker]++ % recent.length] = server;
    let same = 0;
    for (let i = 0; i < recent.length; i++) if (recent[i] === server) same++;
    this.#longest = Math.max(this.#longest, same);
    const isUp = this.#before.every((state) => state === "up");
    if (this.#recentCount[worker] < recent.length || !isUp) return;
    promise(
      same <= 2 * TURNS_WATCHED,
      `no burst: server ${server} got ${same} of ${recent.length} in a row`,
    );
  }

  conclude(world: BackendWorld): void {
    promise(this.#returns >= 3, `only ${this.#returns} returns were seen`);
    const final = 1 / this.serverCount;
    let before = 0;
    for (let step = 0; step < 2 * STEPS; step++) {
      const all = this.#all[step];
      if (all === 0) continue;
      const share = this.#picks[step] / all;
      const noise = 4 * Math.sqrt(final * (1 - final) / all);
      const told = `${this.#told()}; ${world.supervisor.told()}`;
      promise(share <= final + noise, `step ${step} is above the final share: ${told}`);
      promise(share >= before - 1.5 * noise, `step ${step} falls: ${told}`);
      const expected = this.#expected[step] / all;
      promise(
        Math.abs(share - expected) <= noise + 0.005,
        `step ${step}: ${share.toFixed(4)}, ${expected.toFixed(4)} expected: ${told}`,
      );
      before = share;
    }
  }

  #told(): string {
    return Array.from(this.#picks, (picks, step) => (100 * picks / this.#all[step]).toFixed(1))
      .join(" ");
  }

  figures(): string[] {
    return [
      `${this.#returns} returns; shares by tenths of slow start, and after: ${this.#told()} %`,
      ...this.takesTurns
        ? [`at most ${this.#longest} of ${this.serverCount * TURNS_WATCHED} picks in a row`]
        : [],
    ];
  }
}
