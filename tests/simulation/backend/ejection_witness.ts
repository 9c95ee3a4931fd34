/**
 * Looks at the states of all servers after every tick: ejection takes out what is broken, and never
 * so much that a backend is emptied by it.
 */
import { promise } from "../promise.ts";
import { type BackendWorld, TICK_MS } from "./backend_world.ts";
import type { Fault } from "./fault.ts";
import type { Witness } from "./witness.ts";

export class EjectionWitness implements Witness {
  #before: readonly string[] = [];
  #ejections = 0;
  #most = 0;
  #downs = 0;
  readonly #sinceMs: Float64Array;
  #longestMs = 0;
  /** Resets by servers whose fault it is to reset, by fault. */
  readonly #resets = new Map<Fault, number>();
  #worstResets = 0;

  /** @param resetsMax connections that one fault may cost by being reset. */
  constructor(serverCount: number, readonly resetsMax = Infinity) {
    this.#sinceMs = new Float64Array(serverCount);
  }

  wasReset(world: BackendWorld, _slot: number, server: number): void {
    const fault = world.servers.faultOf(server);
    // In a panic it is tried on purpose.
    if (fault?.kind !== "reset" || world.supervisor.watch.isPanicking) return;
    const count = (this.#resets.get(fault) ?? 0) + 1;
    this.#resets.set(fault, count);
    this.#worstResets = Math.max(this.#worstResets, count);
    promise(
      count <= this.resetsMax,
      `server ${server}, which resets, is let have ${count} connections: ` +
        world.supervisor.told(),
    );
  }

  ticked(world: BackendWorld): void {
    const { servers, ejection } = world.scene.config;
    const states = world.supervisor.states();
    this.#watchEnds(world, states);
    if (states.every((state, i) => state === this.#before[i])) return;
    const counted = states.filter((state) => state !== "drain" && state !== "maint").length;
    const ejected = states.filter((state) => state === "ejected").length;
    const fresh = states.flatMap((state, i) =>
      state === "ejected" && this.#before[i] !== "ejected" ? [i] : []
    );
    states.forEach((state, i) => {
      if (state === "down" && this.#before[i] !== "down") this.#downs++;
    });
    this.#before = [...states];
    this.#most = Math.max(this.#most, ejected);
    if (fresh.length === 0) return;
    this.#ejections += fresh.length;
    promise(ejection !== null, "nobody is ejected where ejection is switched off");
    promise(counted > 1, "a single server is never ejected");
    const most = Math.floor(ejection.ejectedMax * counted + 1e-9);
    promise(ejected <= most, `${ejected} of ${counted} servers are ejected, at most ${most}`);
    const isAllBackups = servers.every(({ backup }) => backup);
    const isLeft = states.some((state, i) =>
      state === "up" && (isAllBackups || !servers[i].backup)
    );
    promise(isLeft, `the last server that is up is not ejected: ${states}`);
    for (const server of fresh) {
      const windowMs = ejection.windowMs + 1000;
      const isJust = world.scene.faults.some((fault) =>
        fault.server === server && fault.startMs <= world.nowMs &&
        world.nowMs < fault.endMs + windowMs
      );
      promise(isJust, `server ${server}, with which nothing was wrong, is ejected`);
    }
  }

  /** An ejection ends in time, and at once when nobody else is left. */
  #watchEnds(world: BackendWorld, states: readonly string[]): void {
    const { nowMs } = world;
    const isSomebodyUp = states.includes("up");
    states.forEach((state, i) => {
      if (state !== "ejected") {
        this.#sinceMs[i] = nowMs;
        return;
      }
      promise(isSomebodyUp, `nobody is up, and yet server ${i} is ejected: ${states}`);
      const lastsMs = nowMs - this.#sinceMs[i];
      this.#longestMs = Math.max(this.#longestMs, lastsMs);
      const mostMs = world.scene.config.ejection!.ejectMsMax + 2 * TICK_MS;
      promise(lastsMs <= mostMs, `server ${i} is ejected for ${lastsMs / 1000} s`);
    });
  }

  figures(): string[] {
    return [
      `${this.#ejections} ejections, ${this.#most} at a time, for ` +
      `${(this.#longestMs / 1000).toFixed(1)} s at most; ${this.#downs} downs; ` +
      `${this.#worstResets} resets in one fault at most`,
    ];
  }
}
