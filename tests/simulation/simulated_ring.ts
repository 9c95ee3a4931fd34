/**
 * The ring of the simulation: stands where io_uring and the kernel's sockets stand, and is as
 * unpleasant as they are allowed to be.
 *
 * Data comes in pieces of any size; completions of different operations come in any order, and may
 * be seen turns after what they tell has happened; a cancel may lose against success; buffers may
 * be said to be missing; fds and memory run out; fd numbers are reused at once, the lowest first.
 * What callers promise is checked: one send and one receive per direction, no close of an fd with
 * something in flight, no buffer offered twice. A buffer that is offered is overwritten, so that
 * who still reads it sees nonsense.
 */
import { EAGAIN, ECANCELED, ECONNABORTED, EMFILE, ENOBUFS } from "../../src/base/errno.ts";
import { Random } from "../../src/base/random.ts";
import { bufferCapacity, bufferOffset } from "../../src/buffer/buffer_pool.ts";
import { FAST_BUFFER_BYTES, RECEIVE_ALLOWANCE_BYTES } from "../../src/limits.ts";
import { encodeSocketAddress, portOf } from "../../src/net/socket_address.ts";
import {
  ADDRESS_SLOT_BYTES,
  FAST_LANE,
  GATED_LANE,
  IGNORED,
  type Ring,
} from "../../src/ring/ring.ts";
import type { Scene } from "./scene.ts";
import type { End } from "./simulated_connection.ts";
import type { SimulatedNetwork } from "./simulated_network.ts";
import { type Completion, Operation, type OperationType } from "./simulated_operation.ts";

const ENOENT = 2;
const POLLOUT = 4;
/** Standard streams and the listener. */
const FIRST_FD = 4;
/** Time that passes at most between two looks at the world. */
const STEP_MS_MAX = 5;

export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

export function promise(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BrokenPromise(what);
}

export class SimulatedRing implements Ring {
  nowMs: number;
  kind = 0;
  index = 0;
  generation = 0;
  result = 0;
  more = false;
  buffer = -1;
  readonly controlBytes = new Uint8Array(0);
  readonly signalCounts = new Uint8Array(8);
  readonly addresses: Uint8Array;
  /** Buffers that the kernel may fill, by lane, in order. */
  readonly lanes: number[][] = [[], []];
  readonly operations = new Set<Operation>();
  /** Open sockets; null is one that is not connected. */
  readonly sockets = new Map<number, End | null>();
  turns = 0;
  /** Hears what is asked and told, a line each; for looking into a seed. */
  trace: ((line: string) => void) | null = null;
  readonly #slab: Uint8Array;
  readonly #scene: Scene;
  readonly #network: SimulatedNetwork;
  readonly #random: Random;
  readonly #queue: (() => void)[] = [];
  #ready: Completion[] = [];
  /** Turns since time passed or anything was told. */
  #idleTurns = 0;

  constructor(scene: Scene, network: SimulatedNetwork, slab: Uint8Array, slots: number) {
    this.#scene = scene;
    this.#network = network;
    this.#slab = slab;
    this.#random = new Random(scene.seed ^ 0x41e6);
    this.addresses = new Uint8Array(slots * ADDRESS_SLOT_BYTES);
    this.nowMs = network.nowMs;
  }

  // ---- Turns ------------------------------------------------------------------------------

  turn(waitMs: number): number {
    promise(this.#ready.length === 0, "a turn handles every completion of the one before");
    this.turns++;
    for (const submit of this.#queue.splice(0)) submit();
    const untilMs = this.#network.nowMs + waitMs;
    const beganMs = this.#network.nowMs;
    for (;;) {
      this.#network.step();
      for (const operation of this.#shuffled()) this.#progress(operation);
      this.#collect();
      if (this.#ready.length > 0 || this.#network.nowMs >= untilMs) break;
      this.#network.nowMs += Math.min(1 + this.#random.below(STEP_MS_MAX), waitMs);
    }
    const isVain = ({ result }: Completion) => result === -ENOBUFS || result === -EAGAIN;
    const isIdle = this.#ready.every(isVain) && this.#network.nowMs === beganMs;
    this.#idleTurns = isIdle ? this.#idleTurns + 1 : 0;
    promise(this.#idleTurns < 50, "a worker with nothing to do waits");
    // Even without waiting, calls take time.
    if (this.#random.oneIn(8)) this.#network.nowMs++;
    this.nowMs = this.#network.nowMs;
    return this.#ready.length;
  }

  next(): boolean {
    if (this.#ready.length === 0 && this.#network.hasFaults && this.#random.oneIn(4)) {
      // As if the completion queue had overflowed: more is told, nothing more was submitted.
      for (const operation of this.#shuffled()) this.#progress(operation);
      this.#collect();
    }
    const completion = this.#ready.shift();
    if (completion === undefined) return false;
    this.kind = completion.kind;
    this.index = completion.index;
    this.generation = completion.generation;
    this.result = completion.result;
    this.more = completion.more;
    this.buffer = completion.buffer;
    this.#note("  told", completion);
    return true;
  }

  #note(what: string, about: Readonly<Record<string, unknown>> | Completion): void {
    if (this.trace === null) return;
    const fields = Object.entries(about).map(([name, value]) => `${name}=${value}`);
    this.trace(`turn ${this.turns} at ${this.#network.elapsedMs} ms: ${what} ${fields.join(" ")}`);
  }

  /** Queues something; a full queue is handed over before its turn. */
  #push(submit: () => void): void {
    this.#queue.push(submit);
    if (!this.#network.hasFaults || !this.#random.oneIn(30)) return;
    for (const each of this.#queue.splice(0)) each();
  }

  #shuffled(): Operation[] {
    const operations = [...this.operations];
    for (let i = operations.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1);
      [operations[i], operations[j]] = [operations[j], operations[i]];
    }
    return operations;
  }

  /** Takes what is due from each operation, in its order; operations among each other in any. */
  #collect(): void {
    for (const operation of this.#shuffled()) {
      const { completions } = operation;
      while (completions.length > 0 && completions[0].turn <= this.turns) {
        this.#ready.push(completions.shift()!);
      }
      if (operation.isOver && completions.length === 0) this.operations.delete(operation);
    }
  }

  #tell(operation: Operation, result: number, more: boolean, buffer = -1): void {
    const { kind, index, generation, completions } = operation;
    const late = this.#network.hasFaults && this.#random.oneIn(6) ? this.#random.below(4) : 0;
    const turn = Math.max(this.turns + late, completions.at(-1)?.turn ?? 0);
    completions.push({ kind, index, generation, result, more, buffer, turn });
    if (!more) operation.isOver = true;
  }

  // ---- Progress ---------------------------------------------------------------------------

  #progress(operation: Operation): void {
    if (operation.isOver) return;
    if (operation.isCancelled && !this.#random.oneIn(3)) {
      const { sent } = operation;
      this.#tell(operation, sent > 0 ? sent : -ECANCELED, false);
      return;
    }
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
        if (this.#endOf(operation.fd).isWritable) this.#tell(operation, POLLOUT, false);
        return;
    }
  }

  #accept(operation: Operation): void {
    if (this.#network.backlog.length === 0) return;
    if (this.#network.hasFaults && this.#random.oneIn(40)) {
      if (this.#random.oneIn(2)) return this.#tell(operation, -EMFILE, false);
      const lost = this.#network.backlog.shift()!;
      lost.lingers = true;
      lost.close();
      return this.#tell(operation, -ECONNABORTED, false);
    }
    const fd = this.#openFd(this.#network.backlog.shift()!);
    this.#writeAddress(operation.slot);
    this.#tell(operation, fd, false);
  }

  #writeAddress(slot: number): void {
    const client = this.#random.below(250);
    const address = encodeSocketAddress(Uint8Array.of(10, 0, 0, client), 40_000);
    this.addresses.set(address, slot * ADDRESS_SLOT_BYTES);
  }

  #connect(operation: Operation): void {
    const { atMs, errno } = operation.fate!;
    if (this.#network.nowMs < atMs) return;
    if (errno === 0) this.sockets.set(operation.fd, this.#network.connect());
    this.#tell(operation, -errno, false);
  }

  #receive(operation: Operation): void {
    const end = this.#endOf(operation.fd);
    const lane = this.lanes[operation.lane];
    const faulty = this.#network.hasFaults && this.#random.oneIn(200);
    if (operation.picksFirst && (lane.length === 0 || faulty)) {
      return this.#tell(operation, -ENOBUFS, false);
    }
    operation.picksFirst = false;
    for (let piece = 0; piece < 1 + this.#random.below(6); piece++) {
      if (end.incoming.count > 0 && lane.length === 0) {
        return this.#tell(operation, -ENOBUFS, false);
      }
      const buffer = lane[0] ?? -1;
      const room = this.#random.oneIn(2) ? FAST_BUFFER_BYTES : 1 + this.#random.below(4096);
      const bytes = Math.min(room, buffer < 0 ? 1 : bufferCapacity(buffer));
      const at = buffer < 0 ? 0 : bufferOffset(buffer);
      const result = end.read(this.#slab.subarray(at, at + bytes), operation.lane === GATED_LANE);
      if (result === -EAGAIN) return;
      if (result <= 0) return this.#tell(operation, result, false);
      lane.shift();
      operation.allowance -= result;
      const ends = !operation.isMultishot || operation.allowance <= 0 ||
        (this.#network.hasFaults && this.#random.oneIn(20));
      this.#tell(operation, result, !ends, buffer);
      if (ends) return;
    }
  }

  #send(operation: Operation): void {
    const result = this.#write(operation.fd, operation);
    if (result > 0) operation.sent += result;
    const isBroken = result < 0 && result !== -EAGAIN;
    const isShort = operation.sent > 0 && this.#network.hasFaults && this.#random.oneIn(50);
    if (operation.sent < operation.bytes && !isBroken && !isShort) return;
    this.#tell(operation, operation.sent > 0 ? operation.sent : result, false);
  }

  #write(fd: number, operation: Operation): number {
    const at = bufferOffset(operation.buffer) + operation.start;
    const bytes = this.#slab.subarray(at + operation.sent, at + operation.bytes);
    return this.#endOf(fd).write(bytes);
  }

  // ---- Sockets ----------------------------------------------------------------------------

  #openFd(end: End | null): number {
    let fd = FIRST_FD;
    while (this.sockets.has(fd)) fd++;
    this.sockets.set(fd, end);
    return fd;
  }

  #endOf(fd: number): End {
    const end = this.sockets.get(fd);
    promise(end !== undefined, `fd ${fd} is open`);
    promise(end !== null, `fd ${fd} is connected`);
    return end;
  }

  openSocket(_family: number): number {
    if (this.#network.hasFaults && this.#random.oneIn(60)) return -EMFILE;
    return this.#openFd(null);
  }

  acceptNow(fd: number, slot: number): number {
    promise(!this.#isInFlight(fd), "nobody else accepts");
    const end = this.#network.backlog.shift();
    if (end === undefined) return -EAGAIN;
    this.#writeAddress(slot);
    return this.#openFd(end);
  }

  closeNow(fd: number): void {
    promise(fd === this.#scene.plan.listeners[0].fd, "only listeners are closed like this");
    promise(!this.#isInFlight(fd), `nothing is in flight on fd ${fd} when it is closed`);
    this.#network.stopListening();
  }

  discard(fd: number, bytes: number): number {
    promise(!this.#isInFlight(fd, "receive"), "nobody reads what is about to be discarded");
    return this.#endOf(fd).incoming.discard(bytes);
  }

  shutdownWrite(fd: number): number {
    promise(!this.#isInFlight(fd, "send"), "a FIN follows the last byte");
    return this.#endOf(fd).shutdownWrite();
  }

  resetOnClose(fd: number): number {
    const end = this.sockets.get(fd);
    promise(end !== undefined, `fd ${fd} is open`);
    if (end !== null) end.lingers = true;
    return 0;
  }

  #isInFlight(fd: number, type?: OperationType): boolean {
    for (const operation of this.operations) {
      if (operation.fd === fd && (type === undefined || operation.type === type)) return true;
    }
    return false;
  }

  close(fd: number): void {
    this.#push(() => {
      promise(!this.#isInFlight(fd), `nothing is in flight on fd ${fd} when it is closed`);
      const end = this.sockets.get(fd);
      promise(end !== undefined, `fd ${fd} is open`);
      this.#note("asked", { type: "close", fd });
      end?.close();
      this.sockets.delete(fd);
    });
  }

  // ---- Operations -------------------------------------------------------------------------

  #ask(operation: Operation, check: () => void): void {
    this.#push(() => {
      check();
      this.operations.add(operation);
      const { type, fd, kind, index, generation, buffer, bytes } = operation;
      this.#note("asked", { type, fd, kind, index, generation, buffer, bytes });
    });
  }

  accept(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("accept", fd, kind, index, generation);
    operation.slot = slot;
    this.#ask(operation, () => promise(this.#network.isListening, "accepts are of a listener"));
  }

  connect(fd: number, slot: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("connect", fd, kind, index, generation);
    const address = this.addresses.subarray(slot * ADDRESS_SLOT_BYTES);
    operation.fate = this.#network.drawFate(portOf(address));
    this.#ask(operation, () => promise(this.sockets.get(fd) === null, `fd ${fd} is fresh`));
  }

  receive(fd: number, lane: number, kind: number, index: number, generation: number): void {
    const operation = new Operation("receive", fd, kind, index, generation);
    operation.lane = lane;
    operation.isMultishot = lane === FAST_LANE && this.#scene.multishot;
    operation.picksFirst = operation.isMultishot;
    operation.allowance = RECEIVE_ALLOWANCE_BYTES;
    this.#ask(operation, () => {
      promise(!this.#isInFlight(fd, "receive"), "one receive is in flight per socket");
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
    this.#push(() => {
      promise(!this.#isInFlight(fd, "send"), "one send is in flight per socket");
      const result = this.#write(fd, operation);
      this.#note("asked", { type: "sendNow", fd, index, generation, buffer, bytes, result });
      if (result === bytes) return;
      // Bad news of such a send is never late: that is its contract.
      const turn = this.turns;
      operation.completions.push({
        kind,
        index,
        generation,
        result,
        more: false,
        buffer: -1,
        turn,
      });
      operation.isOver = true;
      this.operations.add(operation);
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
    this.#ask(operation, () => {
      promise(!this.#isInFlight(fd, "send"), "one send is in flight per socket");
    });
  }

  pollWritable(fd: number, kind: number, index: number, generation: number): void {
    this.#ask(new Operation("poll", fd, kind, index, generation), () => {});
  }

  cancel(kind: number, index: number, generation: number): void {
    this.#push(() => {
      const found = [...this.operations].find((each) =>
        each.kind === kind && each.index === index && each.generation === generation
      );
      if (found !== undefined && !found.isOver) found.isCancelled = true;
      else this.#ignore();
    });
  }

  cancelAll(fd: number): void {
    this.#push(() => {
      const found = [...this.operations].filter((each) => each.fd === fd && !each.isOver);
      for (const operation of found) operation.isCancelled = true;
      if (found.length === 0) this.#ignore();
    });
  }

  /** A cancel that found nothing says so, to nobody in particular. */
  #ignore(): void {
    const operation = new Operation("cancel", -1, IGNORED, 0, 0);
    this.#tell(operation, -ENOENT, false);
    this.operations.add(operation);
  }

  offerBuffer(lane: number, buffer: number): void {
    promise(!this.lanes[lane].includes(buffer), `buffer ${buffer} is offered once`);
    this.lanes[lane].push(buffer);
    const start = bufferOffset(buffer);
    this.#slab.fill(0xee, start, start + 256);
  }

  readControl(): void {}

  readSignals(): void {}
}
