/**
 * A kernel ring to try things on, with sockets and buffers at hand; for tests.
 *
 * There are two engines, and what the one does the other has to do: `onEachEngine` runs a test on
 * both. A process has one ring per copy of the library, so each bench loads a copy of its own; the
 * tests of one file share a bench per engine.
 */
import assert from "node:assert/strict";
import { bufferOffset } from "../buffer/buffer_pool.ts";
import { FAST_BUFFERS_MAX, GATED_BUFFERS_MAX } from "../limits.ts";
import { formatIpWords } from "../net/ip_words.ts";
import { AF_INET, AF_INET6, encodeSocketAddress, portOf } from "../net/socket_address.ts";
import { loadShim, type Shim } from "../../ffi/shim.ts";
import { SQE_WORDS } from "./kernel_queues.ts";
import { KernelRing } from "./kernel_ring.ts";
import {
  ACCEPT,
  ADDRESS_SLOT_BYTES,
  CONNECT,
  DATAGRAM,
  DATAGRAM_LANE,
  DATAGRAM_SOCKET,
  EPOLL,
  SEND,
  STREAM,
  URING,
} from "./ring.ts";

const LIBRARY = `${import.meta.dirname}/../../.cache/shim/libringway.so`;
const ADDRESS_SLOTS = 64;
const TURNS_MAX = 200;
const FIRST_DATAGRAM = FAST_BUFFERS_MAX + GATED_BUFFERS_MAX;
const SOL_IPV6 = 41;
const IPV6_RECVPKTINFO = 49;

/** Far from the buffers that tests offer. */
export const SPARE = 100;
export const FIRST_GATED = FAST_BUFFERS_MAX;
export const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

/** What a completion said. */
export interface Seen {
  readonly kind: number;
  readonly index: number;
  readonly generation: number;
  readonly result: number;
  readonly more: boolean;
  readonly buffer: number;
  readonly payloadAt: number;
  readonly segmentBytes: number;
}

interface Envelope {
  readonly client: string;
  readonly port: number;
  readonly local: string;
}

export interface Listener {
  readonly fd: number;
  readonly port: number;
}

const SQE_FLAGS_WORD = 7;

class BenchRing extends KernelRing {
  /** Adds MSG_* flags to the send that was queued last. */
  flagLast(flags: number): void {
    const slot = (this.nextSlot + this.sqEntries - 1) % this.sqEntries;
    this.sqes[slot * SQE_WORDS + SQE_FLAGS_WORD] |= flags;
  }
}

export class RingBench {
  readonly shim: Shim;
  readonly ring: BenchRing;
  /** Of the datagrams seen. */
  readonly envelopes: Envelope[] = [];
  #offeredDatagrams = 0;

  constructor(engine: number) {
    const copy = Deno.makeTempFileSync({ suffix: ".so" });
    Deno.copyFileSync(LIBRARY, copy);
    this.shim = loadShim(copy);
    Deno.removeSync(copy);
    this.ring = new BenchRing(ADDRESS_SLOTS, engine, this.shim);
  }

  /** Turns until at least `count` completions were seen; fails when they do not come. */
  collectSome(count = 1): Seen[] {
    const { ring } = this;
    const seen: Seen[] = [];
    for (let turn = 0; turn < TURNS_MAX && seen.length < count; turn++) {
      ring.turn(50);
      while (ring.next()) {
        const { kind, index, generation, result, more, buffer, payloadAt, segmentBytes } = ring;
        seen.push({ kind, index, generation, result, more, buffer, payloadAt, segmentBytes });
        if (kind === DATAGRAM && buffer >= 0) this.envelopes.push(this.#readEnvelope());
      }
    }
    return seen;
  }

  /** The same, for exactly so many. */
  collect(count: number): Seen[] {
    const seen = this.collectSome(count);
    assert.equal(seen.length, count, JSON.stringify(seen));
    return seen;
  }

  #readEnvelope(): Envelope {
    const words = new Int32Array(8);
    const port = this.ring.readEnvelope(words, 0);
    return { client: formatIpWords(words, 0), port, local: formatIpWords(words, 4) };
  }

  /** Submits, and expects no completion at once. */
  expectSilence(): void {
    this.ring.turn(0);
    assert.equal(this.ring.next(), false);
  }

  /** Binds a socket to an address; its port, if it has one. */
  bind(fd: number, address: Uint8Array): number {
    const { library, scratch } = this.shim;
    scratch.set(address);
    assert.equal(library.rw_bind(fd, address.length), 0);
    library.rw_socket_name(fd);
    return portOf(scratch);
  }

  listen(address = encodeSocketAddress(LOOPBACK, 0), backlog = 64): Listener {
    const { library } = this.shim;
    const fd = library.rw_socket(address[0], STREAM);
    assert.ok(fd >= 0, `socket: ${fd}`);
    const port = this.bind(fd, address);
    assert.equal(library.rw_listen(fd, backlog), 0);
    return { fd, port };
  }

  startConnect(port: number, index = 7): number {
    const { ring } = this;
    const fd = ring.openSocket(AF_INET, STREAM);
    assert.ok(fd >= 0);
    ring.addresses.set(encodeSocketAddress(LOOPBACK, port), ADDRESS_SLOT_BYTES);
    ring.connect(fd, 1, CONNECT, index, 3);
    return fd;
  }

  /** Both ends of a connection over loopback. */
  connectPair(): [near: number, far: number] {
    const listener = this.listen();
    this.ring.accept(listener.fd, 0, ACCEPT, 0, 0);
    const near = this.startConnect(listener.port);
    const seen = this.collect(2);
    const far = seen.find(({ kind }) => kind === ACCEPT)!.result;
    assert.ok(far >= 0);
    this.shim.library.rw_close(listener.fd);
    return [near, far];
  }

  write(buffer: number, bytes: Uint8Array): void {
    this.ring.slab.set(bytes, bufferOffset(buffer));
  }

  read(buffer: number, count: number): Uint8Array {
    return this.ring.slab.slice(bufferOffset(buffer), bufferOffset(buffer) + count);
  }

  /** Sends a text at once. */
  send(fd: number, text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.write(SPARE, bytes);
    this.ring.sendNow(fd, SPARE, 0, bytes.length, SEND, 9, 9);
    this.ring.turn(0);
  }

  text(seen: Seen): string {
    return new TextDecoder().decode(this.read(seen.buffer, seen.result));
  }

  closeAll(...fds: number[]): void {
    for (const fd of fds) this.ring.close(fd);
    this.ring.turn(0);
  }

  /** A bound datagram socket; `dual` is every address, and told which. */
  bindDatagrams(dual = false): Listener {
    const { ring } = this;
    const fd = ring.openSocket(dual ? AF_INET6 : AF_INET, DATAGRAM_SOCKET);
    if (dual) assert.equal(ring.setOption(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1), 0);
    const address = encodeSocketAddress(dual ? new Uint8Array(16) : LOOPBACK, 0);
    return { fd, port: this.bind(fd, address) };
  }

  connectDatagrams(port: number): number {
    const { ring } = this;
    const fd = ring.openSocket(AF_INET, DATAGRAM_SOCKET);
    ring.addresses.set(encodeSocketAddress(LOOPBACK, port), ADDRESS_SLOT_BYTES);
    assert.equal(ring.connectNow(fd, 1), 0);
    return fd;
  }

  /** Others each time: what a test before this one left offered is still with the kernel. */
  offerDatagrams(count: number): void {
    for (let i = 0; i < count; i++) {
      this.ring.offerBuffer(DATAGRAM_LANE, FIRST_DATAGRAM + this.#offeredDatagrams++);
    }
  }
}

/**
 * Benches for the tests of one file, made when they are first needed: what a test leaves offered is
 * there for the next one, which files that are run together must not notice of each other.
 */
export function makeBenches() {
  const benches = new Map<number, RingBench>();
  const benchOf = (engine: number): RingBench => {
    const bench = benches.get(engine) ?? new RingBench(engine);
    benches.set(engine, bench);
    return bench;
  };
  const onEachEngine = (name: string, body: (bench: RingBench) => void | Promise<void>) => {
    Deno.test(`io_uring: ${name}`, () => body(benchOf(URING)));
    Deno.test(`epoll: ${name}`, () => body(benchOf(EPOLL)));
  };
  return { benchOf, onEachEngine };
}
