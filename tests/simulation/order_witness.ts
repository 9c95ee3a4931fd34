/**
 * Looks whether the worker carries out what it is told to close and to move: what was open to a
 * server that had to be closed is not any more after that turn, no connect to it becomes a
 * connection, and of a server's connections as many as were asked for are ended, those that rest
 * and no others.
 */
import * as tunnel from "../../src/connection/tunnels.ts";
import { QUIET_MS } from "../../src/limits.ts";
import { OPEN as FLOW_OPEN } from "../../src/proxy/udp/flow_table.ts";
import type { Worker } from "../../src/worker/worker.ts";
import type { ChoiceWitness } from "./choice_witness.ts";
import { promise } from "./promise.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { End } from "./simulated_connection.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

/** A tunnel or flow as it was before. */
interface Before {
  readonly slot: number;
  readonly generation: number;
}

/** Flags of an endpoint: bytes of it wait, or are waited for, or the one half has ended. */
const BUSY = tunnel.POLLING | tunnel.PAUSED | tunnel.GATED | tunnel.ENDED | tunnel.ASKED;

export class OrderWitness {
  /** What was met; for telling that it was. */
  closed = 0;
  withdrawn = 0;
  moved = 0;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #board: PublishedBoard;
  readonly #choices: ChoiceWitness;
  #flows: Before[] = [];
  #opened: Before[] = [];
  #connecting: (Before & { readonly connects: number })[] = [];
  /** Orders to move that were carried out in this turn. */
  #moves: { server: number; count: number }[] = [];

  constructor(worker: Worker, ring: SimulatedRing, board: PublishedBoard, choices: ChoiceWitness) {
    this.#worker = worker;
    this.#ring = ring;
    this.#board = board;
    this.#choices = choices;
    const moveFrom = worker.tcp.moveFrom.bind(worker.tcp);
    worker.tcp.moveFrom = (backend, server, count) => {
      const number = board.numberOf(backend, server);
      this.#moves.push({ server: number, count });
      this.#checkMoves(number, count, () => moveFrom(backend, server, count));
    };
  }

  /** Slots of tunnels that have to do with a server, in a state. */
  #tunnelsAt(number: number, state: number): Before[] {
    const { backend, index } = this.#board.servers[number];
    const { tunnels } = this.#worker.tcp;
    const found: Before[] = [];
    for (let slot = 0; slot < tunnels.capacity; slot++) {
      if (tunnels.state[slot] !== state) continue;
      if (tunnels.backend[slot] !== backend || tunnels.server[slot] !== index) continue;
      found.push({ slot, generation: tunnels.generation[slot] });
    }
    return found;
  }

  #isOpen({ slot, generation }: Before): boolean {
    const { tunnels } = this.#worker.tcp;
    return tunnels.state[slot] === tunnel.OPEN && tunnels.generation[slot] === generation;
  }

  /** The ends of a tunnel's peers. */
  #peersOf(slot: number): End[] {
    return [slot * 2, slot * 2 + 1].flatMap((endpoint) => {
      const { end } = this.#ring.sockets.stream(this.#worker.tcp.tunnels.fd[endpoint]);
      return end === null ? [] : [end.other];
    });
  }

  // ---- Closing ------------------------------------------------------------------------------

  beginTurn(): void {
    this.#opened = [];
    this.#flows = [];
    this.#moves = [];
    for (const server of this.#board.closed) this.#noteClosed(server);
  }

  #noteClosed(number: number): void {
    const open = this.#tunnelsAt(number, tunnel.OPEN);
    this.#opened.push(...open);
    this.closed += open.length;
    for (const { slot } of open) spare(this.#peersOf(slot));
    for (const each of this.#tunnelsAt(number, tunnel.CONNECTING)) {
      this.#connecting.push({ ...each, connects: this.#choices.connectsOf(each.slot) });
      this.withdrawn++;
    }
    const { backend, index } = this.#board.servers[number];
    const { flows } = this.#worker.udp;
    for (let slot = 0; slot < flows.capacity; slot++) {
      if (flows.state[slot] !== FLOW_OPEN) continue;
      if (flows.backend[slot] !== backend || flows.server[slot] !== index) continue;
      this.#flows.push({ slot, generation: flows.generation[slot] });
    }
  }

  endTurn(): void {
    const { flows } = this.#worker.udp;
    const isLeft = this.#opened.some((each) => this.#isOpen(each));
    promise(!isLeft, "nothing stays open to a server that had to be closed");
    for (const { slot, generation } of this.#flows) {
      const isOpen = flows.state[slot] === FLOW_OPEN && flows.generation[slot] === generation;
      promise(!isOpen, "no flow goes on to a server that had to be closed");
    }
    this.#checkConnecting();
    const told = (orders: readonly { server: number; count: number }[]) =>
      orders.map(({ server, count }) => `${count} from ${server}`).join();
    const [due, done] = [told(this.#board.moved), told(this.#moves)];
    promise(due === done, `what is moved is what was ordered: ${due}; not ${done}`);
  }

  #checkConnecting(): void {
    const { tunnels } = this.#worker.tcp;
    this.#connecting = this.#connecting.filter((each) => {
      const { slot, generation, connects } = each;
      const isSame = tunnels.generation[slot] === generation &&
        this.#choices.connectsOf(slot) === connects;
      promise(!isSame || !this.#isOpen(each), "no connect ends at a server that had to be closed");
      return isSame && tunnels.state[slot] === tunnel.CONNECTING;
    });
  }

  // ---- Moving -------------------------------------------------------------------------------

  #isQuiet(slot: number): boolean {
    const { tunnels } = this.#worker.tcp;
    return tunnels.activeMs[slot] < this.#ring.nowMs - QUIET_MS &&
      [slot * 2, slot * 2 + 1].every((endpoint) =>
        tunnels.sending[endpoint] < 0 && (tunnels.flags[endpoint] & BUSY) === 0
      );
  }

  #checkMoves(server: number, count: number, move: () => void): void {
    const open = this.#tunnelsAt(server, tunnel.OPEN);
    const quiet = open.filter(({ slot }) => this.#isQuiet(slot));
    const peers = new Map(open.map((each) => [each, this.#peersOf(each.slot)]));
    move();
    const moved = open.filter((each) => !this.#isOpen(each));
    const due = Math.min(count, quiet.length);
    const isRight = moved.length === due && moved.every((each) => quiet.includes(each));
    promise(isRight, `${due} of ${quiet.length} quiet connections are moved, not ${moved.length}`);
    this.moved += moved.length;
    for (const each of moved) spare(peers.get(each)!);
  }
}

/** What peers see of each other may be cut short. */
function spare(ends: readonly End[]): void {
  for (const end of ends) end.isOrdered = true;
}
