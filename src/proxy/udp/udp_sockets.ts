/**
 * The sockets of UDP listeners: what is bound, whether it is being received from, and whom replies
 * come from.
 *
 * A multishot receive ends when its lane is dry, at an empty datagram, or for reasons of the
 * kernel; `arm` asks again at the end of the turn. What arrives meanwhile waits in the socket.
 *
 * @hot
 */
import { IP_WORDS } from "../../net/ip_words.ts";
import { DATAGRAM, type Ring } from "../../ring/ring.ts";
import type { Plan } from "../../upstream/plan.ts";

export class UdpSockets {
  readonly count: number;
  readonly fd: Int32Array;
  readonly family: Uint8Array;
  readonly isWildcard: Uint8Array;
  readonly listener: Uint16Array;
  /** Where a socket is bound: 4 words each, and its port. */
  readonly local: Int32Array;
  readonly localPort: Int32Array;
  readonly #isArmed: Uint8Array;
  readonly #ring: Ring;
  #isStopped = false;

  constructor(plan: Plan, ring: Ring) {
    this.#ring = ring;
    const fds: number[] = [];
    const listeners: number[] = [];
    const families: number[] = [];
    const wildcards: number[] = [];
    for (let listener = 0; listener < plan.listeners.length; listener++) {
      const { protocol, sockets } = plan.listeners[listener];
      for (let i = 0; protocol === "udp" && i < sockets.length; i++) {
        fds.push(sockets[i].fd);
        families.push(sockets[i].family);
        wildcards.push(sockets[i].isWildcard ? 1 : 0);
        listeners.push(listener);
      }
    }
    this.count = fds.length;
    this.fd = Int32Array.from(fds);
    this.family = Uint8Array.from(families);
    this.isWildcard = Uint8Array.from(wildcards);
    this.listener = Uint16Array.from(listeners);
    this.#isArmed = new Uint8Array(this.count);
    this.local = new Int32Array(this.count * IP_WORDS);
    this.localPort = new Int32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      this.localPort[i] = ring.localName(this.fd[i], this.local, i * IP_WORDS);
    }
  }

  /** Asks for datagrams where nothing is asked. */
  arm(): void {
    if (this.#isStopped) return;
    for (let i = 0; i < this.count; i++) {
      if (this.#isArmed[i] === 1) continue;
      this.#isArmed[i] = 1;
      this.#ring.receiveMessages(this.fd[i], DATAGRAM, i, 0);
    }
  }

  /** The receive of a socket is over. */
  onEnded(socket: number): void {
    this.#isArmed[socket] = 0;
    if (this.#isStopped) this.#ring.closeNow(this.fd[socket]);
  }

  /** Receives no more and closes; what is in flight completes, most as cancelled. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (let i = 0; i < this.count; i++) {
      if (this.#isArmed[i] === 1) this.#ring.cancelAll(this.fd[i]);
      else this.#ring.closeNow(this.fd[i]);
    }
  }

  get isIdle(): boolean {
    for (let i = 0; i < this.count; i++) if (this.#isArmed[i] === 1) return false;
    return this.#isStopped || this.count === 0;
  }
}
