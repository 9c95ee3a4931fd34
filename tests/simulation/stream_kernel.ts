/**
 * What the simulated kernel does with connections: accepts, connects, receives and sends go on in
 * pieces of any size, and fail as they may. One send and one receive per direction is what callers
 * promise.
 */
import { EAGAIN, ECONNABORTED, EMFILE, ENOBUFS } from "../../src/base/errno.ts";
import { bufferCapacity, bufferOffset } from "../../src/buffer/buffer_pool.ts";
import { FAST_BUFFER_BYTES, RECEIVE_ALLOWANCE_BYTES } from "../../src/limits.ts";
import { AF_UNIX } from "../../src/net/socket_address.ts";
import { ADDRESS_SLOT_BYTES, FAST_LANE, GATED_LANE, PEEK } from "../../src/ring/ring.ts";
import { encodeAddress } from "./address.ts";
import { promise } from "./promise.ts";
import type { SimulatedBuffers } from "./simulated_buffers.ts";
import type { End } from "./simulated_connection.ts";
import type { Operation } from "./simulated_operation.ts";
import type { SimulatedQueues } from "./simulated_queues.ts";
import { type SimulatedSockets, StreamSocket } from "./simulated_sockets.ts";
import type { StreamNetwork, Waiting } from "./stream_network.ts";

const POLLOUT = 4;

export class StreamKernel {
  readonly #queues: SimulatedQueues;
  readonly #sockets: SimulatedSockets;
  readonly #buffers: SimulatedBuffers;
  readonly #network: StreamNetwork;
  readonly #addresses: Uint8Array;
  /** The fast lane's receives are multishot. */
  readonly #multishot: boolean;

  constructor(
    queues: SimulatedQueues,
    sockets: SimulatedSockets,
    buffers: SimulatedBuffers,
    network: StreamNetwork,
    addresses: Uint8Array,
    multishot: boolean,
  ) {
    this.#queues = queues;
    this.#sockets = sockets;
    this.#buffers = buffers;
    this.#network = network;
    this.#addresses = addresses;
    this.#multishot = multishot;
  }

  progress(operation: Operation): void {
    switch (operation.type) {
      case "accept":
        return this.#accept(operation);
      case "connect":
        return this.#connect(operation);
      case "receive":
        return this.#receive(operation);
      case "send":
        return this.#send(operation);
      case "poll":
        if (!this.endOf(operation.fd).isWritable) return;
        return this.#queues.tell(operation, POLLOUT, false);
    }
  }

  endOf(fd: number): End {
    const { end } = this.#sockets.stream(fd);
    promise(end !== null, `fd ${fd} is connected`);
    return end;
  }

  isListening(fd: number): boolean {
    return this.#network.backlogs.has(fd);
  }

  stopListening(fd: number): void {
    this.#network.stopListening(fd);
  }

  #accept(operation: Operation): void {
    const { clock, random } = this.#queues;
    const backlog = this.#network.backlogs.get(operation.fd)!;
    if (backlog.length === 0) return;
    if (clock.hasFaults && random.oneIn(40)) {
      if (random.oneIn(2)) return this.#queues.tell(operation, -EMFILE, false);
      const { end } = backlog.shift()!;
      end.lingers = true;
      end.close();
      return this.#queues.tell(operation, -ECONNABORTED, false);
    }
    this.#queues.tell(operation, this.#take(backlog.shift()!, operation.slot), false);
  }

  acceptNow(fd: number, slot: number): number {
    const waiting = this.#network.backlogs.get(fd)!.shift();
    return waiting === undefined ? -EAGAIN : this.#take(waiting, slot);
  }

  /** Opens our end of a connection; returns its fd. */
  #take({ end, client }: Waiting, slot: number): number {
    const { family, address } = client.place;
    const bytes = encodeAddress(client.opening.from, family);
    const at = slot * ADDRESS_SLOT_BYTES;
    this.#addresses.fill(0, at, at + ADDRESS_SLOT_BYTES);
    this.#addresses.set(bytes, at);
    client.isAccepted = true;
    const socket = new StreamSocket(family, address);
    socket.end = end;
    return this.#sockets.open(socket);
  }

  drawFate(server: number): Operation["fate"] {
    return this.#network.drawFate(server);
  }

  #connect(operation: Operation): void {
    const { atMs, errno, server } = operation.fate!;
    if (this.#queues.clock.nowMs < atMs) return;
    const socket = this.#sockets.stream(operation.fd);
    if (errno === 0) socket.end = this.#network.connect(server, socket.boundIp);
    this.#queues.tell(operation, -errno, false);
  }

  begin(operation: Operation, lane: number): void {
    operation.lane = lane;
    operation.isMultishot = lane === FAST_LANE && this.#multishot;
    operation.picksFirst = operation.isMultishot;
    operation.allowance = RECEIVE_ALLOWANCE_BYTES;
  }

  #receive(operation: Operation): void {
    const { clock, random } = this.#queues;
    const { lane, kind } = operation;
    const buffers = this.#buffers.lanes[lane];
    const faulty = clock.hasFaults && random.oneIn(200);
    if (operation.picksFirst && (buffers.length === 0 || faulty)) {
      return this.#queues.tell(operation, -ENOBUFS, false);
    }
    operation.picksFirst = false;
    const socket = this.#sockets.stream(operation.fd);
    const end = this.endOf(operation.fd);
    // A full receive window wakes whoever waits, mark or not; unix sockets know no mark.
    const isPressed = clock.hasFaults && random.oneIn(50);
    const mark = socket.family === AF_UNIX || isPressed ? 1 : socket.lowWaterMark;
    for (let piece = 0; piece < 1 + random.below(6); piece++) {
      if (!end.isReadable(mark)) return;
      if (end.incoming.count > 0 && buffers.length === 0) {
        return this.#queues.tell(operation, -ENOBUFS, false);
      }
      const buffer = buffers[0] ?? -1;
      // A look shows all there is.
      const isWhole = kind === PEEK || random.oneIn(2);
      const room = isWhole ? FAST_BUFFER_BYTES : 1 + random.below(4096);
      const bytes = Math.min(room, buffer < 0 ? 1 : bufferCapacity(buffer));
      const at = buffer < 0 ? 0 : bufferOffset(buffer);
      const target = this.#buffers.slab.subarray(at, at + bytes);
      const result = end.read(target, lane === GATED_LANE);
      if (result === -EAGAIN) return;
      if (result <= 0) return this.#queues.tell(operation, result, false);
      buffers.shift();
      operation.allowance -= result;
      const ends = !operation.isMultishot || operation.allowance <= 0 ||
        (clock.hasFaults && random.oneIn(20));
      this.#queues.tell(operation, result, !ends, buffer);
      if (ends) return;
    }
  }

  #send(operation: Operation): void {
    const { clock, random } = this.#queues;
    const result = this.write(operation);
    if (result > 0) operation.sent += result;
    const isBroken = result < 0 && result !== -EAGAIN;
    const isShort = operation.sent > 0 && clock.hasFaults && random.oneIn(50);
    if (operation.sent < operation.bytes && !isBroken && !isShort) return;
    this.#queues.tell(operation, operation.sent > 0 ? operation.sent : result, false);
  }

  write(operation: Operation): number {
    const at = bufferOffset(operation.buffer) + operation.start;
    const bytes = this.#buffers.slab.subarray(at + operation.sent, at + operation.bytes);
    return this.endOf(operation.fd).write(bytes);
  }
}
