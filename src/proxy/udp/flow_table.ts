/**
 * The state of every UDP flow: struct of arrays, indexed by flow, and found by who sends where.
 *
 * A flow is what one client address sends to one listening socket, and to which local address of
 * it when the socket is bound to a wildcard. It has a server and a connected socket of its own.
 *
 *   FREE --open--> OPEN --close--> CLOSING --free, when the kernel is done with its fd--> FREE
 *
 * Only OPEN flows are found by their key: the next datagram of a client whose flow is CLOSING opens
 * another one. A slot's generation moves on when it is freed, so that a completion which names an
 * older one is recognised.
 *
 * Keys are chained in a table of heads by a keyed hash. Clients choose their addresses and ports,
 * but without the hash's key they cannot choose to collide: chains stay as short as chance makes
 * them. The stored hash is compared first, so a look at another flow's key is rare.
 *
 * This is state alone: which flow gives way when there is no room is what FlowBuckets answers, when
 * an idle one ends a TimerWheel of the caller's, and what becomes of fds the caller.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import type { Clock } from "../../connection/timer_wheel.ts";
import { isIpv4Words } from "../../net/ip_words.ts";
import { FLOW_BUCKET_BYTES, FlowBuckets } from "./flow_buckets.ts";

/** States of a flow. */
export const FREE = 0;
export const OPEN = 1;
export const CLOSING = 2;

/**
 * Flag: the client has sent something after something was sent to it. Who invents addresses does
 * not see answers, so it would have to send twice for each, with the server's pace between. The
 * other bits are the caller's.
 */
export const ESTABLISHED = 1;

/**
 * A key: the listening socket's number above the client's port; the client's address; the local
 * address, all zero unless the socket is bound to a wildcard.
 */
export const FLOW_KEY_WORDS = 9;
export const KEY_CLIENT = 1;
export const KEY_LOCAL = 5;

/** What a flow costs in all arrays; up to 4 more where the capacity is no power of two. */
export const FLOW_BYTES = 55 + FLOW_KEY_WORDS * 4 + 4 * 4 + FLOW_BUCKET_BYTES;

const GENERATION_MASK = (1 << 29) - 1;
const COUNT_MAX = 0xffffffff;
const NONE = -1;

/** A hash whose key strangers do not know; its 32 bits may come signed or unsigned. */
export interface WordHash {
  hashWords(words: Int32Array, at: number, count: number): number;
}

export class FlowTable {
  readonly capacity: number;

  readonly state: Uint8Array;
  readonly generation: Int32Array;
  /** FLOW_KEY_WORDS each. */
  readonly keyWords: Int32Array;
  /** The socket towards the server; -1 without one. */
  readonly fd: Int32Array;
  /** The server, numbered in its backend; -1 before one is chosen. */
  readonly server: Int16Array;
  readonly backend: Uint16Array;
  readonly listener: Uint16Array;
  /** The listening socket's number, as in the key. */
  readonly socket: Uint16Array;
  readonly flags: Uint16Array;
  /** Time of the last datagram either way, in milliseconds. */
  readonly activeMs: Float64Array;
  /** Datagrams from the client and to it; they stay at 2^32 - 1. */
  readonly requests: Uint32Array;
  readonly replies: Uint32Array;
  /** Where the server's and the listener's counters begin in the worker's row. */
  readonly serverAt: Int32Array;
  readonly listenerAt: Int32Array;
  /** What the balancing policy goes by. */
  readonly clientHash: Int32Array;
  /** Where FlowJournal keeps the last datagram to the server; -1 is nowhere. */
  readonly journalAt: Float64Array;

  readonly #clock: Clock;
  readonly #hash: WordHash;
  readonly #buckets: FlowBuckets;
  /** First flow of each chain, by the lowest bits of the key's hash. */
  readonly #heads: Int32Array;
  readonly #headMask: number;
  readonly #next: Int32Array;
  readonly #keyHash: Int32Array;
  /** Where words are put together to be hashed. */
  readonly #hashed = new Int32Array(3);
  readonly #freeSlots: Int32Array;
  #freeCount: number;

  constructor(capacity: number, listenerCount: number, clock: Clock, hash: WordHash) {
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.generation = new Int32Array(capacity);
    this.keyWords = new Int32Array(capacity * FLOW_KEY_WORDS);
    this.fd = new Int32Array(capacity);
    this.server = new Int16Array(capacity);
    this.backend = new Uint16Array(capacity);
    this.listener = new Uint16Array(capacity);
    this.socket = new Uint16Array(capacity);
    this.flags = new Uint16Array(capacity);
    this.activeMs = new Float64Array(capacity);
    this.requests = new Uint32Array(capacity);
    this.replies = new Uint32Array(capacity);
    this.serverAt = new Int32Array(capacity);
    this.listenerAt = new Int32Array(capacity);
    this.clientHash = new Int32Array(capacity);
    this.journalAt = new Float64Array(capacity);
    this.#clock = clock;
    this.#hash = hash;
    this.#buckets = new FlowBuckets(this.activeMs, listenerCount);
    let headCount = 1;
    while (headCount < capacity) headCount *= 2;
    this.#heads = new Int32Array(headCount).fill(NONE);
    this.#headMask = headCount - 1;
    this.#next = new Int32Array(capacity);
    this.#keyHash = new Int32Array(capacity);
    this.#freeSlots = new Int32Array(capacity);
    this.#freeCount = capacity;
    // The lowest slots are taken first and reused soonest: few pages are ever touched.
    for (let i = 0; i < capacity; i++) this.#freeSlots[i] = capacity - 1 - i;
  }

  /** Flows that are OPEN. */
  get openCount(): number {
    return this.#buckets.count;
  }

  openCountOf(listener: number): number {
    return this.#buckets.countOf(listener);
  }

  /** Slots that are FREE; those CLOSING are neither free nor open. */
  get freeCount(): number {
    return this.#freeCount;
  }

  // ---- Key --------------------------------------------------------------------------------

  /** The OPEN flow whose key is the first FLOW_KEY_WORDS of `probe`, or -1. */
  find(probe: Int32Array): number {
    const hash = this.#hashKey(probe);
    let flow = this.#heads[hash & this.#headMask];
    while (flow !== NONE) {
      if (this.#keyHash[flow] === hash && this.#hasKey(flow, probe)) return flow;
      flow = this.#next[flow];
    }
    return NONE;
  }

  /**
   * Of IPv4 only the words that differ: two thirds of a look-up are hashing. A local address is
   * ours, of a known form, so that what is left out cannot be chosen to collide.
   */
  #hashKey(probe: Int32Array): number {
    if (!isIpv4Words(probe, KEY_CLIENT)) {
      return this.#hash.hashWords(probe, 0, FLOW_KEY_WORDS) | 0;
    }
    const words = this.#hashed;
    words[0] = probe[0];
    words[1] = probe[KEY_CLIENT + 3];
    words[2] = probe[KEY_LOCAL + 3];
    return this.#hash.hashWords(words, 0, 3) | 0;
  }

  #hasKey(flow: number, probe: Int32Array): boolean {
    const words = this.keyWords;
    const at = flow * FLOW_KEY_WORDS;
    for (let i = 0; i < FLOW_KEY_WORDS; i++) {
      if (words[at + i] !== probe[i]) return false;
    }
    return true;
  }

  clientPort(flow: number): number {
    return this.keyWords[flow * FLOW_KEY_WORDS] & 0xffff;
  }

  // ---- Life -------------------------------------------------------------------------------

  /** Takes a slot for a key that was not found; the caller has seen to it that one is free. */
  open(probe: Int32Array, listener: number): number {
    assert(this.#freeCount > 0, "room is made before a flow is opened");
    const flow = this.#freeSlots[--this.#freeCount];
    assert(this.state[flow] === FREE, "a free slot is free");
    this.state[flow] = OPEN;
    this.listener[flow] = listener;
    this.socket[flow] = probe[0] >>> 16;
    this.fd[flow] = -1;
    this.server[flow] = -1;
    this.backend[flow] = 0;
    this.flags[flow] = 0;
    this.activeMs[flow] = this.#clock.nowMs;
    this.requests[flow] = 0;
    this.replies[flow] = 0;
    this.serverAt[flow] = 0;
    this.listenerAt[flow] = 0;
    this.clientHash[flow] = 0;
    this.journalAt[flow] = -1;
    const at = flow * FLOW_KEY_WORDS;
    for (let i = 0; i < FLOW_KEY_WORDS; i++) this.keyWords[at + i] = probe[i];
    const hash = this.#hashKey(probe);
    this.#keyHash[flow] = hash;
    this.#next[flow] = this.#heads[hash & this.#headMask];
    this.#heads[hash & this.#headMask] = flow;
    this.#buckets.add(flow, listener, this.#hashNetwork(probe));
    return flow;
  }

  /** A /24 of IPv4 or a /48 of IPv6: what one party usually has the whole of. */
  #hashNetwork(probe: Int32Array): number {
    const words = this.#hashed;
    if (isIpv4Words(probe, KEY_CLIENT)) {
      words[0] = probe[KEY_CLIENT + 2];
      words[1] = probe[KEY_CLIENT + 3] >>> 8;
    } else {
      words[0] = probe[KEY_CLIENT];
      words[1] = probe[KEY_CLIENT + 1] & 0xffff0000;
    }
    return this.#hash.hashWords(words, 0, 2) | 0;
  }

  /** OPEN to CLOSING: it is not found any more, nor is it a victim. */
  close(flow: number): void {
    assert(this.state[flow] === OPEN, "a flow is closed once");
    this.state[flow] = CLOSING;
    this.#buckets.remove(flow);
    const head = this.#keyHash[flow] & this.#headMask;
    const after = this.#next[flow];
    let each = this.#heads[head];
    if (each === flow) {
      this.#heads[head] = after;
      return;
    }
    while (this.#next[each] !== flow) {
      each = this.#next[each];
      assert(each !== NONE, "an open flow stands in the chain of its key");
    }
    this.#next[each] = after;
  }

  /** CLOSING to FREE, when the kernel is done with it. */
  free(flow: number): void {
    assert(
      this.state[flow] === CLOSING,
      "a flow is closed before its slot is free, and freed once",
    );
    this.state[flow] = FREE;
    this.generation[flow] = (this.generation[flow] + 1) & GENERATION_MASK;
    this.#freeSlots[this.#freeCount++] = flow;
  }

  // ---- Datagrams --------------------------------------------------------------------------

  /** A datagram passed, either way. */
  touch(flow: number): void {
    assert(this.state[flow] === OPEN, "datagrams pass while a flow is open");
    this.activeMs[flow] = this.#clock.nowMs;
    this.#buckets.touch(flow);
  }

  /** Counts a datagram of the client. */
  onRequest(flow: number): void {
    assert(this.state[flow] === OPEN, "requests find open flows only");
    if (this.requests[flow] < COUNT_MAX) this.requests[flow]++;
    if (this.replies[flow] === 0 || (this.flags[flow] & ESTABLISHED) !== 0) return;
    this.flags[flow] |= ESTABLISHED;
    this.#buckets.establish(flow);
  }

  /** Counts a datagram that was sent to the client; also of a flow that is CLOSING by now. */
  onReply(flow: number): void {
    if (this.replies[flow] < COUNT_MAX) this.replies[flow]++;
  }

  /** Whether every request had its `responses` replies; never when that is 0. */
  isFinished(flow: number, responses: number): boolean {
    return responses > 0 && this.replies[flow] >= this.requests[flow] * responses;
  }

  /** Replies that are still awaited; none when `responses` is 0, for nobody knows how many. */
  remaining(flow: number, responses: number): number {
    const awaited = this.requests[flow] * responses - this.replies[flow];
    return awaited > 0 ? awaited : 0;
  }

  // ---- Room -------------------------------------------------------------------------------

  /** The flow of a listener that has to go when it is at its cap; -1 without any. */
  victim(listener: number): number {
    return this.#buckets.victim(listener);
  }

  /** The flow that has to go when the table is full, or fds have run out; -1 without any. */
  victimOfAll(): number {
    return this.#buckets.victimOfAll();
  }
}
