/**
 * A server of datagrams: answers each as often as it was drawn to, some of them late, or has a
 * closed port now and then. It believes nothing: what comes has to be a request, unmodified.
 */
import type { Random } from "../../src/base/random.ts";
import type { Address } from "./address.ts";
import { drawBytes } from "./datagram_client.ts";
import { readPayload, writePayload } from "./datagram_payload.ts";
import type { DatagramManner, DatagramScene } from "./datagram_scene.ts";
import type { Datagram } from "./datagram_socket.ts";
import { promise } from "./promise.ts";
import { readShownHeader } from "./shown_header.ts";
import type { SimulatedClock } from "./simulated_clock.ts";
import type { ServerPlace } from "./stream_scene.ts";

const LATE_MS_MAX = 3000;

interface Answer {
  readonly atMs: number;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

export class DatagramServer {
  readonly #answers: Answer[] = [];
  readonly #periodMs: number;
  readonly #phase: number;
  /** Of its answers; 0: of any size. */
  readonly #bulkBytes: number;

  constructor(
    readonly number: number,
    readonly place: ServerPlace,
    readonly manner: DatagramManner,
    readonly expectsHeader: boolean,
    readonly scene: DatagramScene,
    readonly clock: SimulatedClock,
    readonly random: Random,
  ) {
    this.#periodMs = 20 + random.below(800);
    this.#phase = random.below(2);
    this.#bulkBytes = random.oneIn(2) ? drawBytes(random, scene, 0) : 0;
  }

  get isOpen(): boolean {
    if (this.manner === "closed" || this.manner === "unreachable") return false;
    if (this.manner !== "flaky" || this.clock.isCalm) return true;
    return (Math.floor(this.clock.nowMs / this.#periodMs) + this.#phase) % 2 === 0;
  }

  get isSilent(): boolean {
    return this.#answers.length === 0;
  }

  /** @param responses that the listener expects; 0: it does not say. */
  receive({ from, bytes }: Datagram, responses: number): void {
    const headed = this.expectsHeader ? this.#skipHeader(bytes) : 0;
    const rest = bytes.subarray(headed);
    const { random, clock } = this;
    if (rest.length === 0) {
      if (this.manner !== "mute" && (responses > 0 || random.oneIn(2))) {
        this.#answer(from, new Uint8Array(), 0);
      }
      return;
    }
    const payload = readPayload(rest);
    promise(payload.answer === 0, "what a server gets is a request");
    if (this.manner === "mute") return;
    const usual = responses > 0 ? responses : 1 + payload.request % 2;
    const count = clock.hasFaults && random.oneIn(3) ? random.below(usual + 2) : usual;
    for (let answer = 1; answer <= count; answer++) {
      const isEmpty = clock.hasFaults && random.oneIn(12);
      const isBulk = this.#bulkBytes > 0 && !random.oneIn(6);
      const length = isBulk ? this.#bulkBytes : drawBytes(random, this.scene, 0);
      const told = { ...payload, answer, server: this.number };
      this.#answer(from, isEmpty ? new Uint8Array() : writePayload(told, length), answer);
    }
  }

  /** A header stands in front of the first datagram of a flow; the network may have lost it. */
  #skipHeader(bytes: Uint8Array): number {
    if (bytes[0] !== 13 || bytes[1] !== 10 || bytes[2] !== 13) return 0;
    const read = readShownHeader("v2", bytes, false);
    promise(read !== null, "a header is whole in its datagram");
    return read.bytes;
  }

  #answer(to: Address, bytes: Uint8Array, number: number): void {
    const { random, clock } = this;
    const isLate = clock.hasFaults && random.oneIn(10);
    const delayMs = isLate ? random.below(LATE_MS_MAX) : number + random.below(20);
    this.#answers.push({ atMs: clock.nowMs + delayMs, to, bytes });
  }

  /** Answers that are due. */
  takeDue(): Datagram[] {
    const due: Datagram[] = [];
    for (let i = 0; i < this.#answers.length;) {
      const { atMs, to, bytes } = this.#answers[i];
      if (atMs > this.clock.nowMs) {
        i++;
        continue;
      }
      this.#answers.splice(i, 1);
      due.push({ from: this.place.address, to, bytes, client: null, request: -1 });
    }
    return due;
  }
}
