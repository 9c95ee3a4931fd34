/**
 * Remembers which server each key belongs to, and sees whose keys move: those of a server that
 * cannot be had, and no others; and all come back with it.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

export class KeyWitness implements Witness {
  /** By hash: the server while all are up. */
  readonly #home = new Map<number, number>();
  /** By server: clients of its keys that went elsewhere, by where to. */
  readonly #moved: Float64Array[];
  #away = 0;
  #kept = 0;
  #movedKeys = new Set<number>();

  constructor(readonly serverCount: number) {
    this.#moved = Array.from({ length: serverCount }, () => new Float64Array(serverCount));
  }

  tried(world: BackendWorld, slot: number, server: number): void {
    const { connections, supervisor } = world;
    if (connections.attempts[slot] > 1) return;
    const hash = connections.hash[slot];
    const states = supervisor.states();
    const home = this.#home.get(hash);
    if (home === undefined) {
      if (states.every((state) => state === "up")) this.#home.set(hash, server);
      return;
    }
    if (states[home] === "up") {
      this.#kept++;
      promise(
        server === home,
        `a key stays where it belongs: server ${home} is up, server ${server} got it; ` +
          supervisor.told(),
      );
      return;
    }
    this.#away++;
    this.#movedKeys.add(hash);
    this.#moved[home][server]++;
  }

  conclude(): void {
    promise(this.#away > 0, "some keys had to move");
    this.#moved.forEach((counts, home) => {
      const total = counts.reduce((sum, count) => sum + count, 0);
      // Enough keys for their spread to mean something.
      if (total < 2000) return;
      const share = 1 / (this.serverCount - 1);
      counts.forEach((count, server) => {
        if (server === home) return;
        promise(
          count < 2 * share * total,
          `keys of server ${home} spread over all others: ${counts}`,
        );
      });
    });
  }

  figures(): string[] {
    return [
      `${this.#home.size} keys: ${this.#kept} picks at home`,
      `${this.#movedKeys.size} keys moved with their server, for ${this.#away} picks; others 0`,
    ];
  }
}
