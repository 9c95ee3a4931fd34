/**
 * Memory for messages: what sendmsg and recvmsg read besides the payload.
 *
 * A send needs a struct msghdr, its vectors, an address, control bytes and perhaps a short prefix.
 * All of that stands in a slot of 256 bytes, one per submission entry: sends of datagrams end
 * within the call that submits them, so a slot is free again when its entry is. Nothing is
 * allocated or freed per datagram, and a flow costs no memory that the kernel sees.
 *
 * Layouts: struct msghdr, iovec, cmsghdr (64-bit), in_pktinfo (ip(7)), in6_pktinfo (ipv6(7)),
 * io_uring_recvmsg_out (include/uapi/linux/io_uring.h).
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import {
  isLinkLocalWords,
  readIpv4Words,
  readIpv6Words,
  writeIpv4Bytes,
  writeIpv6Bytes,
  writeSocketAddress,
} from "../net/ip_words.ts";
import { AF_INET } from "../net/socket_address.ts";
import {
  IP_PKTINFO,
  IPV6_PKTINFO,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "../net/socket_numbers.ts";
import { highHalf, lowHalf } from "./address_half.ts";

const SLOT_BYTES = 256;
const SLOT_WORDS = SLOT_BYTES / 4;
// struct msghdr, by word
const NAME = 0;
const NAME_BYTES = 2;
const VECTORS = 4;
const VECTOR_COUNT = 6;
const CONTROL = 8;
const CONTROL_BYTES = 10;
// and what it points to, by byte
const FIRST_VECTOR = 64;
const SECOND_VECTOR = 80;
const ADDRESS = 96;
const CONTROL_AT = 128;
const PREFIX = 192;
/** Longest prefix: a PROXY v2 header without extensions has 52 bytes. */
export const PREFIX_BYTES_MAX = SLOT_BYTES - PREFIX;

const CMSG_HEAD_BYTES = 16;
const SEGMENT_SPACE = 24;
const PKTINFO4_BYTES = 12;
const PKTINFO6_BYTES = 20;

/** What a multishot recvmsg puts in front of the payload: its head, the address, control bytes. */
const OUT_HEAD_BYTES = 16;
const NAME_ROOM = 32;
const CONTROL_ROOM = 64;
/** From the start of a buffer to the payload that recvmsg left in it. */
export const MESSAGE_PAYLOAD_OFFSET = OUT_HEAD_BYTES + NAME_ROOM + CONTROL_ROOM;
/** In struct sockaddr_in6. */
const SCOPE_OFFSET = 24;
const PAYLOAD_BYTES_WORD = 2;
const CONTROL_BYTES_WORD = 1;

export class MessageSlots {
  /** Address halves of the msghdr that all multishot recvmsgs share. */
  readonly receiveLow: number;
  readonly receiveHigh: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #count: number;

  /** Bytes of memory that `count` slots need. */
  static bytesFor(count: number): number {
    return (count + 1) * SLOT_BYTES;
  }

  constructor(memory: { buffer: ArrayBuffer; address: number }, count: number) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#count = count;
    this.#low = new Int32Array(count);
    this.#high = new Int32Array(count);
    for (let slot = 0; slot < count; slot++) {
      const at = slot * SLOT_BYTES;
      this.#low[slot] = lowHalf(memory.address + at);
      this.#high[slot] = highHalf(memory.address + at);
      this.#point(slot, NAME, at + ADDRESS, memory.address);
      this.#point(slot, VECTORS, at + FIRST_VECTOR, memory.address);
      this.#point(slot, CONTROL, at + CONTROL_AT, memory.address);
      this.#point(slot, SECOND_VECTOR / 4, at + PREFIX, memory.address);
    }
    // One more for receiving: only its lengths matter, they say how much room to leave.
    this.receiveLow = lowHalf(memory.address + count * SLOT_BYTES);
    this.receiveHigh = highHalf(memory.address + count * SLOT_BYTES);
    this.#words[count * SLOT_WORDS + NAME_BYTES] = NAME_ROOM;
    this.#words[count * SLOT_WORDS + CONTROL_BYTES] = CONTROL_ROOM;
  }

  #point(slot: number, word: number, offset: number, base: number): void {
    this.#words[slot * SLOT_WORDS + word] = lowHalf(base + offset);
    this.#words[slot * SLOT_WORDS + word + 1] = highHalf(base + offset);
  }

  low(slot: number): number {
    return this.#low[slot];
  }

  high(slot: number): number {
    return this.#high[slot];
  }

  /** Offset of the slot's address from its start. */
  get addressOffset(): number {
    return ADDRESS;
  }

  /** Writes the receiver's address alone; returns its length. */
  writeAddress(slot: number, family: number, to: Int32Array, at: number, port: number): number {
    return writeSocketAddress(family, to, at, port, this.#bytes, slot * SLOT_BYTES + ADDRESS);
  }

  /**
   * A message of one piece. `port` -1: to the connected peer. `localAt` -1: from whatever address
   * the kernel takes. `segmentBytes` above 0: as datagrams of so many bytes each, the last one of
   * what is left (UDP_SEGMENT, udp(7)).
   */
  writeMessage(
    slot: number,
    family: number,
    words: Int32Array,
    at: number,
    port: number,
    localAt: number,
    payloadLow: number,
    payloadHigh: number,
    payloadBytes: number,
    segmentBytes: number,
  ): void {
    assert(slot < this.#count, "a slot per submission entry");
    const first = slot * SLOT_WORDS;
    this.#words[first + NAME_BYTES] = port < 0
      ? 0
      : this.writeAddress(slot, family, words, at, port);
    this.#words[first + VECTOR_COUNT] = 1;
    let control = localAt < 0 ? 0 : this.#writeSource(slot, family, words, localAt);
    if (segmentBytes > 0) control += this.#writeSegment(slot, control, segmentBytes);
    this.#words[first + CONTROL_BYTES] = control;
    this.#writeVector(first + FIRST_VECTOR / 4, payloadLow, payloadHigh, payloadBytes);
  }

  /** Both ends are link-local: the interface is part of their addresses (see noteInterface). */
  #writeInterface(slot: number, index: number): void {
    const control = (slot * SLOT_BYTES + CONTROL_AT) / 4;
    this.#words[control + 5] = 0;
    this.#words[control + 8] = index;
    this.#words[(slot * SLOT_BYTES + ADDRESS + SCOPE_OFFSET) / 4] = index;
  }

  /** The control message that makes several datagrams of one piece. Returns its length. */
  #writeSegment(slot: number, offset: number, segmentBytes: number): number {
    const word = (slot * SLOT_BYTES + CONTROL_AT + offset) / 4;
    this.#words[word] = CMSG_HEAD_BYTES + 2;
    this.#words[word + 1] = 0;
    this.#words[word + 2] = SOL_UDP;
    this.#words[word + 3] = UDP_SEGMENT;
    this.#words[word + 4] = segmentBytes;
    this.#words[word + 5] = 0;
    return SEGMENT_SPACE;
  }

  /** A message to a connected socket's peer: the prefix, then the payload. */
  writePrefixed(
    slot: number,
    prefix: Uint8Array,
    prefixBytes: number,
    payloadLow: number,
    payloadHigh: number,
    payloadBytes: number,
  ): void {
    assert(prefixBytes <= PREFIX_BYTES_MAX, "a prefix fits its slot");
    const first = slot * SLOT_WORDS;
    const at = slot * SLOT_BYTES + PREFIX;
    for (let i = 0; i < prefixBytes; i++) this.#bytes[at + i] = prefix[i];
    this.#words[first + NAME_BYTES] = 0;
    this.#words[first + VECTOR_COUNT] = 2;
    this.#words[first + CONTROL_BYTES] = 0;
    const vector = first + FIRST_VECTOR / 4;
    this.#writeVector(vector, this.#low[slot] + PREFIX, this.#high[slot], prefixBytes);
    this.#writeVector(first + SECOND_VECTOR / 4, payloadLow, payloadHigh, payloadBytes);
  }

  #writeVector(at: number, low: number, high: number, bytes: number): void {
    this.#words[at] = low;
    this.#words[at + 1] = high;
    this.#words[at + 2] = bytes;
    this.#words[at + 3] = 0;
  }

  /** The control message that makes the kernel send from this address. Returns its length. */
  #writeSource(slot: number, family: number, words: Int32Array, localAt: number): number {
    const at = slot * SLOT_BYTES + CONTROL_AT;
    const word = at / 4;
    const isIpv4 = family === AF_INET;
    const bytes = CMSG_HEAD_BYTES + (isIpv4 ? PKTINFO4_BYTES : PKTINFO6_BYTES);
    this.#words[word] = bytes;
    this.#words[word + 1] = 0;
    this.#words[word + 2] = isIpv4 ? SOL_IP : SOL_IPV6;
    this.#words[word + 3] = isIpv4 ? IP_PKTINFO : IPV6_PKTINFO;
    if (isIpv4) {
      this.#words[word + 4] = 0; // any interface
      writeIpv4Bytes(words, localAt, this.#bytes, at + 20);
      this.#words[word + 6] = 0;
    } else {
      // On a dual-stack socket an IPv4-mapped address is taken here too.
      writeIpv6Bytes(words, localAt, this.#bytes, at + 16);
      this.#words[word + 8] = 0;
      if (isLinkLocalWords(words, localAt)) this.#writeInterface(slot, words[localAt + 1]);
    }
    return (bytes + 7) & ~7;
  }
}

/** Bytes of the payload that recvmsg left in the buffer at `at` (in words). */
export function messagePayloadBytes(slabWords: Int32Array, at: number): number {
  return slabWords[at + PAYLOAD_BYTES_WORD];
}

/** Offset of the sender's struct sockaddr in such a buffer. */
export const MESSAGE_SENDER_OFFSET = OUT_HEAD_BYTES;

/** Where in the buffer at `at` the control message of this kind has its data; -1 without one. */
function findControl(
  slabWords: Int32Array,
  at: number,
  level: number,
  type: number,
): number {
  const start = at + OUT_HEAD_BYTES + NAME_ROOM;
  const end = start + slabWords[at / 4 + CONTROL_BYTES_WORD];
  for (let each = start; each + CMSG_HEAD_BYTES <= end;) {
    const word = each / 4;
    if (slabWords[word + 2] === level && slabWords[word + 3] === type) {
      return each + CMSG_HEAD_BYTES;
    }
    each += (slabWords[word] + 7) & ~7;
  }
  return -1;
}

/** Bytes of each datagram but the last in a buffer that the kernel filled with several; or 0. */
export function messageSegmentBytes(slabWords: Int32Array, at: number): number {
  if (slabWords[at / 4 + CONTROL_BYTES_WORD] === 0) return 0;
  const segment = findControl(slabWords, at, SOL_UDP, UDP_GRO);
  return segment < 0 ? 0 : slabWords[segment / 4];
}

/** Reads the address that a datagram was sent to; zeros when the socket does not tell. */
export function readMessageTarget(
  slab: Uint8Array,
  slabWords: Int32Array,
  at: number,
  words: Int32Array,
  to: number,
): void {
  const ipv4 = findControl(slabWords, at, SOL_IP, IP_PKTINFO);
  if (ipv4 >= 0) {
    readIpv4Words(slab, ipv4 + 4, words, to);
    return;
  }
  const ipv6 = findControl(slabWords, at, SOL_IPV6, IPV6_PKTINFO);
  if (ipv6 >= 0) readIpv6Words(slab, ipv6, words, to);
  else for (let i = 0; i < 4; i++) words[to + i] = 0;
}

/**
 * Notes the interface in a link-local address: its number takes the place of the second word, which
 * is zero in every such address (RFC 4291 section 2.5.6). So a flow knows where it came in without
 * a word of its own, and its replies leave there.
 */
export function noteInterface(
  slabWords: Int32Array,
  at: number,
  words: Int32Array,
  localAt: number,
): void {
  words[localAt + 1] = slabWords[(at + MESSAGE_SENDER_OFFSET + SCOPE_OFFSET) / 4];
}
