/**
 * What the simulated kernel does with datagrams: sockets that hold a few, receives that end at any
 * time, sends that end within the call that submits them and fail as they may; bursts that it puts
 * together where a socket takes them, and that not every path takes. Whatever enters or leaves the
 * worker here is entered in the ledger.
 */
import { EADDRNOTAVAIL, EAGAIN, EINVAL, ENOBUFS } from "../../src/base/errno.ts";
import { bufferOffset, BUFFERS_MAX, JOURNAL_OFFSET } from "../../src/buffer/buffer_pool.ts";
import { DATAGRAM_BUFFER_BYTES, DATAGRAM_BUFFERS_MAX } from "../../src/limits.ts";
import { DATAGRAM_LANE } from "../../src/ring/ring.ts";
import { type Address, addressText, isIpv4, wordsOf } from "./address.ts";
import type { DatagramLedger } from "./datagram_ledger.ts";
import type { DatagramNetwork } from "./datagram_network.ts";
import type { Datagram, DatagramSocket } from "./datagram_socket.ts";
import { promise } from "./promise.ts";
import type { SimulatedBuffers } from "./simulated_buffers.ts";
import type { Operation } from "./simulated_operation.ts";
import type { SimulatedQueues } from "./simulated_queues.ts";
import type { SimulatedSockets } from "./simulated_sockets.ts";

const EIO = 5;
const EMSGSIZE = 90;
const PAYLOAD_BYTES_MAX_IPV4 = 65_507;
const PAYLOAD_BYTES_MAX_IPV6 = 65_527;
/** In front of the payload of a received message stands what the kernel tells of it. */
const ENVELOPE_BYTES = 112;
/** Datagrams of a burst, as the kernel puts it together. */
const BURST_DATAGRAMS_MAX = 64;
const FIRST_BUFFER = BUFFERS_MAX - DATAGRAM_BUFFERS_MAX;
/** Until then, paths of clients and servers may change. */
const PATHS_CHANGE_MS = 500;
/**
 * Datagrams with a PROXY header in front always leave. Without this, a header whose datagram fails
 * to leave is never sent, and the ledger says so ("a flow begins with a header").
 */
const SPARES_HEADERS = true;
/** How a path says that it takes no bursts. */
const BURST_REFUSALS = [EINVAL, EMSGSIZE, EIO];

interface Envelope {
  readonly datagram: Datagram;
  readonly tellsTarget: boolean;
  /** 0: one datagram. */
  readonly segmentBytes: number;
}

export class DatagramKernel {
  readonly ledger: DatagramLedger;
  readonly network: DatagramNetwork;
  readonly #queues: SimulatedQueues;
  readonly #sockets: SimulatedSockets;
  readonly #buffers: SimulatedBuffers;
  /** Whether the worker holds a buffer. */
  isLeased: (buffer: number) => boolean = () => true;
  /** By buffer: of the message in it. */
  readonly #envelopes = new Map<number, Envelope>();

  constructor(
    queues: SimulatedQueues,
    sockets: SimulatedSockets,
    buffers: SimulatedBuffers,
    network: DatagramNetwork,
    ledger: DatagramLedger,
  ) {
    this.#queues = queues;
    this.#sockets = sockets;
    this.#buffers = buffers;
    this.network = network;
    this.ledger = ledger;
  }

  // ---- Receiving --------------------------------------------------------------------------

  progress(operation: Operation): void {
    const { clock, random } = this.#queues;
    const isDry = this.#buffers.isDry(DATAGRAM_LANE);
    const faulty = clock.hasFaults && random.oneIn(30);
    if (operation.picksFirst && (isDry || faulty)) {
      return this.#queues.tell(operation, -ENOBUFS, false);
    }
    operation.picksFirst = false;
    // So that a send may be the one that finds an error.
    if (clock.hasFaults && random.oneIn(3)) return;
    const socket = this.#sockets.datagram(operation.fd);
    const error = socket.takeError();
    if (error !== 0) {
      const onSeen = () => this.ledger.complain(socket, error);
      return this.#queues.tell(operation, -error, false, -1, onSeen);
    }
    for (let piece = 1 + random.below(400); piece > 0; piece--) {
      if (socket.queue.length === 0) return;
      if (this.#buffers.isDry(DATAGRAM_LANE)) {
        return this.#queues.tell(operation, -ENOBUFS, false);
      }
      if (!this.#hand(operation, socket)) return;
    }
  }

  /** Hands one datagram over, or a burst; false when that was the operation's last. */
  #hand(operation: Operation, socket: DatagramSocket): boolean {
    const { clock, random } = this.#queues;
    const isMessage = operation.type === "receiveMessages";
    const count = isMessage ? this.#countBurst(socket) : 1;
    const datagrams = socket.queue.splice(0, count);
    const onSeen = () => {
      for (const each of datagrams) {
        if (socket.place !== null) this.ledger.handRequest(each);
        else this.ledger.handReply(socket, each);
      }
    };
    const [datagram] = datagrams;
    const isEmpty = datagram.bytes.length === 0;
    if (isEmpty && !isMessage) {
      this.#queues.tell(operation, 0, false, -1, onSeen);
      return false;
    }
    const buffer = this.#buffers.lanes[DATAGRAM_LANE].shift()!;
    let at = bufferOffset(buffer);
    if (isMessage) {
      const tellsTarget = socket.place?.isWildcard ?? false;
      const segmentBytes = count === 1 ? 0 : datagram.bytes.length;
      this.#envelopes.set(buffer, { datagram, tellsTarget, segmentBytes });
      at += ENVELOPE_BYTES;
    }
    let bytes = 0;
    for (const each of datagrams) {
      this.#buffers.slab.set(each.bytes, at + bytes);
      bytes += each.bytes.length;
    }
    const breaks = clock.hasFaults && random.oneIn(this.network.isFlood ? 300 : 20);
    const more = operation.isMultishot && !isEmpty && !breaks;
    this.#queues.tell(operation, bytes, more, buffer, onSeen);
    return more;
  }

  /** How many of the datagrams that wait are handed over as one: of one size, but for the last. */
  #countBurst({ queue, takesBursts }: DatagramSocket): number {
    const { random } = this.#queues;
    const [first] = queue;
    const segmentBytes = first.bytes.length;
    if (!takesBursts || segmentBytes === 0 || random.oneIn(4)) return 1;
    const countMax = 2 + random.below(BURST_DATAGRAMS_MAX - 1);
    const room = Math.min(DATAGRAM_BUFFER_BYTES - ENVELOPE_BYTES, PAYLOAD_BYTES_MAX_IPV4);
    let count = 1;
    for (let bytes = segmentBytes; count < Math.min(countMax, queue.length); count++) {
      const { bytes: next, from, to } = queue[count];
      const isOfBurst = next.length > 0 && next.length <= segmentBytes &&
        addressText(from) === addressText(first.from) && addressText(to) === addressText(first.to);
      bytes += next.length;
      if (!isOfBurst || bytes > room) break;
      if (next.length < segmentBytes) return count + 1;
    }
    return count;
  }

  /** Where the payload stands in a buffer that a message was received into. */
  payloadAt(buffer: number): number {
    return bufferOffset(buffer) + ENVELOPE_BYTES;
  }

  segmentBytes(buffer: number): number {
    return this.#envelopes.get(buffer)!.segmentBytes;
  }

  readEnvelope(buffer: number, words: Int32Array, to: number): number {
    const envelope = this.#envelopes.get(buffer);
    promise(envelope !== undefined, `buffer ${buffer} has a message in it`);
    const { datagram, tellsTarget } = envelope;
    words.set(wordsOf(datagram.from.ip), to);
    if (tellsTarget) words.set(wordsOf(datagram.to.ip), to + 4);
    else words.fill(0, to + 4, to + 8);
    return datagram.from.port;
  }

  // ---- Sending ----------------------------------------------------------------------------

  /**
   * From the socket of a flow, to its server; as several datagrams when there are segments. Returns
   * what went wrong, 0 when nothing did.
   *
   * @param asked DatagramLedger.nextOrder when the worker asked for it.
   */
  forward(
    fd: number,
    prefix: Uint8Array,
    offset: number,
    bytes: number,
    segmentBytes: number,
    asked: number,
  ): number {
    const socket = this.#sockets.datagram(fd);
    const { remote, local } = socket;
    promise(remote !== null && local !== null, `fd ${fd} is connected`);
    const pieces = this.#cut(offset, bytes, segmentBytes);
    const error = socket.takeError();
    if (error !== 0) this.ledger.complain(socket, error);
    const length = prefix.length + pieces[0].length;
    const isSpared = SPARES_HEADERS && prefix.length > 0;
    const result = error !== 0
      ? -error
      : isSpared
      ? 0
      : this.#attempt(socket.path, remote.ip, length, pieces);
    const { turns: turn } = this.#queues;
    const departure = { socket, prefix, isBurst: pieces.length > 1, asked, turn };
    if (isBurstRefused(pieces, result)) {
      for (const piece of pieces) this.ledger.withholdRequest(departure, piece);
      return result;
    }
    for (const piece of pieces) {
      this.ledger.forward(departure, piece, result !== 0);
      if (result !== 0) continue;
      const whole = prefix.length === 0 ? piece : Uint8Array.of(...prefix, ...piece);
      this.network.send({ from: local, to: remote, bytes: whole, client: null, request: -1 });
    }
    return result;
  }

  /** From a listener's socket to a client, likewise. */
  reply(
    fd: number,
    family: number,
    to: Address,
    localIp: string | null,
    offset: number,
    bytes: number,
    segmentBytes: number,
    asked: number,
  ): number {
    const socket = this.#sockets.datagram(fd);
    const { place } = socket;
    promise(place !== null, `fd ${fd} is a listener's`);
    promise(socket.family === family, "an address has the family of its socket");
    // Without being told, the kernel takes what address it likes.
    const choice = place.ips.filter((ip) => isIpv4(ip) === isIpv4(to.ip));
    const ip = localIp ?? choice[this.#queues.random.below(choice.length)];
    promise(place.ips.includes(ip), `${ip} is an address of fd ${fd}`);
    const from = { ip, port: place.port };
    const back = { place, to, from, asked, turn: this.#queues.turns };
    const pieces = this.#cut(offset, bytes, segmentBytes);
    const path = this.ledger.clientAt(to, from).id;
    const result = this.#attempt(path, to.ip, pieces[0].length, pieces);
    if (isBurstRefused(pieces, result)) {
      for (const piece of pieces) this.ledger.withholdReply(back, piece);
      return result;
    }
    for (const piece of pieces) {
      this.ledger.reply(back, piece, result !== 0);
      if (result !== 0) continue;
      this.network.send({ from, to, bytes: piece, client: null, request: -1 });
    }
    return result;
  }

  #cut(offset: number, bytes: number, segmentBytes: number): Uint8Array[] {
    this.#checkPlace(offset, bytes);
    if (segmentBytes === 0) return [this.#buffers.slab.slice(offset, offset + bytes)];
    promise(bytes > segmentBytes, "a burst is several datagrams");
    const pieces: Uint8Array[] = [];
    for (let done = 0; done < bytes; done += segmentBytes) {
      const end = Math.min(bytes, done + segmentBytes);
      pieces.push(this.#buffers.slab.slice(offset + done, offset + end));
    }
    promise(pieces.length <= BURST_DATAGRAMS_MAX, "a burst that came is not larger than one");
    return pieces;
  }

  /** What is sent lies in a buffer that is leased, or where sent datagrams are kept. */
  #checkPlace(offset: number, bytes: number): void {
    if (bytes === 0 || offset >= JOURNAL_OFFSET) return;
    const lane = offset - bufferOffset(FIRST_BUFFER);
    const buffer = FIRST_BUFFER + Math.floor(lane / DATAGRAM_BUFFER_BYTES);
    promise(lane >= 0, "a datagram is sent from the lane of datagrams");
    promise(this.isLeased(buffer), `buffer ${buffer} is not given back before its send`);
  }

  /** Whether a send works out: the path takes it, and the socket has room. */
  #attempt(path: number, ip: string, length: number, pieces: readonly Uint8Array[]): number {
    if (length > (isIpv4(ip) ? PAYLOAD_BYTES_MAX_IPV4 : PAYLOAD_BYTES_MAX_IPV6)) return -EMSGSIZE;
    const { clock, random } = this.#queues;
    if (pieces.length > 1 && this.#refusesBursts(path)) return -BURST_REFUSALS[path % 3];
    return clock.hasFaults && random.oneIn(25) ? -EAGAIN : 0;
  }

  /** Some paths take no bursts, and some none any more: a route may change. */
  #refusesBursts(path: number): boolean {
    const { clock } = this.#queues;
    if (path % 4 === 0) return true;
    return path % 4 === 1 && clock.hasFaults && clock.elapsedMs > (path * 7919) % PATHS_CHANGE_MS;
  }

  // ---- Sockets ----------------------------------------------------------------------------

  connect(fd: number, remote: Address): number {
    const socket = this.#sockets.datagram(fd);
    promise(socket.remote === null, `fd ${fd} is fresh`);
    const { clock, random } = this.#queues;
    // EAGAIN: no local port is left.
    if (clock.hasFaults && random.oneIn(60)) return random.oneIn(2) ? -EADDRNOTAVAIL : -EAGAIN;
    return this.network.connect(socket, remote);
  }

  close(socket: DatagramSocket): void {
    this.network.unbind(socket);
  }
}

/** Then nothing has left, and it goes one by one. */
function isBurstRefused(pieces: readonly Uint8Array[], result: number): boolean {
  return pieces.length > 1 && BURST_REFUSALS.includes(-result);
}
