/**
 * Datagrams on the real kernel: their entries, and what a completion tells of them.
 *
 * Everything that a message needs besides its payload is in message_slots.ts. Sends end within the
 * call that submits them (MSG_DONTWAIT) and post a completion only when they failed.
 *
 * @hot
 */
import { bufferOffset, SLAB_BYTES } from "../buffer/buffer_pool.ts";
import { isLinkLocalWords, readSocketAddress } from "../net/ip_words.ts";
import { type Library, mapAnonymous, type Mapping, type Shim } from "../../ffi/shim.ts";
import { highHalf, lowHalf } from "./address_half.ts";
import { KernelQueues, SQE_WORDS } from "./kernel_queues.ts";
import {
  MESSAGE_PAYLOAD_OFFSET,
  MESSAGE_SENDER_OFFSET,
  messagePayloadBytes,
  messageSegmentBytes,
  MessageSlots,
  noteInterface,
  readMessageTarget,
} from "./message_slots.ts";
import { DATAGRAM, DATAGRAM_LANE, REPLIES } from "./ring.ts";

// include/uapi/linux/io_uring.h
const OP_SENDMSG = 9;
const OP_RECVMSG = 10;
const OP_SEND = 26;
const OP_RECV = 27;
const SQE_BUFFER_SELECT = 1 << 5;
const SQE_SKIP_SUCCESS = 1 << 6;
const RECV_POLL_FIRST = 1;
const RECV_MULTISHOT = 2;
// include/linux/socket.h
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

export class KernelDatagrams extends KernelQueues {
  payloadAt = 0;
  segmentBytes = 0;
  readonly slab: Uint8Array;
  protected readonly slabMapping: Mapping;
  readonly #library: Library;
  readonly #slabWords: Int32Array;
  readonly #slabLow: number;
  readonly #slabHigh: number;
  readonly #messages: MessageSlots;

  constructor(shim: Shim, engine: number) {
    super(shim, engine);
    this.#library = shim.library;
    const slab = mapAnonymous(shim, SLAB_BYTES);
    this.slabMapping = slab;
    this.slab = new Uint8Array(slab.buffer);
    this.#slabWords = new Int32Array(slab.buffer);
    this.#slabLow = lowHalf(slab.address) >>> 0;
    this.#slabHigh = highHalf(slab.address);
    const count = this.sqEntries;
    this.#messages = new MessageSlots(mapAnonymous(shim, MessageSlots.bytesFor(count)), count);
  }

  next(): boolean {
    if (!this.step()) return false;
    this.segmentBytes = 0;
    if ((this.kind === DATAGRAM || this.kind === REPLIES) && this.buffer >= 0) {
      const at = bufferOffset(this.buffer);
      this.payloadAt = at + MESSAGE_PAYLOAD_OFFSET;
      if (this.result >= 0) {
        this.result = messagePayloadBytes(this.#slabWords, at >> 2);
        const segment = messageSegmentBytes(this.#slabWords, at);
        if (segment < this.result) this.segmentBytes = segment;
      }
    } else this.payloadAt = this.buffer < 0 ? 0 : bufferOffset(this.buffer);
    return true;
  }

  readEnvelope(words: Int32Array, to: number): number {
    const at = bufferOffset(this.buffer);
    readMessageTarget(this.slab, this.#slabWords, at, words, to + 4);
    const port = readSocketAddress(this.slab, at + MESSAGE_SENDER_OFFSET, words, to);
    if (isLinkLocalWords(words, to) && isLinkLocalWords(words, to + 4)) {
      noteInterface(this.#slabWords, at, words, to + 4);
    }
    return port;
  }

  receiveMessages(fd: number, kind: number, index: number, generation: number): void {
    const head = OP_RECVMSG | (SQE_BUFFER_SELECT << 8) | (RECV_MULTISHOT << 16);
    const at = this.entry(head, fd, kind, index, generation);
    this.sqes[at + 4] = this.#messages.receiveLow;
    this.sqes[at + 5] = this.#messages.receiveHigh;
    this.sqes[at + 6] = 1;
    this.sqes[at + 10] = DATAGRAM_LANE;
  }

  receiveDatagrams(
    fd: number,
    one: boolean,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const how = one ? RECV_POLL_FIRST : RECV_MULTISHOT;
    const head = OP_RECV | (SQE_BUFFER_SELECT << 8) | (how << 16);
    const at = this.entry(head, fd, kind, index, generation);
    this.sqes[at + 10] = DATAGRAM_LANE;
  }

  /** The low half of an address in the slab; the high half is `#highOf` of the same offset. */
  #lowOf(offset: number): number {
    return (this.#slabLow + offset) | 0;
  }

  #highOf(offset: number): number {
    return this.#slabLow + offset > 0xffffffff ? this.#slabHigh + 1 : this.#slabHigh;
  }

  sendDatagram(
    fd: number,
    offset: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const at = this.entry(OP_SEND | (SQE_SKIP_SUCCESS << 8), fd, kind, index, generation);
    this.sqes[at + 4] = this.#lowOf(offset);
    this.sqes[at + 5] = this.#highOf(offset);
    this.sqes[at + 6] = bytes;
    this.sqes[at + 7] = MSG_NOSIGNAL | MSG_DONTWAIT;
  }

  sendPrefixed(
    fd: number,
    prefix: Uint8Array,
    prefixBytes: number,
    offset: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const at = this.entry(OP_SENDMSG | (SQE_SKIP_SUCCESS << 8), fd, kind, index, generation);
    const slot = at / SQE_WORDS;
    const low = this.#lowOf(offset);
    this.#messages.writePrefixed(slot, prefix, prefixBytes, low, this.#highOf(offset), bytes);
    this.#pointToMessage(at, slot);
  }

  sendMessage(
    fd: number,
    family: number,
    words: Int32Array,
    wordsAt: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const isPlain = localAt < 0 && segmentBytes === 0;
    const operation = isPlain ? OP_SEND : OP_SENDMSG;
    const at = this.entry(operation | (SQE_SKIP_SUCCESS << 8), fd, kind, index, generation);
    const slot = at / SQE_WORDS;
    const low = this.#lowOf(offset);
    const high = this.#highOf(offset);
    const messages = this.#messages;
    if (!isPlain) {
      messages.writeMessage(
        slot,
        family,
        words,
        wordsAt,
        port,
        localAt,
        low,
        high,
        bytes,
        segmentBytes,
      );
      this.#pointToMessage(at, slot);
      return;
    }
    this.sqes[at + 4] = low;
    this.sqes[at + 5] = high;
    this.sqes[at + 6] = bytes;
    this.sqes[at + 7] = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (port < 0) return; // to the peer of a connected socket
    // A plain send with an address (sendto) is cheaper than sendmsg.
    this.sqes[at + 11] = messages.writeAddress(slot, family, words, wordsAt, port);
    this.sqes[at + 2] = messages.low(slot) + messages.addressOffset;
    this.sqes[at + 3] = messages.high(slot);
  }

  #pointToMessage(at: number, slot: number): void {
    this.sqes[at + 4] = this.#messages.low(slot);
    this.sqes[at + 5] = this.#messages.high(slot);
    this.sqes[at + 6] = 1;
    this.sqes[at + 7] = MSG_NOSIGNAL | MSG_DONTWAIT;
  }

  /**
   * In the slot of the entry that comes next: nothing uses it before that one is written, and what
   * was queued has left by then.
   */
  sendBurstNow(
    fd: number,
    family: number,
    words: Int32Array,
    wordsAt: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): number {
    this.handOver();
    const slot = this.nextSlot;
    const low = this.#lowOf(offset);
    this.#messages.writeMessage(
      slot,
      family,
      words,
      wordsAt,
      port,
      localAt,
      low,
      this.#highOf(offset),
      bytes,
      segmentBytes,
    );
    return this.#library.rw_send_message(fd, this.#messages.low(slot), this.#messages.high(slot));
  }
}
