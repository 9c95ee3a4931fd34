/**
 * The state of every tunnel: struct of arrays, indexed by tunnel, or by endpoint.
 *
 * A tunnel is two connections copied blindly into each other. Its two endpoints are 2t (towards
 * the client) and 2t + 1 (towards the server), so the other side of endpoint e is e ^ 1 and its
 * tunnel is e >> 1. "Reading e" means: receiving from e, queueing for e ^ 1.
 *
 *   FREE --accept--> (WAITING) --room--> (READING) --understood--> (QUEUED) --place-->
 *     CONNECTING --connected--> OPEN
 *
 *   WAITING: its listener is at its limit. READING: its first bytes say who or what it wants.
 *   QUEUED: no server has a place for it. CONNECTING goes on with the next one when one fails.
 *   From any of them: --end, refusal--> CLOSING --last completion--> FREE
 *
 * A slot is freed only when no operation of it is in flight, and its generation then moves on: a
 * completion that names an older generation is a bug that is counted, not bytes for a stranger.
 * A tunnel costs the 165 bytes of these arrays; pages of slots never used stay untouched.
 */
import { assert } from "../base/assert.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import { IP_WORDS } from "../net/ip_words.ts";

/** States of a tunnel. */
export const FREE = 0;
/** Accepted, but its listener is at its limit: it waits without a server. */
export const WAITING = 1;
export const CONNECTING = 2;
export const OPEN = 3;
export const CLOSING = 4;
/** Accepted, and its first bytes are looked at: a PROXY header, a ClientHello. */
export const READING = 5;
/** It stands in a line until a server has a place. */
export const QUEUED = 6;

/** Bits of an endpoint: the operations in flight on its fd ... */
export const RECEIVING = 1;
export const SENDING = 2;
export const POLLING = 4;
export const IN_CONNECT = 8;
export const IN_FLIGHT = RECEIVING | SENDING | POLLING | IN_CONNECT;
/** ... and what has happened: its peer ended its half (FIN received), */
export const ENDED = 16;
/** the send in flight is one that ends within the turn that submits it (Ring.sendNow), */
export const SENDING_NOW = 32;
/** reading it waits until its destination's queue has drained, */
export const PAUSED = 64;
/** reading it goes through the gated lane, */
export const GATED = 128;
/** the turn under way submits that send: it is over unless a completion says otherwise, */
export const SETTLING = 256;
/** it stands in the relay's list of sends that are not settled, */
export const LISTED = 512;
/** how long it takes to answer is measured, */
export const MEASURED = 1024;
/** it has been sent something that it has not answered yet, */
export const ASKED = 2048;
/** its server gets nothing any more: the connect under way is not wanted. */
export const WITHDRAWN = 4096;

const GENERATION_MASK = (1 << 29) - 1;

export class Tunnels {
  readonly capacity: number;
  /** Slots that are not FREE. */
  openCount = 0;

  // Per tunnel.
  readonly state: Uint8Array;
  readonly generation: Int32Array;
  /** Time of the last byte either way, and how long silence may last; milliseconds. */
  readonly activeMs: Float64Array;
  readonly idleTimeoutMs: Int32Array;
  readonly halfCloseTimeoutMs: Int32Array;
  readonly listener: Uint16Array;
  /** Where it goes; -1 before that is known. */
  readonly backend: Int16Array;
  /** The client: 4 words (net/ip_words.ts) and port; port -1 is a client without an address. */
  readonly client: Int32Array;
  readonly clientPort: Int32Array;
  /** What the client connected to, likewise; port -1: as the socket has it. */
  readonly target: Int32Array;
  readonly targetPort: Int32Array;
  /** Whether the limit per client has counted it. */
  readonly isCounted: Uint8Array;
  /** Which servers of the backend it may have. */
  readonly subset: Uint16Array;
  /** The server it talks to, numbered in its backend; -1 before one is chosen. */
  readonly server: Int16Array;
  readonly clientHash: Int32Array;
  /** Servers tried so far: `attempts` entries of ATTEMPTS_MAX each. */
  readonly attempts: Uint8Array;
  readonly tried: Int16Array;
  /** Where the listener's and the server's counters begin in the worker's row. */
  readonly listenerAt: Int32Array;
  readonly serverAt: Int32Array;
  readonly resets: Uint8Array;
  /** Whether its server reset it while the client still wanted something. */
  readonly isBroken: Uint8Array;
  /** When an endpoint that is MEASURED was sent what it has not answered yet. */
  readonly askedMs: Float64Array;

  // Per endpoint.
  readonly fd: Int32Array;
  readonly flags: Uint16Array;
  /** The buffer being sent to the endpoint, and those that wait behind it; -1 is none. */
  readonly sending: Int32Array;
  readonly queueHead: Int32Array;
  readonly queueTail: Int32Array;
  /** Bytes in the queue, without those being sent. */
  readonly queueBytes: Int32Array;

  readonly #freeSlots: Int32Array;
  #freeCount: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.generation = new Int32Array(capacity);
    this.activeMs = new Float64Array(capacity);
    this.idleTimeoutMs = new Int32Array(capacity);
    this.halfCloseTimeoutMs = new Int32Array(capacity);
    this.listener = new Uint16Array(capacity);
    this.backend = new Int16Array(capacity);
    this.client = new Int32Array(capacity * IP_WORDS);
    this.clientPort = new Int32Array(capacity);
    this.target = new Int32Array(capacity * IP_WORDS);
    this.targetPort = new Int32Array(capacity);
    this.isCounted = new Uint8Array(capacity);
    this.subset = new Uint16Array(capacity);
    this.server = new Int16Array(capacity);
    this.clientHash = new Int32Array(capacity);
    this.attempts = new Uint8Array(capacity);
    this.tried = new Int16Array(capacity * ATTEMPTS_MAX);
    this.listenerAt = new Int32Array(capacity);
    this.serverAt = new Int32Array(capacity);
    this.resets = new Uint8Array(capacity);
    this.isBroken = new Uint8Array(capacity);
    this.askedMs = new Float64Array(capacity);
    this.fd = new Int32Array(capacity * 2);
    this.flags = new Uint16Array(capacity * 2);
    this.sending = new Int32Array(capacity * 2);
    this.queueHead = new Int32Array(capacity * 2);
    this.queueTail = new Int32Array(capacity * 2);
    this.queueBytes = new Int32Array(capacity * 2);
    this.#freeSlots = new Int32Array(capacity);
    this.#freeCount = capacity;
    // The lowest slots are taken first and reused soonest: few pages are ever touched.
    for (let i = 0; i < capacity; i++) this.#freeSlots[i] = capacity - 1 - i;
  }

  /** Takes a slot for an accepted client; the caller has checked that there is one. */
  open(clientFd: number): number {
    assert(this.#freeCount > 0, "accepts are armed only for slots that are free");
    const tunnel = this.#freeSlots[--this.#freeCount];
    assert(this.state[tunnel] === FREE, "a free slot is free");
    this.openCount++;
    this.attempts[tunnel] = 0;
    this.server[tunnel] = -1;
    this.backend[tunnel] = -1;
    this.targetPort[tunnel] = -1;
    this.isCounted[tunnel] = 0;
    this.resets[tunnel] = 0;
    this.isBroken[tunnel] = 0;
    for (let endpoint = tunnel * 2; endpoint <= tunnel * 2 + 1; endpoint++) {
      this.flags[endpoint] = 0;
      this.sending[endpoint] = -1;
      this.queueHead[endpoint] = -1;
      this.queueTail[endpoint] = -1;
      this.queueBytes[endpoint] = 0;
    }
    this.fd[tunnel * 2] = clientFd;
    this.fd[tunnel * 2 + 1] = -1;
    return tunnel;
  }

  free(tunnel: number): void {
    assert(this.state[tunnel] !== FREE, "a slot is freed once");
    assert(!this.inFlight(tunnel), "the kernel is done with a slot before it is freed");
    this.state[tunnel] = FREE;
    this.generation[tunnel] = (this.generation[tunnel] + 1) & GENERATION_MASK;
    this.#freeSlots[this.#freeCount++] = tunnel;
    this.openCount--;
  }

  inFlight(tunnel: number): boolean {
    return ((this.flags[tunnel * 2] | this.flags[tunnel * 2 + 1]) & IN_FLIGHT) !== 0;
  }

  get freeCount(): number {
    return this.#freeCount;
  }
}
