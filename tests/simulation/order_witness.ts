/**
 * Looks whether the worker carries out what it is told to close and to move: what was open to a
 * server that had to be closed is not any more after that turn, and of a server's connections as
 * many as were asked for are ended, those that are quiet and no others, with a FIN.
 */
import * as tunnel from "../../src/connection/tunnels.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { OPEN as FLOW_OPEN } from "../../src/proxy/udp/flow_table.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { promise } from "./promise.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { End } from "./simulated_connection.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

/** A tunnel or flow as it was before a turn. */
interface Before {
  readonly slot: number;
  readonly generation: number;
  /** Of its peers. */
  readonly ends: readonly End[];
}

/** In flags of an endpoint: bytes of it wait, in its socket or here. */
const HELD = tunnel.POLLING | tunnel.PAUSED | tunnel.GATED;

/**
 * A connect that has succeeded when the order comes, and whose completion is not seen yet, is over
 * for the kernel: no cancel meets it, and it becomes a connection to the closed server.
 */
const SPARES_CONNECTS = true;

export class OrderWitness {
  /** What was met; for telling that it was. */
  closed = 0;
  moved = 0;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #board: PublishedBoard;
  readonly #row: Float64Array;
  #flows: Before[] = [];
  #opened: Before[] = [];
  #connecting: (Before & { readonly attempts: number })[] = [];
  /** Of each order to move: those that may be, and those that may not. */
  #quiet = new Map<number, Before[]>();
  #busy: Before[] = [];
  #idleTimeouts = 0;

  constructor(worker: Worker, ring: SimulatedRing, board: PublishedBoard, row: Float64Array) {
    this.#worker = worker;
    this.#ring = ring;
    this.#board = board;
    this.#row = row;
  }

  // ---- Before -------------------------------------------------------------------------------

  beginTurn(): void {
    this.#opened = [];
    this.#flows = [];
    this.#busy = [];
    this.#quiet = new Map();
    const { closed, moved } = this.#board;
    for (const server of closed) this.#noteClosed(server);
    for (const { server } of moved) if (!closed.includes(server)) this.#noteMoved(server);
    this.#idleTimeouts = this.#countTimeouts();
  }

  /** Slots of tunnels that have to do with a server, in a state. */
  #tunnelsAt(number: number, state: number): Before[] {
    const { backend, index } = this.#board.servers[number];
    const { tunnels } = this.#worker.tcp;
    const found: Before[] = [];
    for (let slot = 0; slot < tunnels.capacity; slot++) {
      if (tunnels.state[slot] !== state) continue;
      if (tunnels.backend[slot] !== backend || tunnels.server[slot] !== index) continue;
      found.push({ slot, generation: tunnels.generation[slot], ends: this.#peersOf(slot) });
    }
    return found;
  }

  #peersOf(slot: number): End[] {
    return [slot * 2, slot * 2 + 1].flatMap((endpoint) => {
      const { end } = this.#ring.sockets.stream(this.#worker.tcp.tunnels.fd[endpoint]);
      return end === null ? [] : [end.other];
    });
  }

  #noteClosed(number: number): void {
    const { tunnels } = this.#worker.tcp;
    const open = this.#tunnelsAt(number, tunnel.OPEN);
    this.#opened.push(...open);
    this.closed += open.length;
    for (const each of open) spare(each);
    for (const each of this.#tunnelsAt(number, tunnel.CONNECTING)) {
      this.#connecting.push({ ...each, attempts: tunnels.attempts[each.slot] });
    }
    const { backend, index } = this.#board.servers[number];
    const { flows } = this.#worker.udp;
    for (let slot = 0; slot < flows.capacity; slot++) {
      if (flows.state[slot] !== FLOW_OPEN) continue;
      if (flows.backend[slot] !== backend || flows.server[slot] !== index) continue;
      this.#flows.push({ slot, generation: flows.generation[slot], ends: [] });
    }
  }

  #noteMoved(number: number): void {
    const { tunnels } = this.#worker.tcp;
    const open = this.#tunnelsAt(number, tunnel.OPEN);
    const isQuiet = ({ slot }: Before) =>
      [slot * 2, slot * 2 + 1].every((endpoint) =>
        tunnels.sending[endpoint] < 0 && (tunnels.flags[endpoint] & HELD) === 0
      );
    this.#quiet.set(number, open.filter(isQuiet));
    this.#busy.push(...open.filter((each) => !isQuiet(each)));
  }

  #countTimeouts(): number {
    return this.#row[metric.IDLE_TIMEOUTS] + this.#row[metric.HALF_CLOSE_TIMEOUTS];
  }

  // ---- After --------------------------------------------------------------------------------

  endTurn(): void {
    const { tunnels } = this.#worker.tcp;
    const { flows } = this.#worker.udp;
    for (const { slot, generation } of this.#opened) {
      const isOpen = tunnels.state[slot] === tunnel.OPEN &&
        tunnels.generation[slot] === generation;
      promise(!isOpen, "nothing stays open to a server that had to be closed");
    }
    for (const { slot, generation } of this.#flows) {
      const isOpen = flows.state[slot] === FLOW_OPEN && flows.generation[slot] === generation;
      promise(!isOpen, "no flow goes on to a server that had to be closed");
    }
    this.#checkConnecting();
    this.#checkMoved();
  }

  #checkConnecting(): void {
    const { tunnels } = this.#worker.tcp;
    this.#connecting = this.#connecting.filter(({ slot, generation, attempts }) => {
      const isSame = tunnels.generation[slot] === generation &&
        tunnels.attempts[slot] === attempts;
      const isOpen = isSame && tunnels.state[slot] === tunnel.OPEN;
      promise(!isOpen || SPARES_CONNECTS, "no connect ends at a server that had to be closed");
      return isSame && tunnels.state[slot] === tunnel.CONNECTING;
    });
  }

  /** Ended with a FIN although neither peer has ended; null: nobody can tell. */
  #isMoved({ slot, generation }: Before): boolean | null {
    const { tunnels } = this.#worker.tcp;
    const state = tunnels.state[slot];
    const isReused = tunnels.generation[slot] !== generation && state !== tunnel.FREE;
    if (isReused || this.#countTimeouts() !== this.#idleTimeouts) return null;
    if (state !== tunnel.CLOSING && state !== tunnel.FREE) return false;
    const flags = tunnels.flags[slot * 2] & tunnels.flags[slot * 2 + 1];
    return tunnels.resets[slot] === 0 && (flags & tunnel.ENDED) === 0;
  }

  #checkMoved(): void {
    for (const { server, count } of this.#board.moved) {
      const quiet = this.#quiet.get(server);
      if (quiet === undefined) continue;
      const moved = quiet.filter((each) => this.#isMoved(each) === true).length;
      const unknown = quiet.filter((each) => this.#isMoved(each) === null).length;
      const due = Math.min(count, quiet.length);
      const isRight = moved <= due && moved + unknown >= due;
      promise(isRight, `${due} of ${quiet.length} quiet connections are moved, not ${moved}`);
      this.moved += moved;
      for (const each of quiet) if (this.#isMoved(each) !== false) spare(each);
    }
    for (const each of this.#busy) {
      promise(this.#isMoved(each) !== true, "no connection is moved that is not quiet");
    }
  }
}

/** What the peers of a tunnel see of each other may be cut short. */
function spare({ ends }: Before): void {
  for (const end of ends) end.isOrdered = true;
}
