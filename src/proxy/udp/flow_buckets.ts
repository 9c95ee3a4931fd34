/**
 * Who has to go when there is no room for another flow: every open flow in order of last use, by
 * listener, by network of its client, and by whether the client has shown that it gets answers.
 *
 * Anyone can make flows: one host with many ports, or one that invents addresses. Three rules keep
 * what that costs away from those who did not do it:
 *
 *   1. Newcomers go before established flows, so a flood from invented addresses displaces itself.
 *      They keep an eighth of the room, though: a new client needs it until it has been answered.
 *   2. Within each kind the fullest bucket of networks pays, so a flood from one network displaces
 *      itself. That holds between the kinds as well: a bucket whose established flows are
 *      ESTABLISHED_WEIGHT times as many as anyone's newcomers pays before newcomers do.
 *   3. Of that bucket the flow goes that was unused for longest. As long as no bucket stands out,
 *      it is the one of the whole listener: how few flows spread over the buckets is chance.
 *
 * A bucket is a circular list, linked through typed arrays: its oldest flow is known, the newest is
 * the one before. The fullest is found in a tree of maxima: each node holds the larger of its two
 * children, the leaves hold how many flows a bucket has. Established buckets fill the right half of
 * the leaves, and those of a listener stand together, so a subtree answers for each. A change goes
 * up only as far as a maximum changes, and a search goes down to one leaf.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";

/** Buckets of networks, for each listener and kind. A power of two. */
export const FLOW_BUCKETS = 256;
/** What a flow costs in the arrays below ... */
export const FLOW_BUCKET_BYTES = 3 * 4;
/** ... and a listener, of which a power of two are laid out. */
export const FLOW_LISTENER_BYTES = 2 * FLOW_BUCKETS * 3 * 4 + 2 * 4;

/** One in so many places belongs to newcomers. */
const NEWCOMERS_SHARE = 8;
/** How many established flows of one bucket are as much as one newcomer of another. */
const ESTABLISHED_WEIGHT = 16;
/** Up to so many flows in the fullest bucket none stands out. */
const BUCKET_SMALL = 8;

const NONE = -1;

export class FlowBuckets {
  readonly #activeMs: Float64Array;
  /** Listeners laid out: a power of two. Kinds and listeners are groups: kind x this + listener. */
  readonly #listeners: number;
  /** Leaves of the tree, which are all buckets: group x FLOW_BUCKETS + network. */
  readonly #buckets: number;
  /** Per bucket; NONE when it is empty. */
  readonly #oldest: Int32Array;
  /** The tree of maxima: node n has the children 2n and 2n + 1, bucket b is node #buckets + b. */
  readonly #most: Int32Array;
  /** Flows per group. */
  readonly #count: Int32Array;
  #newcomers = 0;
  #established = 0;

  // Per flow.
  readonly #bucket: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  /** @param activeMs when each flow was used last. */
  constructor(activeMs: Float64Array, listenerCount: number) {
    const capacity = activeMs.length;
    this.#activeMs = activeMs;
    let listeners = 1;
    while (listeners < listenerCount) listeners *= 2;
    this.#listeners = listeners;
    this.#buckets = 2 * listeners * FLOW_BUCKETS;
    this.#oldest = new Int32Array(this.#buckets).fill(NONE);
    this.#most = new Int32Array(this.#buckets * 2);
    this.#count = new Int32Array(2 * listeners);
    this.#bucket = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
  }

  get count(): number {
    return this.#newcomers + this.#established;
  }

  countOf(listener: number): number {
    return this.#count[listener] + this.#count[this.#listeners + listener];
  }

  /** Takes in a newcomer, used just now; `network` is a hash, its lowest bits count. */
  add(flow: number, listener: number, network: number): void {
    assert(listener < this.#listeners, "buckets are laid out for each listener");
    this.#newcomers++;
    this.#enter(flow, listener * FLOW_BUCKETS + (network & (FLOW_BUCKETS - 1)));
  }

  remove(flow: number): void {
    if (this.#bucket[flow] < this.#buckets >> 1) this.#newcomers--;
    else this.#established--;
    this.#leave(flow);
  }

  /** Makes a newcomer an established flow, used just now. */
  establish(flow: number): void {
    const bucket = this.#bucket[flow];
    const half = this.#buckets >> 1;
    assert(bucket < half, "a flow is established once");
    this.#leave(flow);
    this.#newcomers--;
    this.#established++;
    this.#enter(flow, bucket + half);
  }

  /** Used just now: it goes last. */
  touch(flow: number): void {
    const next = this.#next;
    const previous = this.#previous;
    const bucket = this.#bucket[flow];
    const oldest = this.#oldest[bucket];
    const after = next[flow];
    if (after === oldest) return;
    if (flow === oldest) {
      // The circle stays as it is: whoever is next begins it.
      this.#oldest[bucket] = after;
      return;
    }
    const before = previous[flow];
    next[before] = after;
    previous[after] = before;
    const newest = previous[oldest];
    next[newest] = flow;
    previous[flow] = newest;
    next[flow] = oldest;
    previous[oldest] = flow;
  }

  /** Which flow of a listener has to go, or -1 when it has none. */
  victim(listener: number): number {
    const established = this.#listeners + listener;
    return this.#choose(
      2 * this.#listeners + listener,
      2 * this.#listeners + established,
      this.#count[listener],
      this.#count[established],
    );
  }

  /** Which flow of all has to go, or -1 when there is none. */
  victimOfAll(): number {
    return this.#choose(2, 3, this.#newcomers, this.#established);
  }

  /** By the nodes above the newcomers' and the established flows' buckets, and their numbers. */
  #choose(newNode: number, oldNode: number, newcomers: number, established: number): number {
    const most = this.#most;
    if (newcomers === 0 && established === 0) return NONE;
    const newcomersGo = established === 0 ||
      (newcomers * NEWCOMERS_SHARE > newcomers + established &&
        most[newNode] * ESTABLISHED_WEIGHT >= most[oldNode]);
    let node = newcomersGo ? newNode : oldNode;
    const fullest = most[node];
    while (node < this.#buckets) {
      node *= 2;
      if (most[node] !== fullest) node++;
    }
    const bucket = node - this.#buckets;
    return fullest > BUCKET_SMALL ? this.#oldest[bucket] : this.#oldestOfGroup(bucket);
  }

  /** The flow unused for longest of the listener and kind that `bucket` belongs to. */
  #oldestOfGroup(bucket: number): number {
    const oldest = this.#oldest;
    const activeMs = this.#activeMs;
    const first = bucket & ~(FLOW_BUCKETS - 1);
    let victim = oldest[bucket];
    for (let i = first; i < first + FLOW_BUCKETS; i++) {
      const flow = oldest[i];
      if (flow !== NONE && activeMs[flow] < activeMs[victim]) victim = flow;
    }
    return victim;
  }

  #enter(flow: number, bucket: number): void {
    const oldest = this.#oldest[bucket];
    this.#bucket[flow] = bucket;
    if (oldest === NONE) {
      this.#oldest[bucket] = flow;
      this.#next[flow] = flow;
      this.#previous[flow] = flow;
    } else {
      const newest = this.#previous[oldest];
      this.#next[newest] = flow;
      this.#previous[flow] = newest;
      this.#next[flow] = oldest;
      this.#previous[oldest] = flow;
    }
    this.#count[(bucket / FLOW_BUCKETS) | 0]++;
    const most = this.#most;
    let node = this.#buckets + bucket;
    const count = ++most[node];
    for (node >>= 1; node > 0 && most[node] < count; node >>= 1) most[node] = count;
  }

  #leave(flow: number): void {
    const bucket = this.#bucket[flow];
    const after = this.#next[flow];
    if (after === flow) this.#oldest[bucket] = NONE;
    else {
      const before = this.#previous[flow];
      this.#next[before] = after;
      this.#previous[after] = before;
      if (this.#oldest[bucket] === flow) this.#oldest[bucket] = after;
    }
    this.#count[(bucket / FLOW_BUCKETS) | 0]--;
    const most = this.#most;
    let node = this.#buckets + bucket;
    most[node]--;
    for (node >>= 1; node > 0; node >>= 1) {
      const left = most[2 * node];
      const right = most[2 * node + 1];
      const larger = left > right ? left : right;
      if (most[node] === larger) return;
      most[node] = larger;
    }
  }
}
