/**
 * The ring of the simulation: stands where io_uring and the kernel's sockets stand, and is as
 * unpleasant as they are allowed to be.
 *
 * Here is what can be asked for, and what callers promise when they ask: one send and one receive
 * per direction, no close of an fd with something in flight, none of what is not open. How it goes
 * on is in simulated_queues.ts (order and time), stream_kernel.ts and datagram_kernel.ts. Fds and
 * memory run out; a family may be missing altogether.
 */
import { EADDRNOTAVAIL, EAFNOSUPPORT, EMFILE } from "../../src/base/errno.ts";
import { bufferOffset } from "../../src/buffer/buffer_pool.ts";
import { portOf } from "../../src/net/socket_address.ts";
import { readSocketAddress } from "../../src/net/ip_words.ts";
import { SO_RCVLOWAT, SOL_SOCKET, SOL_UDP, UDP_GRO } from "../../src/net/socket_numbers.ts";
import {
  ADDRESS_SLOT_BYTES,
  DATAGRAM,
  DATAGRAM_SOCKET,
  PEEK,
  PEER_ENDED,
  PEER_GONE,
  REPLIES,
  type Ring,
  SEND,
} from "../../src/ring/ring.ts";
import { ipOfWords, wordsOf } from "./address.ts";
import { DatagramKernel } from "./datagram_kernel.ts";
import { addressAt, DatagramLedger } from "./datagram_ledger.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import { SimulatedBuffers } from "./simulated_buffers.ts";
import { Operation } from "./simulated_operation.ts";
import { SimulatedQueues } from "./simulated_queues.ts";
import { SimulatedSockets, StreamSocket } from "./simulated_sockets.ts";
import { StreamKernel } from "./stream_kernel.ts";
import type { World } from "./world.ts";

const FIRST_SERVER_PORT = 9000;

/** Hears where the worker connects to, before anything comes of it; servers of all backends. */
export interface RingWitness {
  onConnect(tunnel: number, server: number): void;
  onFlowConnect(server: number): void;
  /** A completion is about to be handled. */
  onTold(): void;
}

export class SimulatedRing extends SimulatedQueues implements Ring {
  readonly controlBytes = new Uint8Array(0);
  readonly signalCounts = new Uint8Array(8);
  readonly addresses: Uint8Array;
  readonly sockets: SimulatedSockets;
  readonly buffers: SimulatedBuffers;
  readonly datagrams: DatagramKernel | null;
  /** Fds whose close was asked for and not handed over yet. */
  readonly closing = new Set<number>();
  witness: RingWitness | null = null;
  readonly #streams: StreamKernel | null;
  readonly #scene: Scene;
  readonly #world: World;
  readonly #words = new Int32Array(4);

  constructor(scene: Scene, world: World, slab: Uint8Array, slots: number) {
    // What is late keeps back all that follows it: in a flood much is to come at once.
    super(world.clock, scene.seed, scene.kind === "datagram flood" ? 300 : 6);
    this.#scene = scene;
    this.#world = world;
    this.addresses = new Uint8Array(slots * ADDRESS_SLOT_BYTES);
    const places = [...scene.streams?.places ?? [], ...scene.datagrams?.places ?? []];
    this.sockets = new SimulatedSockets(Math.max(...places.map(({ fd }) => fd)) + 1);
    this.buffers = new SimulatedBuffers(slab);
    const { sockets, buffers, addresses } = this;
    this.#streams = world.streams === null
      ? null
      : new StreamKernel(this, sockets, buffers, world.streams, addresses, scene.multishot);
    if (world.datagrams === null) this.datagrams = null;
    else {
      const ledger = new DatagramLedger(scene.plan, world.datagrams);
      this.datagrams = new DatagramKernel(this, sockets, buffers, world.datagrams, ledger);
      for (const place of scene.datagrams!.places) {
        const socket = new DatagramSocket(place.family, place);
        socket.takesBursts = place.takesBursts;
        sockets.byFd.set(place.fd, socket);
        world.datagrams.bind(socket);
      }
    }
  }

  // ---- Turns ------------------------------------------------------------------------------

  protected step(): void {
    this.#world.step();
  }

  override next(): boolean {
    if (!super.next()) return false;
    this.witness?.onTold();
    return true;
  }

  protected progress(operation: Operation): void {
    if (operation.type.startsWith("receive") && operation.type !== "receive") {
      this.datagrams!.progress(operation);
    } else this.#streams!.progress(operation);
  }

  protected isAboutToTell({ type, fd }: Operation): boolean {
    if (type === "receive") return this.#streams!.endOf(fd).incoming.count > 0;
    return this.sockets.datagram(fd).queue.length > 0;
  }

  get #isMessage(): boolean {
    return this.buffer >= 0 && (this.kind === DATAGRAM || this.kind === REPLIES);
  }

  get payloadAt(): number {
    if (this.#isMessage) return this.datagrams!.payloadAt(this.buffer);
    return this.buffer < 0 ? 0 : bufferOffset(this.buffer);
  }

  get segmentBytes(): number {
    return this.#isMessage ? this.datagrams!.segmentBytes(this.buffer) : 0;
  }

  readEnvelope(words: Int32Array, to: number): number {
    return this.datagrams!.readEnvelope(this.buffer, words, to);
  }

  offerBuffer(lane: number, buffer: number): void {
    this.buffers.offer(lane, buffer);
  }

  // ---- At once ----------------------------------------------------------------------------

  openSocket(family: number, type: number): number {
    if (family === this.#scene.missingFamily) return -EAFNOSUPPORT;
    if (this.clock.hasFaults && this.random.oneIn(60)) return -EMFILE;
    return this.sockets.open(
      type === DATAGRAM_SOCKET ? new DatagramSocket(family, null) : new StreamSocket(family, null),
    );
  }

  setOption(fd: number, level: number, option: number, value: number): number {
    const socket = this.sockets.at(fd);
    if (level === SOL_SOCKET && option === SO_RCVLOWAT && socket instanceof StreamSocket) {
      socket.lowWaterMark = value;
    }
    if (level === SOL_UDP && option === UDP_GRO && socket instanceof DatagramSocket) {
      socket.takesBursts = value === 1;
    }
    return 0;
  }

  bindNow(fd: number, _family: number, words: Int32Array, at: number, port: number): number {
    promise(port === 0, "the kernel picks the port");
    if (this.clock.hasFaults && this.random.oneIn(20)) return -EADDRNOTAVAIL;
    this.sockets.at(fd).boundIp = ipOfWords(words, at);
    return 0;
  }

  connectNow(fd: number, slot: number): number {
    const at = slot * ADDRESS_SLOT_BYTES;
    const port = readSocketAddress(this.addresses, at, this.#words, 0);
    this.witness?.onFlowConnect(port - FIRST_SERVER_PORT);
    return this.datagrams!.connect(fd, addressAt(this.#words, 0, port));
  }

  localName(fd: number, words: Int32Array, to: number): number {
    const socket = this.sockets.at(fd);
    if (socket instanceof StreamSocket) {
      if (socket.local === null) {
        words.fill(0, to, to + 4);
        return -1;
      }
      words.set(wordsOf(socket.local.ip), to);
      return socket.local.port;
    }
    const { ips, port, isWildcard } = socket.place!;
    if (isWildcard) words.fill(0, to, to + 4);
    else words.set(wordsOf(ips[0]), to);
    return port;
  }

  sendBytes(fd: number, bytes: Uint8Array, count: number): number {
    promise(!this.isInFlight(fd, isSend), "one send is in flight per socket");
    return this.#streams!.endOf(fd).write(bytes.slice(0, count));
  }

  peerEnded(fd: number): number {
    const { hasPeerEnded, isReset, incoming } = this.#streams!.endOf(fd);
    if (!hasPeerEnded) return 0;
    return isReset || incoming.count === 0 ? PEER_GONE : PEER_ENDED;
  }

  acceptNow(fd: number, slot: number): number {
    promise(!this.isInFlight(fd), "nobody else accepts");
    return this.#streams!.acceptNow(fd, slot);
  }

  closeNow(fd: number): void {
    promise(!this.isInFlight(fd), `nothing is in flight on fd ${fd} when it is closed`);
    if (this.#streams?.isListening(fd)) this.#streams.stopListening(fd);
    else this.#close(fd);
  }

  #close(fd: number): void {
    const socket = this.sockets.at(fd);
    this.sockets.close(fd);
    if (socket instanceof DatagramSocket) this.datagrams!.close(socket);
  }

  discard(fd: number, bytes: number): number {
    const reads = ({ isReceive, kind }: Operation) => isReceive && kind !== PEEK;
    promise(!this.isInFlight(fd, reads), "nobody reads what is about to be discarded");
    return this.#streams!.endOf(fd).incoming.discard(bytes);
  }

  shutdownWrite(fd: number): number {
    promise(!this.isInFlight(fd, isSend), "a FIN follows the last byte");
    return this.#streams!.endOf(fd).shutdownWrite();
  }

  resetOnClose(fd: number): number {
    const { end } = this.sockets.stream(fd);
    if (end !== null) end.lingers = true;
    return 0;
  }

  close(fd: number): void {
    this.closing.add(fd);
    this.push(() => {
      promise(!this.isInFlight(fd), `nothing is in flight on fd ${fd} when it is closed`);
      this.note("asked", { type: "close", fd });
      this.#close(fd);
      this.closing.delete(fd);
    });
  }

  // ---- Streams ----------------------------------------------------------------------------

  accept(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("accept", fd, kind, index, generation);
    operation.slot = slot;
    this.ask(operation, () => {
      promise(this.#streams!.isListening(fd), "accepts are of a listener");
    });
  }

  connect(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("connect", fd, kind, index, generation);
    const port = portOf(this.addresses.subarray(slot * ADDRESS_SLOT_BYTES));
    const server = port - FIRST_SERVER_PORT;
    this.witness?.onConnect(index >> 1, server);
    operation.fate = this.#streams!.drawFate(server);
    this.ask(operation, () => {
      promise(this.sockets.stream(fd).end === null, `fd ${fd} is fresh`);
    });
  }

  receive(fd: number, lane: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("receive", fd, kind, index, generation);
    this.#streams!.begin(operation, lane);
    this.#askToReceive(operation);
  }

  #askToReceive(operation: Operation): void {
    const { fd } = operation;
    this.ask(operation, () => {
      promise(!this.isInFlight(fd, isReceive), "one receive is in flight per socket");
    });
  }

  sendNow(
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const operation = new Operation("send", fd, kind, index, generation);
    Object.assign(operation, { buffer, start, bytes });
    this.push(() => {
      promise(!this.isInFlight(fd, isSend), "one send is in flight per socket");
      const result = this.#streams!.write(operation);
      this.note("asked", { type: "sendNow", fd, index, generation, buffer, bytes, result });
      if (result !== bytes) this.notify(fd, kind, index, generation, result);
    });
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
    const operation = new Operation("send", fd, kind, index, generation);
    Object.assign(operation, { buffer, start, bytes });
    this.ask(operation, () => {
      promise(!this.isInFlight(fd, isSend), "one send is in flight per socket");
    });
  }

  pollWritable(fd: number, kind: number, index: number, generation: number): void {
    this.ask(new Operation("poll", fd, kind, index, generation), () => {});
  }

  // ---- Datagrams --------------------------------------------------------------------------

  receiveMessages(fd: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("receiveMessages", fd, kind, index, generation);
    operation.isMultishot = true;
    operation.picksFirst = true;
    this.#askToReceive(operation);
  }

  receiveDatagrams(
    fd: number,
    one: boolean,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const operation = new Operation("receiveDatagrams", fd, kind, index, generation);
    operation.isMultishot = !one;
    operation.picksFirst = !one;
    this.#askToReceive(operation);
  }

  sendDatagram(
    fd: number,
    offset: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    this.sendPrefixed(fd, new Uint8Array(), 0, offset, bytes, kind, index, generation);
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
    const copied = prefix.slice(0, prefixBytes);
    this.#forward(fd, copied, offset, bytes, 0, kind, index, generation);
  }

  #forward(
    fd: number,
    prefix: Uint8Array,
    offset: number,
    bytes: number,
    segmentBytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    const kernel = this.datagrams!;
    const asked = kernel.ledger.nextOrder;
    this.push(() => {
      const result = kernel.forward(fd, prefix, offset, bytes, segmentBytes, asked);
      const type = "forward";
      this.note("asked", { type, fd, index, generation, bytes, segmentBytes, result });
      // The send is over, whenever its news is seen: it holds no fd.
      if (result < 0) this.notify(-1, kind, index, generation, result);
    });
  }

  sendMessage(
    fd: number,
    family: number,
    words: Int32Array,
    at: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void {
    if (port < 0) {
      const none = new Uint8Array();
      this.#forward(fd, none, offset, bytes, segmentBytes, kind, index, generation);
      return;
    }
    const to = addressAt(words, at, port);
    const localIp = localAt < 0 ? null : ipOfWords(words, localAt);
    const kernel = this.datagrams!;
    const asked = kernel.ledger.nextOrder;
    this.push(() => {
      const result = kernel.reply(fd, family, to, localIp, offset, bytes, segmentBytes, asked);
      const type = "reply";
      this.note("asked", { type, fd, index, generation, port, bytes, segmentBytes, result });
      if (result < 0) this.notify(-1, kind, index, generation, result);
    });
  }

  sendBurstNow(
    fd: number,
    family: number,
    words: Int32Array,
    at: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): number {
    this.handOver();
    const kernel = this.datagrams!;
    const asked = kernel.ledger.nextOrder;
    if (port < 0) {
      const none = new Uint8Array();
      return kernel.forward(fd, none, offset, bytes, segmentBytes, asked) || bytes;
    }
    const to = addressAt(words, at, port);
    const localIp = localAt < 0 ? null : ipOfWords(words, localAt);
    return kernel.reply(fd, family, to, localIp, offset, bytes, segmentBytes, asked) || bytes;
  }

  // ---- Of a worker that has a supervisor ----------------------------------------------------

  readControl(): void {}

  readSignals(): void {}
}

function isSend({ type, kind }: Operation): boolean {
  return type === "send" || (type === "notice" && kind === SEND);
}

function isReceive({ isReceive }: Operation): boolean {
  return isReceive;
}
