/**
 * io_uring's two queues as typed arrays: entries in, completions out, one call per turn.
 *
 * Submission entries are 64 bytes in a ring of SUBMISSIONS_MAX; `entry` hands out the next one with
 * all sixteen 32-bit words written, because the entry before it left its own there. Completions are
 * 16 bytes. Nobody else touches the queues between two `enter`s (DEFER_TASKRUN: completions appear
 * only inside that call, on this thread), so plain loads and stores are enough. Where there is no
 * io_uring the shim keeps queues of the same make, and serves them by epoll (shim/epoll.c).
 *
 * user_data: low word = index << 4 | kind, high word = generation. What an entry means is in
 * kernel_ring.ts.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { EAGAIN, EBUSY, EINTR, ETIME } from "../base/errno.ts";
import { SUBMISSIONS_MAX } from "../limits.ts";
import * as layout from "../../ffi/layout.ts";
import { type Library, type Shim, viewAt } from "../../ffi/shim.ts";

const CQE_BUFFER = 1;
const CQE_MORE = 2;
const SQ_CQ_OVERFLOW = 2;

/** Calls after which entries that the kernel does not take are no passing shortage. */
const SUBMIT_TRIES_MAX = 10_000;

export const SQE_WORDS = 16;
const CQE_WORDS = 4;

export class KernelQueues {
  nowMs = 0;
  /** The completion that `step` came to; see Ring. */
  kind = 0;
  index = 0;
  generation = 0;
  result = 0;
  more = false;
  buffer = -1;
  /** Calls of `enter`: what a turn costs in system calls. */
  enterCount = 0;
  /** Calls that fetched completions for which the queue had no room: slow, nothing is lost. */
  overflowCount = 0;

  /** All entries, SQE_WORDS each. */
  protected readonly sqes: Int32Array;
  protected readonly sqEntries: number;
  readonly #library: Library;
  readonly #now: Float64Array;
  readonly #sqMask: number;
  readonly #sqHead: Int32Array;
  readonly #sqTail: Int32Array;
  readonly #sqFlags: Int32Array;
  readonly #cqes: Int32Array;
  readonly #cqMask: number;
  readonly #cqHead: Int32Array;
  readonly #cqTail: Int32Array;
  #tail = 0;
  #head = 0;
  #end = 0;

  /** @throws Error when the kernel refuses the ring; the supervisor has probed it before. */
  constructor(shim: Shim, engine: number) {
    this.#library = shim.library;
    const opened = shim.library.rw_ring_open(SUBMISSIONS_MAX, engine);
    if (opened < 0) throw new Error("cannot open the ring: errno " + -opened);
    const numbers = new Uint32Array(shim.control);
    this.sqEntries = numbers[layout.SQ_ENTRIES / 4];
    const cqEntries = numbers[layout.CQ_ENTRIES / 4];
    this.#now = new Float64Array(shim.control, layout.NOW_MS, 1);
    this.#sqMask = this.sqEntries - 1;
    this.#cqMask = cqEntries - 1;
    this.sqes = new Int32Array(viewAt(shim, layout.SQES, this.sqEntries * 64).buffer);
    this.#cqes = new Int32Array(viewAt(shim, layout.CQES, cqEntries * 16).buffer);
    this.#sqHead = wordAt(shim, layout.SQ_HEAD);
    this.#sqTail = wordAt(shim, layout.SQ_TAIL);
    this.#sqFlags = wordAt(shim, layout.SQ_FLAGS);
    this.#cqHead = wordAt(shim, layout.CQ_HEAD);
    this.#cqTail = wordAt(shim, layout.CQ_TAIL);
    this.#tail = this.#sqTail[0];
    this.#head = this.#cqHead[0];
    this.#end = this.#head;
  }

  /** Hands over what is queued, without waiting; what completes by that is seen by `step`. */
  protected handOver(): void {
    this.#enter(0, 0);
    this.#end = this.#cqTail[0];
  }

  #enter(wait: number, waitMs: number): void {
    this.#sqTail[0] = this.#tail;
    const submit = (this.#tail - this.#sqHead[0]) >>> 0;
    const result = this.#library.rw_enter(submit, wait, waitMs);
    this.enterCount++;
    this.nowMs = this.#now[0];
    // Timed out, interrupted, or short of memory for a moment: what was not taken stays queued.
    assert(
      result >= 0 || result === -ETIME || result === -EINTR || result === -EAGAIN ||
        result === -EBUSY,
      "the kernel takes what a turn submits",
    );
  }

  turn(waitMs: number): number {
    this.#cqHead[0] = this.#head;
    this.#enter(waitMs > 0 ? 1 : 0, waitMs);
    // The kernel may stop early for want of memory; sendNow relies on everything being taken.
    for (let tries = 0; this.#sqHead[0] !== this.#tail; tries++) {
      assert(tries < SUBMIT_TRIES_MAX, "the kernel takes what a turn submits in the end");
      this.#enter(0, 0);
    }
    this.#end = this.#cqTail[0];
    return (this.#end - this.#head) >>> 0;
  }

  /**
   * Completions that found no room in the queue wait in the kernel: fetches them, so that a turn
   * sees all of its own. What was queued meanwhile is not submitted by this.
   */
  #fetchOverflow(): boolean {
    if ((this.#sqFlags[0] & SQ_CQ_OVERFLOW) === 0) return false;
    this.overflowCount++;
    this.#cqHead[0] = this.#head;
    const result = this.#library.rw_enter(0, 0, 0);
    this.enterCount++;
    assert(
      result >= 0 || result === -EINTR || result === -EBUSY,
      "the kernel hands over what overflowed",
    );
    this.#end = this.#cqTail[0];
    return this.#head !== this.#end;
  }

  /** Steps to the next completion of this turn; false when none is left unseen. */
  protected step(): boolean {
    if (this.#head === this.#end && !this.#fetchOverflow()) return false;
    const at = (this.#head & this.#cqMask) * CQE_WORDS;
    this.#head = (this.#head + 1) | 0;
    const cqes = this.#cqes;
    const low = cqes[at];
    const flags = cqes[at + 3];
    this.kind = low & 15;
    this.index = low >>> 4;
    this.generation = cqes[at + 1];
    this.result = cqes[at + 2];
    this.more = (flags & CQE_MORE) !== 0;
    this.buffer = (flags & CQE_BUFFER) !== 0 ? flags >>> 16 : -1;
    return true;
  }

  /** The number of the entry that is written next. */
  protected get nextSlot(): number {
    return this.#tail & this.#sqMask;
  }

  /** Writes an entry's common words and zeroes the rest; returns its first word's index. */
  protected entry(
    head: number,
    fd: number,
    kind: number,
    index: number,
    generation: number,
  ): number {
    for (let tries = 0; ((this.#tail - this.#sqHead[0]) >>> 0) > this.#sqMask; tries++) {
      assert(tries < SUBMIT_TRIES_MAX, "a full queue is handed over in the end");
      this.#enter(0, 0);
    }
    const at = (this.#tail & this.#sqMask) * SQE_WORDS;
    this.#tail = (this.#tail + 1) | 0;
    const sqes = this.sqes;
    sqes[at] = head;
    sqes[at + 1] = fd;
    sqes[at + 2] = 0;
    sqes[at + 3] = 0;
    sqes[at + 4] = 0;
    sqes[at + 5] = 0;
    sqes[at + 6] = 0;
    sqes[at + 7] = 0;
    sqes[at + 8] = (index << 4) | kind;
    sqes[at + 9] = generation;
    sqes[at + 10] = 0;
    sqes[at + 11] = 0;
    sqes[at + 12] = 0;
    sqes[at + 13] = 0;
    sqes[at + 14] = 0;
    sqes[at + 15] = 0;
    return at;
  }
}

function wordAt(shim: Shim, offset: number): Int32Array {
  return new Int32Array(viewAt(shim, offset, 4).buffer);
}
