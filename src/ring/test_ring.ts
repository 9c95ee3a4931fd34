/**
 * A ring that carries out nothing: it writes down what is asked at once (sockets, options, binds,
 * sends of a few bytes) and answers as a test wants. For tests of what stands above the ring and
 * needs no completions; who needs those uses the kernel's ring or the simulated one.
 */
import assert from "node:assert/strict";
import { ADDRESS_SLOT_BYTES, type Ring } from "./ring.ts";
import { formatIpWords, IP_WORDS, parseIpWords } from "../net/ip_words.ts";

const FIRST_FD = 100;

export interface RingCall {
  readonly name: "openSocket" | "setOption" | "bindNow" | "connectNow" | "sendBytes";
  /** -1 for a socket that is being opened. */
  readonly fd: number;
  /** What was asked, as numbers and texts that a test can compare. */
  readonly asked: readonly (number | string)[];
}

export class FakeRing {
  nowMs = 0;
  readonly addresses: Uint8Array;
  readonly calls: RingCall[] = [];
  /** What was sent, by fd. */
  readonly sent = new Map<number, Uint8Array>();
  readonly open = new Set<number>();
  /** Local name of each socket. */
  local = { ip: "127.0.0.1", port: 80 };
  readonly #answer: (call: RingCall) => number | undefined;
  #lastFd = FIRST_FD - 1;

  /** @param answer the result of a call; undefined for success. */
  constructor(answer: (call: RingCall) => number | undefined = () => undefined, slots = 16) {
    this.#answer = answer;
    this.addresses = new Uint8Array(slots * ADDRESS_SLOT_BYTES);
  }

  get ring(): Ring {
    return this as unknown as Ring;
  }

  /** What was asked by a method, in order. */
  asked(name: RingCall["name"]): (readonly (number | string)[])[] {
    return this.calls.filter((call) => call.name === name).map(({ asked }) => asked);
  }

  #call(name: RingCall["name"], fd: number, success: number, ...asked: (number | string)[]) {
    const call = { name, fd, asked };
    this.calls.push(call);
    return this.#answer(call) ?? success;
  }

  openSocket(family: number, type: number): number {
    const fd = this.#call("openSocket", -1, this.#lastFd + 1, family, type);
    if (fd < 0) return fd;
    this.#lastFd = fd;
    this.open.add(fd);
    return fd;
  }

  setOption(fd: number, level: number, option: number, value: number): number {
    assert.ok(this.open.has(fd));
    return this.#call("setOption", fd, 0, level, option, value);
  }

  bindNow(fd: number, family: number, words: Int32Array, at: number, port: number): number {
    assert.ok(this.open.has(fd));
    return this.#call("bindNow", fd, 0, family, formatIpWords(words, at), port);
  }

  connectNow(fd: number, slot: number): number {
    assert.ok(this.open.has(fd));
    return this.#call("connectNow", fd, 0, slot);
  }

  sendBytes(fd: number, bytes: Uint8Array, count: number): number {
    this.sent.set(fd, bytes.slice(0, count));
    return this.#call("sendBytes", fd, count, count);
  }

  localName(_fd: number, words: Int32Array, to: number): number {
    const own = parseIpWords(this.local.ip)!;
    for (let i = 0; i < IP_WORDS; i++) words[to + i] = own[i];
    return this.local.port;
  }

  offerBuffer(): void {}

  closeNow(fd: number): void {
    assert.ok(this.open.delete(fd), `fd ${fd} is closed once`);
  }
}
