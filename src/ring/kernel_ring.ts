/**
 * The ring on the real kernel: what each operation is as a submission entry. Which engine takes
 * the entries, the kernel itself or the shim on its behalf, makes no difference here.
 *
 * The queues themselves are in kernel_queues.ts, datagrams in kernel_datagrams.ts. Sends are asked
 * for so that they end within the call that submits them and post a completion only when they
 * failed; see `sendNow`.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { bufferCapacity, bufferOffset, BUFFERS_MAX, LANES } from "../buffer/buffer_pool.ts";
import {
  CONTROL_BYTES_MAX,
  DATAGRAM_BUFFERS_MAX,
  FAST_BUFFERS_MAX,
  GATED_BUFFERS_MAX,
  RECEIVE_ALLOWANCE_BYTES,
} from "../limits.ts";
import * as layout from "../../ffi/layout.ts";
import { type Library, mapAnonymous, openShim, type Shim, viewAt } from "../../ffi/shim.ts";
import { socketAddressBytes } from "../net/socket_address.ts";
import { readSocketAddress, writeSocketAddress } from "../net/ip_words.ts";
import { highHalf, lowHalf } from "./address_half.ts";
import { KernelDatagrams } from "./kernel_datagrams.ts";
import {
  ADDRESS_SLOT_BYTES,
  FAST_LANE,
  GATED_LANE,
  IGNORED,
  PEER_GONE,
  type Ring,
  URING,
} from "./ring.ts";

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
// include/linux/socket.h, asm-generic/poll.h
const SOCK_CLOEXEC = 0x80000;
const MSG_PEEK = 2;
const MSG_WAITALL = 0x100;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;

/** Where an address slot keeps the length that accept reads and writes. */
const SLOT_LENGTH_OFFSET = ADDRESS_SLOT_BYTES - 4;

export class KernelRing extends KernelDatagrams implements Ring {
  readonly addresses: Uint8Array;
  readonly controlBytes: Uint8Array;
  readonly signalCounts: Uint8Array;
  /** Whether the fast lane's receives are multishot with a byte limit (Linux 6.17). */
  readonly multishot: boolean;
  readonly #library: Library;
  /** Short bytes on their way into and out of the shim, socket addresses above all. */
  readonly #scratch: Uint8Array;
  /** The part of it that is an address slot. */
  readonly #address: Uint8Array;
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
  readonly #laneMasks = [
    FAST_BUFFERS_MAX - 1,
    GATED_BUFFERS_MAX - 1,
    DATAGRAM_BUFFERS_MAX - 1,
  ];

  /**
   * @param addressSlots how many socket addresses operations may name.
   * @param engine URING, or EPOLL where there is no io_uring.
   * @throws Error when the kernel refuses the ring; the supervisor has probed it before.
   */
  constructor(addressSlots: number, engine: number = URING, shim: Shim = openShim()) {
    super(shim, engine);
    this.#library = shim.library;
    this.#scratch = shim.scratch;
    this.#address = shim.scratch.subarray(0, ADDRESS_SLOT_BYTES - 4);
    const numbers = new Uint32Array(shim.control);
    this.multishot = numbers[layout.RECEIVE_ALLOWANCE / 4] === 1;

    const slab = this.slabMapping;
    this.#bufferLow = new Int32Array(BUFFERS_MAX);
    this.#bufferHigh = new Int32Array(BUFFERS_MAX);
    for (let i = 0; i < BUFFERS_MAX; i++) {
      this.#bufferLow[i] = lowHalf(slab.address + bufferOffset(i));
      this.#bufferHigh[i] = highHalf(slab.address + bufferOffset(i));
    }
    const slots = mapAnonymous(shim, addressSlots * ADDRESS_SLOT_BYTES);
    this.addresses = new Uint8Array(slots.buffer);
    this.#slotLength = new Int32Array(slots.buffer);
    this.#slotLow = new Int32Array(addressSlots);
    this.#slotHigh = new Int32Array(addressSlots);
    for (let i = 0; i < addressSlots; i++) {
      this.#slotLow[i] = lowHalf(slots.address + i * ADDRESS_SLOT_BYTES);
      this.#slotHigh[i] = highHalf(slots.address + i * ADDRESS_SLOT_BYTES);
    }
    const control = mapAnonymous(shim, CONTROL_BYTES_MAX + 8);
    this.controlBytes = new Uint8Array(control.buffer, 0, CONTROL_BYTES_MAX);
    this.#controlLow = lowHalf(control.address);
    this.#controlHigh = highHalf(control.address);
    this.signalCounts = new Uint8Array(control.buffer, CONTROL_BYTES_MAX, 8);
    this.#signalLow = lowHalf(control.address + CONTROL_BYTES_MAX);
    this.#signalHigh = highHalf(control.address + CONTROL_BYTES_MAX);

    for (let lane = 0; lane < LANES; lane++) {
      const entries = this.#laneMasks[lane] + 1;
      const result = shim.library.rw_lane_open(lane, entries);
      if (result < 0) throw new Error("cannot register buffer lane: errno " + -result);
      const ring = viewAt(shim, layout.LANES + lane * 8, entries * 16).buffer;
      this.#lanes.push(new Int32Array(ring));
      // The tail of a buffer ring lies over the unused last field of its first entry.
      this.#laneTails.push(new Uint16Array(ring, 14, 1));
    }
    this.handOver();
  }

  accept(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const at = this.entry(OP_ACCEPT, fd, kind, index, generation);
    const length = slot * ADDRESS_SLOT_BYTES + SLOT_LENGTH_OFFSET;
    this.#slotLength[length / 4] = SLOT_LENGTH_OFFSET;
    this.sqes[at + 2] = this.#slotLow[slot] + SLOT_LENGTH_OFFSET;
    this.sqes[at + 3] = this.#slotHigh[slot];
    this.sqes[at + 4] = this.#slotLow[slot];
    this.sqes[at + 5] = this.#slotHigh[slot];
    this.sqes[at + 7] = SOCK_CLOEXEC;
  }

  connect(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const at = this.entry(OP_CONNECT, fd, kind, index, generation);
    this.sqes[at + 2] = socketAddressBytes(this.addresses[slot * ADDRESS_SLOT_BYTES]);
    this.sqes[at + 4] = this.#slotLow[slot];
    this.sqes[at + 5] = this.#slotHigh[slot];
  }

  receive(fd: number, lane: number, kind: number, index: number, generation: number): void {
    const multishot = lane === FAST_LANE && this.multishot;
    const how = multishot ? RECV_MULTISHOT : RECV_POLL_FIRST;
    const head = OP_RECV | (SQE_BUFFER_SELECT << 8) | (how << 16);
    const at = this.entry(head, fd, kind, index, generation);
    this.sqes[at + 10] = lane;
    if (multishot) this.sqes[at + 11] = RECEIVE_ALLOWANCE_BYTES;
    if (lane === GATED_LANE) this.sqes[at + 7] = MSG_PEEK;
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
    const at = this.entry(head, fd, kind, index, generation);
    // No carry: the slab is aligned so that no buffer crosses a 4 GiB boundary (rw_map_anonymous).
    this.sqes[at + 4] = this.#bufferLow[buffer] + start;
    this.sqes[at + 5] = this.#bufferHigh[buffer];
    this.sqes[at + 6] = bytes;
    this.sqes[at + 7] = head === OP_SEND
      ? MSG_WAITALL | MSG_NOSIGNAL
      : MSG_WAITALL | MSG_NOSIGNAL | MSG_DONTWAIT;
  }

  pollWritable(fd: number, kind: number, index: number, generation: number): void {
    const at = this.entry(OP_POLL_ADD, fd, kind, index, generation);
    this.sqes[at + 7] = POLLOUT;
  }

  readControl(fd: number, kind: number): void {
    const at = this.entry(OP_READ, fd, kind, 0, 0);
    this.sqes[at + 2] = -1;
    this.sqes[at + 3] = -1;
    this.sqes[at + 4] = this.#controlLow;
    this.sqes[at + 5] = this.#controlHigh;
    this.sqes[at + 6] = CONTROL_BYTES_MAX;
  }

  readSignals(fd: number, kind: number): void {
    const at = this.entry(OP_READ, fd, kind, 0, 0);
    this.sqes[at + 2] = -1;
    this.sqes[at + 3] = -1;
    this.sqes[at + 4] = this.#signalLow;
    this.sqes[at + 5] = this.#signalHigh;
    this.sqes[at + 6] = 8;
  }

  cancel(kind: number, index: number, generation: number): void {
    const at = this.entry(OP_ASYNC_CANCEL | (SQE_SKIP_SUCCESS << 8), -1, IGNORED, 0, 0);
    this.sqes[at + 4] = (index << 4) | kind;
    this.sqes[at + 5] = generation;
  }

  cancelAll(fd: number): void {
    const at = this.entry(OP_ASYNC_CANCEL | (SQE_SKIP_SUCCESS << 8), fd, IGNORED, 0, 0);
    this.sqes[at + 7] = CANCEL_ALL | CANCEL_FD;
  }

  close(fd: number): void {
    this.entry(OP_CLOSE | (SQE_SKIP_SUCCESS << 8), fd, IGNORED, 0, 0);
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

  openSocket(family: number, type: number): number {
    return this.#library.rw_socket(family, type);
  }

  setOption(fd: number, level: number, option: number, value: number): number {
    return this.#library.rw_set_option(fd, level, option, value);
  }

  bindNow(fd: number, family: number, words: Int32Array, at: number, port: number): number {
    const length = writeSocketAddress(family, words, at, port, this.#scratch, 0);
    return this.#library.rw_bind(fd, length);
  }

  connectNow(fd: number, slot: number): number {
    const at = slot * ADDRESS_SLOT_BYTES;
    const length = socketAddressBytes(this.addresses[at]);
    for (let i = 0; i < length; i++) this.#scratch[i] = this.addresses[at + i];
    return this.#library.rw_connect(fd, length);
  }

  localName(fd: number, words: Int32Array, to: number): number {
    if (this.#library.rw_socket_name(fd) < 0) return -1;
    return readSocketAddress(this.#scratch, 0, words, to);
  }

  sendBytes(fd: number, bytes: Uint8Array, count: number): number {
    assert(count <= this.#scratch.length, "short bytes are short");
    for (let i = 0; i < count; i++) this.#scratch[i] = bytes[i];
    return this.#library.rw_send(fd, count);
  }

  peerEnded(fd: number): number {
    const ended = this.#library.rw_peer_ended(fd);
    return ended < 0 ? PEER_GONE : ended;
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
