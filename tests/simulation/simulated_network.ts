/**
 * The world around the worker: clients that come and go, servers with their manners, time.
 *
 * Everything that is chance comes from the scene's seed. Peers are numbered from 1; the ring asks
 * here for what a kernel would find on the wire.
 */
import { ECONNREFUSED, EHOSTUNREACH } from "../../src/base/errno.ts";
import { Random } from "../../src/base/random.ts";
import { drawScript, Peer, type PeerScript } from "./peer.ts";
import { FIRST_PORT, type Scene, type ServerManner } from "./scene.ts";
import { connectEnds, type End } from "./simulated_connection.ts";

/** Far more than a peer needs to read what its socket holds. */
const SETTLE_STEPS_MAX = 10_000;

/** How a connect goes on: after a time an end or a negated errno; Infinity: no answer. */
export interface ConnectFate {
  readonly atMs: number;
  readonly errno: number;
}

export class SimulatedNetwork {
  nowMs = 1000;
  /** Our ends of connections that nobody has accepted yet. */
  readonly backlog: End[] = [];
  readonly clients: Peer[] = [];
  readonly servers: Peer[] = [];
  /** Connects refused, by fault or manners. */
  refusedConnects = 0;
  isListening = true;
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #startMs: number;
  #nextId = 1;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#random = new Random(scene.seed ^ 0x5eed);
    this.#startMs = this.nowMs;
  }

  get elapsedMs(): number {
    return this.nowMs - this.#startMs;
  }

  get isCalm(): boolean {
    return this.elapsedMs >= this.#scene.calmAtMs;
  }

  get hasFaults(): boolean {
    return this.#scene.faults && !this.isCalm;
  }

  /** Every client has come, and everybody is through. */
  get isOver(): boolean {
    return this.clients.length === this.#scene.clients &&
      this.clients.every((peer) => peer.isDone) && this.servers.every((peer) => peer.isDone);
  }

  step(): void {
    const due = Math.ceil(this.#scene.clients * this.elapsedMs / this.#scene.arrivalMs);
    while (this.clients.length < Math.min(due, this.#scene.clients)) this.#arrive();
    const calm = this.isCalm;
    for (const peer of this.clients) peer.step(calm);
    for (const peer of this.servers) peer.step(calm);
  }

  /** After the worker's end: peers see what is left for them to see. */
  settle(): void {
    this.nowMs = Math.max(this.nowMs, this.#startMs + this.#scene.calmAtMs);
    for (let step = 0; step < SETTLE_STEPS_MAX && !this.isOver; step++) this.step();
  }

  #arrive(): void {
    const [theirs, ours] = connectEnds(this.#scene.pipeBytes, this.#random);
    const client = this.#makePeer(theirs, { isDeaf: true, bytes: 100 });
    this.clients.push(client);
    if (this.isListening) this.backlog.push(ours);
    else {
      ours.lingers = true;
      ours.close();
    }
  }

  #makePeer(end: End, inFlood: Partial<PeerScript>): Peer {
    const { faults, flood, streamBytes, patient } = this.#scene;
    const script = drawScript(this.#random, streamBytes, faults, !patient);
    const loud = { isMute: false, isDeaf: false, vanishesAfter: -1, pieceMax: 65_536 };
    const chosen = flood ? { ...script, ...loud, ...inFlood } : script;
    return new Peer(this.#nextId++, end, chosen, new Random(this.#random.next()));
  }

  /** The listening socket is closed: who waits is reset. */
  stopListening(): void {
    this.isListening = false;
    for (const end of this.backlog.splice(0)) {
      end.lingers = true;
      end.close();
    }
  }

  /** What becomes of a connect to `port`. */
  drawFate(port: number): ConnectFate {
    const random = this.#random;
    let manner: ServerManner = this.#scene.manners[port - FIRST_PORT];
    if (manner === "flaky") {
      manner = (["accept", "refuse", "hang"] as const)[random.below(3)];
    }
    const atMs = this.nowMs + (random.oneIn(2) ? 0 : random.below(40));
    if (manner === "hang") return { atMs: Infinity, errno: 0 };
    if (manner === "accept") return { atMs, errno: 0 };
    this.refusedConnects++;
    return { atMs, errno: random.oneIn(4) ? EHOSTUNREACH : ECONNREFUSED };
  }

  /** Our end of a new connection to a server. */
  connect(): End {
    const [theirs, ours] = connectEnds(this.#scene.pipeBytes, this.#random);
    this.servers.push(this.#makePeer(theirs, { bytes: this.#scene.streamBytes, resetAfter: -1 }));
    return ours;
  }
}
