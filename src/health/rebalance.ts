/**
 * Moves open connections to a server that has joined, by closing some of those to other servers so
 * that their clients come again.
 *
 * Connections that last for days stay where they are: a server that comes back gets its share of
 * the new ones and still idles while the rest carry all that is old. So after a server joined (it
 * became up, or got weight), servers above their share give connections back, slowly: at most a
 * share of all open ones per second. It ends when every server is within a tenth of its share or
 * within one connection.
 *
 * Where a client comes back to is not decided here but by the policy; with round robin only a part
 * of what is closed ends up at the server that joined. Two rules keep that from doing harm:
 *
 * - An order counts as on its way for a while: as gone from its server and not yet back anywhere.
 *   So no server is told twice to close the same surplus, and none is closed below its share.
 * - When a number of closings has brought nothing nearer, it gives up. With consistent hashing few
 *   clients make shares that are uneven for good, and who is closed comes back to the same server.
 *
 * The share of a server goes by effective weight, which a slow start raises step by step: so it
 * goes on for a while after the last step. What takes nothing new (drained, down, weight 0) is not
 * touched, and counts in no sum.
 */
import { assert } from "../base/assert.ts";

/** Servers are not compared to more than so much of their share, */
const TOLERANCE_SHARE = 0.1;
/** or to less than a connection. */
const TOLERANCE_COUNT = 1;

/**
 * An order counts as on its way for one to two times this. Workers read orders within their longest
 * turn (half a second), and clients that are cut off come again at once or after a second. For the
 * ones that take longer or do not come again, giving up bounds what is closed in vain.
 */
const ORDER_MS = 2000;

/** How long weights must stand still until the end; steps of a slow start may be far apart. */
const SETTLE_MS = 30_000;

/**
 * Closings without progress until it gives up: this part of all connections, and as many as would
 * bring the servers that joined this many connections if clients were spread by weight.
 */
const FUTILE_SHARE = 0.2;
const FUTILE_GAINS = 4;

/** What sums of fractions may be off by: less than this above zero is zero. */
const ROUNDING_MAX = 1e-6;

export class Rebalance {
  isActive = false;
  readonly #sharePerSecond: number;
  readonly #serverCount: number;

  /** Largest weight of each server since it joined; -1: has not joined. */
  readonly #peaks: Float64Array;

  /** Time that has passed, by our own count: a clock that is set back stands still for once. */
  #elapsedMs = 0;
  #seenMs = NaN;

  /** Connections that may be closed now; a fraction waits for the rest of it. */
  #credit = 0;
  /** Here and below by `#elapsedMs`: when credit was last earned. */
  #earnedMs = 0;
  /** Of the last join, or of the last step of such a weight upwards. */
  #steppedMs = 0;

  /** Orders of the present span of ORDER_MS, and of the one before. */
  readonly #orders: Float64Array;
  readonly #ordersBefore: Float64Array;
  #spanBeganMs = 0;
  /** Both spans, all servers. */
  #onTheWay = 0;

  /** Part of all connections that is not where it belongs: the least since the last step, */
  #misplacedMin = Infinity;
  /** and closings since it was so. */
  #closings = 0;

  /** What a server has above its share; between the steps of `plan`. */
  readonly #surplus: Float64Array;

  /**
   * @param rules.sharePerSecond of the connections open to servers that take new ones; 0: never.
   */
  constructor(rules: { readonly sharePerSecond: number }, serverCount: number) {
    assert(rules.sharePerSecond >= 0, "a budget is not negative");
    this.#sharePerSecond = rules.sharePerSecond;
    this.#serverCount = serverCount;
    this.#peaks = new Float64Array(serverCount).fill(-1);
    this.#orders = new Float64Array(serverCount);
    this.#ordersBefore = new Float64Array(serverCount);
    this.#surplus = new Float64Array(serverCount);
  }

  /** `server` became up, or got weight; what is under way for others goes on. */
  join(server: number, nowMs: number): void {
    assert(server >= 0 && server < this.#serverCount, "a server of the backend");
    if (this.#sharePerSecond === 0) return;
    this.#pass(nowMs);
    if (!this.isActive) {
      this.isActive = true;
      this.#credit = 0;
      this.#earnedMs = this.#elapsedMs;
      this.#spanBeganMs = this.#elapsedMs;
    }
    this.#peaks[server] = 0;
    this.#step();
  }

  /**
   * To be called several times a second; costs nothing while not active.
   *
   * @param open connections per server, over all workers.
   * @param weights effective ones: 0 takes nothing new now. Any unit; the finer, the better.
   * @param out gets how many connections to each server are to be closed now.
   * @returns the sum of `out`.
   */
  plan(
    open: ArrayLike<number>,
    weights: ArrayLike<number>,
    nowMs: number,
    out: Int32Array,
  ): number {
    out.fill(0);
    if (!this.isActive) return 0;
    this.#pass(nowMs);
    let total = 0;
    let weightSum = 0;
    let weightJoined = 0;
    for (let server = 0; server < this.#serverCount; server++) {
      const weight = weights[server];
      if (!(weight > 0)) continue;
      total += open[server];
      weightSum += weight;
      const peak = this.#peaks[server];
      if (peak < 0) continue;
      weightJoined += weight;
      if (weight <= peak) continue;
      this.#peaks[server] = weight;
      this.#step();
    }
    this.#forgetOrders();
    this.#earn(total);
    // Nothing is moved for a server that is gone again.
    const missing = weightJoined > 0 ? this.#measure(open, weights, total / weightSum) : 0;
    const isOver = missing === 0
      ? this.#elapsedMs - this.#steppedMs >= SETTLE_MS
      : this.#isFutile(missing / total, total, weightSum / weightJoined);
    if (isOver) this.#end();
    if (isOver || missing === 0) return 0;

    const credit = Math.floor(this.#credit + ROUNDING_MAX);
    const most = Math.min(credit, Math.ceil(missing - this.#onTheWay));
    if (most <= 0) return 0;
    const perWeight = (total + this.#onTheWay) / weightSum;
    const ordered = this.#order(open, weights, perWeight, most, out);
    this.#credit -= ordered;
    this.#closings += ordered;
    this.#onTheWay += ordered;
    return ordered;
  }

  /** Connections that servers lack to their shares, in sum; 0 when all are near enough. */
  #measure(open: ArrayLike<number>, weights: ArrayLike<number>, perWeight: number): number {
    let missing = 0;
    let isNear = true;
    for (let server = 0; server < this.#serverCount; server++) {
      if (!(weights[server] > 0)) continue;
      const share = weights[server] * perWeight;
      const surplus = open[server] - share;
      const tolerance = Math.max(TOLERANCE_COUNT, TOLERANCE_SHARE * share);
      if (Math.abs(surplus) > tolerance + ROUNDING_MAX) isNear = false;
      if (surplus < 0) missing -= surplus;
    }
    return isNear ? 0 : missing;
  }

  /**
   * @param misplaced part of all connections; only one connection less is progress.
   * @param closingsPerGain that bring the servers that joined one connection.
   */
  #isFutile(misplaced: number, total: number, closingsPerGain: number): boolean {
    if (this.#misplacedMin === Infinity || misplaced <= this.#misplacedMin - 1 / total) {
      this.#misplacedMin = misplaced;
      this.#closings = 0;
    }
    // What is on the way has had no time to show what it is good for.
    const done = this.#closings - this.#onTheWay;
    return done >= FUTILE_SHARE * total + FUTILE_GAINS * closingsPerGain;
  }

  /**
   * Shares `most` orders out in proportion to surplus; what is left over by rounding goes one by
   * one to where most is left. Servers x servers at worst, when thousands have a surplus at once.
   */
  #order(
    open: ArrayLike<number>,
    weights: ArrayLike<number>,
    perWeight: number,
    most: number,
    out: Int32Array,
  ): number {
    const surplus = this.#surplus;
    let sum = 0;
    for (let server = 0; server < this.#serverCount; server++) {
      const gone = this.#orders[server] + this.#ordersBefore[server];
      const above = open[server] - gone - weights[server] * perWeight;
      surplus[server] = weights[server] > 0 && above > ROUNDING_MAX ? above : 0;
      sum += surplus[server];
    }
    const wanted = Math.min(most, Math.ceil(sum));
    let left = wanted;
    for (let server = 0; server < this.#serverCount && left > 0; server++) {
      if (surplus[server] === 0) continue;
      const orders = Math.min(left, Math.floor(wanted * surplus[server] / sum));
      this.#orderOf(server, orders, out);
      left -= orders;
    }
    while (left > 0) {
      const server = indexOfLargest(surplus);
      if (surplus[server] <= ROUNDING_MAX) break;
      this.#orderOf(server, 1, out);
      left--;
    }
    return wanted - left;
  }

  #orderOf(server: number, orders: number, out: Int32Array): void {
    out[server] += orders;
    this.#orders[server] += orders;
    this.#surplus[server] -= orders;
  }

  #pass(nowMs: number): void {
    const passedMs = nowMs - this.#seenMs;
    this.#seenMs = nowMs;
    // Written so that NaN, the first call, passes nothing.
    if (passedMs > 0) this.#elapsedMs += passedMs;
  }

  /** Saved up is what one second earns, or one connection, where a second earns less. */
  #earn(total: number): void {
    const perSecond = this.#sharePerSecond * total;
    const earned = perSecond * (this.#elapsedMs - this.#earnedMs) / 1000;
    this.#credit = Math.min(this.#credit + earned, Math.max(1, perSecond));
    this.#earnedMs = this.#elapsedMs;
  }

  #forgetOrders(): void {
    const passedMs = this.#elapsedMs - this.#spanBeganMs;
    if (passedMs < ORDER_MS) return;
    this.#ordersBefore.fill(0);
    if (passedMs < 2 * ORDER_MS) this.#ordersBefore.set(this.#orders);
    this.#orders.fill(0);
    this.#spanBeganMs = this.#elapsedMs;
    this.#onTheWay = 0;
    for (let server = 0; server < this.#serverCount; server++) {
      this.#onTheWay += this.#ordersBefore[server];
    }
  }

  /** Shares have changed: what was reached before says nothing about what can be reached. */
  #step(): void {
    this.#steppedMs = this.#elapsedMs;
    this.#misplacedMin = Infinity;
    this.#closings = 0;
  }

  #end(): void {
    this.isActive = false;
    this.#peaks.fill(-1);
    this.#orders.fill(0);
    this.#ordersBefore.fill(0);
    this.#onTheWay = 0;
  }
}

/** The first one of several. */
function indexOfLargest(values: Float64Array): number {
  let largest = 0;
  for (let index = 1; index < values.length; index++) {
    if (values[index] > values[largest]) largest = index;
  }
  return largest;
}
