/**
 * Counts first picks by group of preference, and compares with what the groups should get by the
 * servers that are up in each; and sees that backups get everything when nobody else is up, and
 * nothing before. The rule is written down a second time here, in its plainest form.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

/** A group takes so many times the share of its servers that are up. */
const OVERPROVISION = 1.4;

export class TierWitness implements Witness {
  readonly #picks: Float64Array;
  readonly #expected: Float64Array;
  #variance = 0;
  #total = 0;
  #onBackups = 0;
  #mixes = 0;
  #loads: number[] = [];

  /** @param groups of each server; -1: it is a backup. */
  constructor(readonly groups: readonly number[]) {
    const count = Math.max(...groups) + 1;
    this.#picks = new Float64Array(count);
    this.#expected = new Float64Array(count);
  }

  ticked(world: BackendWorld): void {
    const loads = this.#loadsOf(world.supervisor.states());
    const isNew = loads.some((load, group) => load !== this.#loads[group]);
    if (isNew && loads.filter((load) => load > 0).length > 1) this.#mixes++;
    this.#loads = loads;
  }

  /** By group. All zero: only backups are left. */
  #loadsOf(states: readonly string[]): number[] {
    const loads: number[] = [];
    let rest = 1;
    for (let group = 0; group < this.#picks.length; group++) {
      const members = states.filter((_, i) => this.groups[i] === group);
      const up = members.filter((state) => state === "up").length;
      loads.push(Math.min(rest, OVERPROVISION * up / members.length));
      rest -= loads[group];
    }
    const sum = loads.reduce((all, load) => all + load, 0);
    return sum === 0 ? loads : loads.map((load) => load / sum);
  }

  tried(world: BackendWorld, slot: number, server: number): void {
    // A retry goes to whoever is left, a backup if need be.
    if (world.connections.attempts[slot] > 1) return;
    const states = world.supervisor.states();
    const loads = this.#loadsOf(states);
    const isUp = loads.some((load) => load > 0);
    const group = this.groups[server];
    if (group < 0) {
      promise(!isUp, `backup ${server} is used though others are up: ${states}`);
      this.#onBackups++;
      return;
    }
    // Without any backup there may be a panic, which is another matter.
    if (world.supervisor.watch.isPanicking) return;
    promise(isUp, `server ${server} is used in place of a backup: ${states}`);
    this.#picks[group]++;
    this.#total++;
    loads.forEach((load, i) => {
      this.#expected[i] += load;
      this.#variance += load * (1 - load);
    });
  }

  conclude(): void {
    promise(this.#mixes > 2, `only ${this.#mixes} times were several groups in use`);
    const noise = 5 * Math.sqrt(this.#variance) + 1;
    this.#picks.forEach((picks, group) => {
      promise(
        Math.abs(picks - this.#expected[group]) <= noise,
        `group ${group} got ${picks} of ${this.#total} picks, ` +
          `${this.#expected[group].toFixed(0)} +- ${noise.toFixed(0)} expected`,
      );
    });
  }

  figures(): string[] {
    const groups = Array.from(this.#picks, (picks, group) => {
      return `${picks} (${this.#expected[group].toFixed(0)} expected)`;
    });
    return [
      `picks by priority: ${groups.join(", ")}; ${this.#onBackups} by backups; ` +
      `${this.#mixes} times shared by several`,
    ];
  }
}
