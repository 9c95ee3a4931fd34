/**
 * The TCP world around the worker: clients that come and go, servers with their manners.
 *
 * Everything that is chance comes from the scene's seed. Peers are numbered from 1; the ring asks
 * here for what a kernel would find on the wire.
 */
import { ECONNREFUSED, EHOSTUNREACH } from "../../src/base/errno.ts";
import { Random } from "../../src/base/random.ts";
import type { ListenerPlan } from "../../src/upstream/plan.ts";
import { drawOpening, type ListeningPlace, type Opening } from "./opening.ts";
import { drawScript, NO_OPENING, Peer, type PeerOpening, type PeerScript } from "./peer.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedClock } from "./simulated_clock.ts";
import { connectEnds, type End } from "./simulated_connection.ts";
import { StreamReader } from "./stream_reader.ts";
import type { ServerManner, ServerPlace, StreamScene } from "./stream_scene.ts";

/** Far more than a peer needs to read what its socket holds. */
const SETTLE_STEPS_MAX = 10_000;
/** A fresh socket takes a PROXY header whole, and an alert. */
const FRESH_SOCKET_BYTES = 1024;

/** How a connect goes on: after a time an end or a negated errno; Infinity: no answer. */
export interface ConnectFate {
  readonly atMs: number;
  readonly errno: number;
  readonly server: number;
}

export interface Client {
  readonly peer: Peer;
  readonly opening: Opening;
  readonly place: ListeningPlace;
  isAccepted: boolean;
}

/** A connection that arrived at a server. */
export interface Arrival {
  readonly peer: Peer;
  readonly place: ServerPlace;
  /** What the worker has bound its socket to; null: nothing. */
  readonly from: string | null;
}

export interface Waiting {
  readonly end: End;
  readonly client: Client;
}

export class StreamNetwork {
  readonly clients: Client[] = [];
  readonly arrivals: Arrival[] = [];
  /** By fd: our ends of connections that nobody has accepted yet; none when it is closed. */
  readonly backlogs = new Map<number, Waiting[]>();
  readonly #scene: Scene;
  readonly #streams: StreamScene;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  #nextId = 1;

  constructor(scene: Scene, streams: StreamScene, clock: SimulatedClock) {
    this.#scene = scene;
    this.#streams = streams;
    this.#clock = clock;
    this.#random = new Random(scene.seed ^ 0x5eed);
    for (const { fd } of streams.places) this.backlogs.set(fd, []);
  }

  /** Every client has come, and everybody is through. */
  get isOver(): boolean {
    return this.clients.length === this.#streams.clients &&
      this.clients.every(({ peer }) => peer.isDone) &&
      this.arrivals.every(({ peer }) => peer.isDone);
  }

  step(): void {
    const { clients, arrivalMs } = this.#streams;
    const due = Math.ceil(clients * this.#clock.elapsedMs / arrivalMs);
    while (this.clients.length < Math.min(due, clients)) this.#arrive();
    const calm = this.#clock.isCalm;
    for (const { peer } of this.clients) peer.step(calm);
    for (const { peer } of this.arrivals) peer.step(calm);
  }

  /** After the worker's end: peers see what is left for them to see. */
  settle(): void {
    for (let step = 0; step < SETTLE_STEPS_MAX && !this.isOver; step++) this.step();
  }

  #planOf(place: ListeningPlace): ListenerPlan {
    return this.#scene.plan.listeners[place.listener];
  }

  #arrive(): void {
    const { places } = this.#streams;
    const place = places[this.#random.below(places.length)];
    const plan = this.#planOf(place);
    const opening = drawOpening(this.#random, this.#nextId, plan, place);
    const { pipeBytes } = this.#streams;
    const there = Math.max(pipeBytes, opening.bytes.length === 0 ? 0 : opening.bytes.length + 1);
    const back = plan.protocol === "tls" ? Math.max(pipeBytes, FRESH_SOCKET_BYTES) : pipeBytes;
    const [theirs, ours] = connectEnds(there, back, this.#random);
    const peer = this.#makePeer(theirs, opening, null, { isDeaf: true, bytes: 100 });
    const client: Client = { peer, opening, place, isAccepted: false };
    this.clients.push(client);
    const backlog = this.backlogs.get(place.fd);
    if (backlog !== undefined) backlog.push({ end: ours, client });
    else {
      ours.lingers = true;
      ours.close();
    }
  }

  #makePeer(
    end: End,
    opening: PeerOpening,
    version: "v1" | "v2" | null,
    inFlood: Partial<PeerScript>,
  ): Peer {
    const { faults, patient, flood } = this.#scene;
    const { streamBytes } = this.#streams;
    const random = this.#random;
    const script = drawScript(random, streamBytes, opening.sentBytes, faults, !patient);
    const loud = { isMute: false, isDeaf: false, vanishesAfter: -1, pieceMax: 65_536 };
    const chosen = flood ? { ...script, ...loud, ...inFlood } : script;
    const reader = new StreamReader(this.#nextId++, version, (id) => this.#frontOf(id));
    return new Peer(end, chosen, opening, reader, new Random(random.next()));
  }

  /** What the other side sees of a peer's opening. */
  #frontOf(id: number): Uint8Array {
    const { opening } = this.findClient(id)?.peer ?? { opening: NO_OPENING };
    return opening.bytes.subarray(opening.headerBytes, opening.sentBytes);
  }

  findClient(id: number): Client | undefined {
    return this.clients.find(({ peer }) => peer.id === id);
  }

  /** A listening socket is closed: who waits is reset. */
  stopListening(fd: number): void {
    for (const { end } of this.backlogs.get(fd)!) {
      end.lingers = true;
      end.close();
    }
    this.backlogs.delete(fd);
  }

  /** What becomes of a connect to a server. */
  drawFate(server: number): ConnectFate {
    const random = this.#random;
    let manner: ServerManner = this.#streams.manners[server];
    if (manner === "flaky") {
      manner = (["accept", "refuse", "hang"] as const)[random.below(3)];
    }
    const atMs = this.#clock.nowMs + (random.oneIn(2) ? 0 : random.below(40));
    if (manner === "hang") return { atMs: Infinity, errno: 0, server };
    if (manner === "accept") return { atMs, errno: 0, server };
    return { atMs, errno: random.oneIn(4) ? EHOSTUNREACH : ECONNREFUSED, server };
  }

  /** Our end of a new connection to a server. */
  connect(server: number, from: string | null): End {
    const place = this.#streams.servers[server];
    const version = this.#scene.plan.backends[place.backend].proxyProtocol;
    const { pipeBytes, streamBytes } = this.#streams;
    const there = version === null ? pipeBytes : Math.max(pipeBytes, FRESH_SOCKET_BYTES);
    // Ours is the second end.
    const [theirs, ours] = connectEnds(pipeBytes, there, this.#random);
    const inFlood = { bytes: streamBytes, resetAfter: -1 };
    const peer = this.#makePeer(theirs, NO_OPENING, version, inFlood);
    this.arrivals.push({ peer, place, from });
    return ours;
  }
}
