/**
 * The ring on the real kernel: io_uring's queues as typed arrays, one call per turn.
 *
 * Submission entries are 64 bytes in a ring of SUBMISSIONS_MAX; each operation below writes one,
 * all sixteen 32-bit words of it, because the entry before it left its own there. Completions are
 * 16 bytes. Nobody else touches the queues between two `enter`s (DEFER_TASKRUN: completions appear
 * only inside that call, on this thread), so plain loads and stores are enough.
 *
 * user_data: low word = index << 4 | kind, high word = generation.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { EAGAIN, EBUSY, EINTR, ETIME } from "../base/errno.ts";
import { bufferCapacity, bufferOffset, SLAB_BYTES } from "../buffer/buffer_pool.ts";
import {
  CONTROL_BYTES_MAX,
  FAST_BUFFERS_MAX,
  GATED_BUFFERS_MAX,
  RECEIVE_ALLOWANCE_BYTES,
  SUBMISSIONS_MAX,
} from "../limits.ts";
import * as layout from "../../ffi/layout.ts";
import { type Library, mapAnonymous, openShim, type Shim, viewAt } from "../../ffi/shim.ts";
import { ADDRESS_SLOT_BYTES, FAST_LANE, GATED_LANE, IGNORED, type Ring } from "./ring.ts";

// include/uapi/linux/io_uring.h
const OP_POLL_ADD = 6;
const OP_ACCEPT = 13;
const OP_ASYNC_CANCEL = 14;
const OP_CONNECT = 16;
const OP_CLOSE = 19;
const OP_READ = 22;
const OP_SEND = 26;
const OP_RECV = 27;
const SQE_BUFFER_SELECT = 1 << 5;
const SQE_SKIP_SUCCESS = 1 << 6;
const RECV_POLL_FIRST = 1;
const RECV_MULTISHOT = 2;
const CANCEL_ALL = 1;
const CANCEL_FD = 2;
const CQE_BUFFER = 1;
const CQE_MORE = 2;
const SQ_CQ_OVERFLOW = 2;
// include/linux/socket.h, asm-generic/poll.h
const SOCK_CLOEXEC = 0x80000;
const MSG_PEEK = 2;
const MSG_WAITALL = 0x100;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;

/** Calls after which entries that the kernel does not take are no passing shortage. */
const SUBMIT_TRIES_MAX = 10_000;

const SQE_WORDS = 16;
const CQE_WORDS = 4;
/** Where an address slot keeps the length that accept reads and writes. */
const SLOT_LENGTH_OFFSET = ADDRESS_SLOT_BYTES - 4;

export class KernelRing implements Ring {
  nowMs = 0;
  kind = 0;
  index = 0;
  generation = 0;
  result = 0;
  more = false;
  buffer = -1;

  readonly slab: Uint8Array;
  readonly addresses: Uint8Array;
  readonly controlBytes: Uint8Array;
  readonly signalCounts: Uint8Array;
  /** Whether the fast lane's receives are multishot with a byte limit (Linux 6.17). */
  readonly multishot: boolean;
  /** Calls of `enter`: what a turn costs in system calls. */
  enterCount = 0;
  /** Calls that fetched completions for which the queue had no room: slow, nothing is lost. */
  overflowCount = 0;

  readonly #library: Library;
  /** The part of the shim's scratch where it leaves a socket address. */
  readonly #address: Uint8Array;
  readonly #now: Float64Array;
  readonly #sqes: Int32Array;
  readonly #sqMask: number;
  readonly #sqHead: Int32Array;
  readonly #sqTail: Int32Array;
  readonly #sqFlags: Int32Array;
  readonly #cqes: Int32Array;
  readonly #cqMask: number;
  readonly #cqHead: Int32Array;
  readonly #cqTail: Int32Array;
  /** Addresses as 32-bit halves, in Int32 form, for each buffer and address slot. */
  readonly #bufferLow: Int32Array;
  readonly #bufferHigh: Int32Array;
  readonly #slotLow: Int32Array;
  readonly #slotHigh: Int32Array;
  readonly #slotLength: Int32Array;
  readonly #controlLow: number;
  readonly #controlHigh: number;
  readonly #signalLow: number;
  readonly #signalHigh: number;
  readonly #lanes: Int32Array[] = [];
  readonly #laneTails: Uint16Array[] = [];
  readonly #laneMasks = [FAST_BUFFERS_MAX - 1, GATED_BUFFERS_MAX - 1];
  #tail = 0;
  #head = 0;
  #end = 0;

  /**
   * @param addressSlots how many socket addresses operations may name.
   * @throws Error when the kernel refuses the ring; the supervisor has probed it before.
   */
  constructor(addressSlots: number) {
    const shim = openShim();
    this.#library = shim.library;
    this.#address = shim.scratch.subarray(0, ADDRESS_SLOT_BYTES - 4);
    const opened = shim.library.rw_ring_open(SUBMISSIONS_MAX);
    if (opened < 0) throw new Error("cannot open the ring: errno " + -opened);
    const numbers = new Uint32Array(shim.control);
    const sqEntries = numbers[layout.SQ_ENTRIES / 4];
    const cqEntries = numbers[layout.CQ_ENTRIES / 4];
    this.multishot = numbers[layout.RECEIVE_ALLOWANCE / 4] === 1;
    this.#now = new Float64Array(shim.control, layout.NOW_MS, 1);
    this.#sqMask = sqEntries - 1;
    this.#cqMask = cqEntries - 1;
    this.#sqes = new Int32Array(viewAt(shim, layout.SQES, sqEntries * 64).buffer);
    this.#cqes = new Int32Array(viewAt(shim, layout.CQES, cqEntries * 16).buffer);
    this.#sqHead = wordAt(shim, layout.SQ_HEAD);
    this.#sqTail = wordAt(shim, layout.SQ_TAIL);
    this.#sqFlags = wordAt(shim, layout.SQ_FLAGS);
    this.#cqHead = wordAt(shim, layout.CQ_HEAD);
    this.#cqTail = wordAt(shim, layout.CQ_TAIL);
    this.#tail = this.#sqTail[0];
    this.#head = this.#cqHead[0];
    this.#end = this.#head;

    const slab = mapAnonymous(shim, SLAB_BYTES);
    this.slab = new Uint8Array(slab.buffer);
    const buffers = FAST_BUFFERS_MAX + GATED_BUFFERS_MAX;
    this.#bufferLow = new Int32Array(buffers);
    this.#bufferHigh = new Int32Array(buffers);
    for (let i = 0; i < buffers; i++) {
      this.#bufferLow[i] = lowHalf(slab.address, bufferOffset(i));
      this.#bufferHigh[i] = highHalf(slab.address, bufferOffset(i));
    }
    const slots = mapAnonymous(shim, addressSlots * ADDRESS_SLOT_BYTES);
    this.addresses = new Uint8Array(slots.buffer);
    this.#slotLength = new Int32Array(slots.buffer);
    this.#slotLow = new Int32Array(addressSlots);
    this.#slotHigh = new Int32Array(addressSlots);
    for (let i = 0; i < addressSlots; i++) {
      this.#slotLow[i] = lowHalf(slots.address, i * ADDRESS_SLOT_BYTES);
      this.#slotHigh[i] = highHalf(slots.address, i * ADDRESS_SLOT_BYTES);
    }
    const control = mapAnonymous(shim, CONTROL_BYTES_MAX + 8);
    this.controlBytes = new Uint8Array(control.buffer, 0, CONTROL_BYTES_MAX);
    this.#controlLow = lowHalf(control.address, 0);
    this.#controlHigh = highHalf(control.address, 0);
    this.signalCounts = new Uint8Array(control.buffer, CONTROL_BYTES_MAX, 8);
    this.#signalLow = lowHalf(control.address, CONTROL_BYTES_MAX);
    this.#signalHigh = highHalf(control.address, CONTROL_BYTES_MAX);

    for (let lane = 0; lane < 2; lane++) {
      const entries = this.#laneMasks[lane] + 1;
      const result = shim.library.rw_lane_open(lane, entries);
      if (result < 0) throw new Error("cannot register buffer lane: errno " + -result);
      const ring = viewAt(shim, layout.LANES + lane * 8, entries * 16).buffer;
      this.#lanes.push(new Int32Array(ring));
      // The tail of a buffer ring lies over the unused last field of its first entry.
      this.#laneTails.push(new Uint16Array(ring, 14, 1));
    }
    this.#enter(0, 0);
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

  next(): boolean {
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

  /** Writes an entry's common words and zeroes the rest; returns its first word's index. */
  #entry(head: number, fd: number, kind: number, index: number, generation: number): number {
    for (let tries = 0; ((this.#tail - this.#sqHead[0]) >>> 0) > this.#sqMask; tries++) {
      assert(tries < SUBMIT_TRIES_MAX, "a full queue is handed over in the end");
      this.#enter(0, 0);
    }
    const at = (this.#tail & this.#sqMask) * SQE_WORDS;
    this.#tail = (this.#tail + 1) | 0;
    const sqes = this.#sqes;
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

  accept(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const at = this.#entry(OP_ACCEPT, fd, kind, index, generation);
    const length = slot * ADDRESS_SLOT_BYTES + SLOT_LENGTH_OFFSET;
    this.#slotLength[length / 4] = SLOT_LENGTH_OFFSET;
    this.#sqes[at + 2] = this.#slotLow[slot] + SLOT_LENGTH_OFFSET;
    this.#sqes[at + 3] = this.#slotHigh[slot];
    this.#sqes[at + 4] = this.#slotLow[slot];
    this.#sqes[at + 5] = this.#slotHigh[slot];
    this.#sqes[at + 7] = SOCK_CLOEXEC;
  }

  connect(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const at = this.#entry(OP_CONNECT, fd, kind, index, generation);
    this.#sqes[at + 2] = this.addresses[slot * ADDRESS_SLOT_BYTES] === 10 ? 28 : 16;
    this.#sqes[at + 4] = this.#slotLow[slot];
    this.#sqes[at + 5] = this.#slotHigh[slot];
  }

  receive(fd: number, lane: number, kind: number, index: number, generation: number): void {
    const multishot = lane === FAST_LANE && this.multishot;
    const how = multishot ? RECV_MULTISHOT : RECV_POLL_FIRST;
    const head = OP_RECV | (SQE_BUFFER_SELECT << 8) | (how << 16);
    const at = this.#entry(head, fd, kind, index, generation);
    this.#sqes[at + 10] = lane;
    if (multishot) this.#sqes[at + 11] = RECEIVE_ALLOWANCE_BYTES;
    if (lane === GATED_LANE) this.#sqes[at + 7] = MSG_PEEK;
  }

  /**
   * MSG_DONTWAIT makes the send end inside `enter`, SKIP_SUCCESS leaves out its completion: the
   * call can then wait for news, where a completion of our own send would end the wait at once.
   * MSG_WAITALL makes a short send a failure, and failures do post their completion.
   */
  sendNow(
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const head = OP_SEND | (SQE_SKIP_SUCCESS << 8);
    this.#sendEntry(head, fd, buffer, start, bytes, kind, index, generation);
  }

  send(
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    this.#sendEntry(OP_SEND, fd, buffer, start, bytes, kind, index, generation);
  }

  #sendEntry(
    head: number,
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    assert(bytes > 0 && start + bytes <= bufferCapacity(buffer), "a send stays in its buffer");
    const at = this.#entry(head, fd, kind, index, generation);
    // No carry: the slab is aligned so that no buffer crosses a 4 GiB boundary (rw_map_anonymous).
    this.#sqes[at + 4] = this.#bufferLow[buffer] + start;
    this.#sqes[at + 5] = this.#bufferHigh[buffer];
    this.#sqes[at + 6] = bytes;
    this.#sqes[at + 7] = head === OP_SEND
      ? MSG_WAITALL | MSG_NOSIGNAL
      : MSG_WAITALL | MSG_NOSIGNAL | MSG_DONTWAIT;
  }

  pollWritable(fd: number, kind: number, index: number, generation: number): void {
    const at = this.#entry(OP_POLL_ADD, fd, kind, index, generation);
    this.#sqes[at + 7] = POLLOUT;
  }

  readControl(fd: number, kind: number): void {
    const at = this.#entry(OP_READ, fd, kind, 0, 0);
    this.#sqes[at + 2] = -1;
    this.#sqes[at + 3] = -1;
    this.#sqes[at + 4] = this.#controlLow;
    this.#sqes[at + 5] = this.#controlHigh;
    this.#sqes[at + 6] = CONTROL_BYTES_MAX;
  }

  readSignals(fd: number, kind: number): void {
    const at = this.#entry(OP_READ, fd, kind, 0, 0);
    this.#sqes[at + 2] = -1;
    this.#sqes[at + 3] = -1;
    this.#sqes[at + 4] = this.#signalLow;
    this.#sqes[at + 5] = this.#signalHigh;
    this.#sqes[at + 6] = 8;
  }

  cancel(kind: number, index: number, generation: number): void {
    const at = this.#entry(OP_ASYNC_CANCEL | (SQE_SKIP_SUCCESS << 8), -1, IGNORED, 0, 0);
    this.#sqes[at + 4] = (index << 4) | kind;
    this.#sqes[at + 5] = generation;
  }

  cancelAll(fd: number): void {
    const at = this.#entry(OP_ASYNC_CANCEL | (SQE_SKIP_SUCCESS << 8), fd, IGNORED, 0, 0);
    this.#sqes[at + 7] = CANCEL_ALL | CANCEL_FD;
  }

  close(fd: number): void {
    this.#entry(OP_CLOSE | (SQE_SKIP_SUCCESS << 8), fd, IGNORED, 0, 0);
  }

  offerBuffer(lane: number, buffer: number): void {
    const entries = this.#lanes[lane];
    const tail = this.#laneTails[lane];
    const at = (tail[0] & this.#laneMasks[lane]) * 4;
    entries[at] = this.#bufferLow[buffer];
    entries[at + 1] = this.#bufferHigh[buffer];
    entries[at + 2] = bufferCapacity(buffer);
    // Buffer id in the low half; the high half of the first entry is the tail, written next.
    entries[at + 3] = (entries[at + 3] & -65536) | buffer;
    tail[0]++;
  }

  openSocket(family: number): number {
    return this.#library.rw_socket(family);
  }

  acceptNow(fd: number, slot: number): number {
    const result = this.#library.rw_accept(fd);
    if (result >= 0) this.addresses.set(this.#address, slot * ADDRESS_SLOT_BYTES);
    return result;
  }

  closeNow(fd: number): void {
    this.#library.rw_close(fd);
  }

  discard(fd: number, bytes: number): number {
    return this.#library.rw_discard(fd, bytes);
  }

  shutdownWrite(fd: number): number {
    return this.#library.rw_shutdown_write(fd);
  }

  resetOnClose(fd: number): number {
    return this.#library.rw_reset_on_close(fd);
  }
}

function wordAt(shim: Shim, offset: number): Int32Array {
  return new Int32Array(viewAt(shim, offset, 4).buffer);
}

function lowHalf(base: bigint, offset: number): number {
  return Number(BigInt.asIntN(32, base + BigInt(offset))); // cold: once per buffer, at start
}

function highHalf(base: bigint, offset: number): number {
  return Number(BigInt.asIntN(32, (base + BigInt(offset)) >> 32n)); // cold: once, at start
}
