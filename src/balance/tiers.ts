/**
 * @hot
 * Which servers are preferred, and how much of the load goes past them: servers of one backend in
 * groups of preference, the tiers.
 *
 * Servers are grouped by priority, and within one by zone: first those of this node's zone, then
 * the others. A tier takes all that the ones before it left, but no more than OVERPROVISION times
 * the share of its servers that are available: with seven of ten it still takes nearly everything,
 * with five 70 %, and the rest spills on to the next tier, before the few left are overrun. What no
 * tier takes is spread over all in proportion to what they have. Backups are no tier in this sense:
 * they get everything as soon as nobody else is available, and nothing before.
 *
 * Panic: when so few are available that the load would rather bring them down than be served, and
 * no backup is there, health is ignored and all count. It may be the checks that are wrong.
 *
 * Here is only decided who stands in which tier. The caller makes the servers of the tier that was
 * drawn eligible and asks the policy; when that finds nobody (all full, or tried before) it goes on
 * with the other tiers in their order. The loads follow Envoy's "priority levels".
 */
import { assert } from "../base/assert.ts";
import { mixBits } from "../base/hash.ts";

/** A tier takes everything down to 1 / 1.4 = 71 % of its servers. Envoy's factor. */
const OVERPROVISION = 1.4;

/** One more than the largest random number. */
const WHOLE = 0x1_0000_0000;

/** Fixed forever: another one would move keys between tiers at an upgrade. */
const DRAW_SALT = 0x54494552;

export class Tiers {
  /** The tier of each server; -1: it must not be picked now. */
  readonly tierOf: Int16Array;
  /** Tiers in which there is anybody, from 0 on; 0 when nobody at all may be picked. */
  tierCount = 0;
  /** Too few are available: health is ignored. */
  isPanicking = false;
  /** Nobody but backups is available. */
  isOnBackups = false;

  readonly #panicThreshold: number;
  /** Of each server: its group in the order of preference, whoever is counted. */
  readonly #groupOf: Int16Array;
  readonly #isBackup: Uint8Array;
  /** By group: servers counted, of these available, and the tier made of it. */
  readonly #counted: Int32Array;
  readonly #available: Int32Array;
  readonly #tierOfGroup: Int16Array;
  /** By tier: where its part of the random numbers ends. The last tier's ends at WHOLE. */
  readonly #ends: Float64Array;

  /**
   * @param priority of each server, 0 is best.
   * @param isForeignZone of each server: 1 = it stands in another zone than this node.
   * @param isBackup of each server. When all are backups they are treated as if none were.
   * @param panicThreshold share of 0..1 available servers below which panic begins; 0: never.
   */
  constructor(
    priority: ArrayLike<number>,
    isForeignZone: ArrayLike<number>,
    isBackup: ArrayLike<number>,
    panicThreshold: number,
  ) {
    const count = priority.length;
    assert(isForeignZone.length === count && isBackup.length === count, "arrays are by server");
    assert(panicThreshold >= 0 && panicThreshold <= 1, "a threshold is a share");
    this.tierOf = new Int16Array(count).fill(-1);
    this.#panicThreshold = panicThreshold;
    this.#groupOf = new Int16Array(count);
    this.#isBackup = new Uint8Array(count);
    let backups = 0;
    let groups = 1;
    for (let server = 0; server < count; server++) {
      assert(
        Number.isInteger(priority[server]) && priority[server] >= 0,
        "priorities count from 0",
      );
      this.#groupOf[server] = 2 * priority[server] + (isForeignZone[server] !== 0 ? 1 : 0);
      groups = Math.max(groups, this.#groupOf[server] + 1);
      this.#isBackup[server] = isBackup[server] !== 0 ? 1 : 0;
      backups += this.#isBackup[server];
    }
    if (backups === count) this.#isBackup.fill(0);
    this.#counted = new Int32Array(groups);
    this.#available = new Int32Array(groups);
    this.#tierOfGroup = new Int16Array(groups);
    this.#ends = new Float64Array(groups);
  }

  /**
   * Forms the tiers anew: after each change, not for each pick.
   *
   * @param isCounted 1 = one of the servers that there are: neither taken out by anybody (drain,
   *   maint) nor of weight 0, nor outside of a subset. Others are as if they did not exist.
   * @param isAvailable 1 = may be picked as far as its health goes; matters for counted ones.
   */
  update(isCounted: Uint8Array, isAvailable: Uint8Array): void {
    const count = this.tierOf.length;
    assert(isCounted.length === count && isAvailable.length === count, "arrays are by server");
    this.#counted.fill(0);
    this.#available.fill(0);
    let counted = 0;
    let available = 0;
    let backupsAvailable = 0;
    for (let server = 0; server < count; server++) {
      if (isCounted[server] === 0) continue;
      const here = isAvailable[server] !== 0 ? 1 : 0;
      if (this.#isBackup[server] !== 0) {
        backupsAvailable += here;
        continue;
      }
      counted++;
      available += here;
      this.#counted[this.#groupOf[server]]++;
      this.#available[this.#groupOf[server]] += here;
    }
    // A quotient, as the threshold is one of a percentage: 7 of 100 is not below 7 %.
    this.isPanicking = backupsAvailable === 0 && counted > 0 &&
      available / counted < this.#panicThreshold;
    this.isOnBackups = available === 0 && backupsAvailable > 0;
    this.#spreadLoad();
    if (this.isPanicking || this.isOnBackups) this.tierCount = 1;
    for (let server = 0; server < count; server++) {
      this.tierOf[server] = isCounted[server] === 0
        ? -1
        : this.#findTier(server, isAvailable[server] !== 0);
    }
  }

  #findTier(server: number, isAvailable: boolean): number {
    const isBackup = this.#isBackup[server] !== 0;
    if (isBackup !== this.isOnBackups) return -1;
    if (this.isPanicking) return 0;
    if (!isAvailable) return -1;
    return isBackup ? 0 : this.#tierOfGroup[this.#groupOf[server]];
  }

  /** Numbers the groups in which anybody is available, and gives each its part of the load. */
  #spreadLoad(): void {
    let tiers = 0;
    let taken = 0;
    for (let group = 0; group < this.#counted.length; group++) {
      if (this.#available[group] === 0) continue;
      const share = this.#available[group] / this.#counted[group];
      taken = Math.min(WHOLE, taken + Math.floor(OVERPROVISION * share * WHOLE));
      this.#tierOfGroup[group] = tiers;
      this.#ends[tiers] = taken;
      tiers++;
    }
    this.tierCount = tiers;
    if (taken === WHOLE) return;
    for (let tier = 0; tier < tiers; tier++) {
      this.#ends[tier] = Math.floor((this.#ends[tier] * WHOLE) / taken);
    }
  }

  /**
   * A tier by load; -1 when there is none.
   *
   * @param random unsigned 32-bit integer: a random number, or the key's hash with policies that
   *   go by it, so that a key stays in its tier. It may then be given to the policy as well: it is
   *   mixed here, so that what it says about the tier and about the server have nothing in common.
   */
  draw(random: number): number {
    if (this.tierCount < 2) return this.tierCount - 1;
    const mixed = mixBits(random ^ DRAW_SALT);
    let tier = 0;
    while (mixed >= this.#ends[tier]) tier++;
    assert(tier < this.tierCount, "the last tier's part ends with the largest number");
    return tier;
  }

  /** What a tier gets of all new connections, 0..1; for people, not for picks. */
  loadOf(tier: number): number {
    assert(tier >= 0 && tier < this.tierCount, "there is such a tier");
    if (this.tierCount === 1) return 1;
    return (this.#ends[tier] - (tier === 0 ? 0 : this.#ends[tier - 1])) / WHOLE;
  }
}
