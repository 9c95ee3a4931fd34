/**
 * The first bytes of connections whose destination depends on them: a PROXY header, which says who
 * the client is, and a ClientHello, which says whom it wants.
 *
 * The bytes are looked at (MSG_PEEK) and stay in the socket until they are understood, so a client
 * that is slow with them costs a tunnel slot and no buffer, however many there are. SO_RCVLOWAT
 * makes the kernel wake us only when there is more than was seen already. A PROXY header is then
 * taken out; a ClientHello is the server's and stays where it is.
 *
 * There is a deadline for each, from when it could have begun. What is not understood is refused:
 * after a bad header with a reset, after a bad hello with the TLS alert that says why.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { bufferOffset } from "../../buffer/buffer_pool.ts";
import type { Relay } from "../../connection/relay.ts";
import type { TimerWheel } from "../../connection/timer_wheel.ts";
import { READING, RECEIVING, type Tunnels } from "../../connection/tunnels.ts";
import { PEEK_AGAIN_MS, PEEK_AGAIN_MS_MAX, PEEK_BYTES_MAX } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { SO_RCVLOWAT, SOL_SOCKET } from "../../net/socket_numbers.ts";
import * as header from "../../proxy_protocol/proxy_header.ts";
import { ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import { GATED_LANE, PEEK, RECEIVE } from "../../ring/ring.ts";
import { AGAIN, SHORT, verdict } from "../../socket/failure.ts";
import type { ListenerPlan } from "../../upstream/plan.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { CLIENT_HELLO_BYTES_MAX, ClientHello, DONE, INCOMPLETE } from "../tls/client_hello.ts";
import { VIOLATIONS as HELLO_VIOLATIONS } from "../tls/hello_violation.ts";
import { ALERT_RECORD_BYTES, HANDSHAKE_FAILURE, writeAlert } from "../tls/tls_alert.ts";

assert(CLIENT_HELLO_BYTES_MAX <= PEEK_BYTES_MAX, "a look shows a whole ClientHello");
assert(header.PROXY_HEADER_BYTES_MAX <= PEEK_BYTES_MAX, "and a whole header");

/** What a tunnel's first bytes are, now. */
const HEADER = 1;
const HELLO = 2;

export interface PreludeOwner {
  /** The header is read: `client` and `target` of the tunnel are what it said. */
  onHeader(tunnel: number, header: ProxyHeader, slab: Uint8Array): boolean;
  /** The hello is read, or there is none to read. */
  onUnderstood(tunnel: number, hello: ClientHello | null): void;
}

export class Prelude {
  readonly #context: ProxyContext;
  readonly #tunnels: Tunnels;
  readonly #wheel: TimerWheel;
  readonly #relay: Relay;
  readonly #owner: PreludeOwner;
  readonly #header = new ProxyHeader();
  readonly #hello = new ClientHello();
  readonly #alert = new Uint8Array(ALERT_RECORD_BYTES);
  readonly #stage: Uint8Array;
  /** Bytes that the last look showed. */
  readonly #seen: Int32Array;
  /** Whether the client had ended before the look that is under way began. */
  readonly #hasEnded: Uint8Array;
  /** How long to wait before the next look by the clock. */
  readonly #againMs: Uint16Array;

  constructor(
    context: ProxyContext,
    tunnels: Tunnels,
    wheel: TimerWheel,
    relay: Relay,
    owner: PreludeOwner,
  ) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
    this.#relay = relay;
    this.#owner = owner;
    this.#stage = new Uint8Array(tunnels.capacity);
    this.#seen = new Int32Array(tunnels.capacity);
    this.#hasEnded = new Uint8Array(tunnels.capacity);
    this.#againMs = new Uint16Array(tunnels.capacity);
  }

  /** Whether connections of this listener have something to be read before they go anywhere. */
  static isNeeded(listener: ListenerPlan): boolean {
    return listener.trustedProxies !== null || listener.protocol === "tls";
  }

  /** A client was accepted. */
  begin(slot: number): void {
    const listener = this.#listener(slot);
    assert(Prelude.isNeeded(listener), "only what must be read is read");
    this.#tunnels.state[slot] = READING;
    this.#enter(slot, listener.trustedProxies !== null ? HEADER : HELLO);
  }

  #listener(slot: number): ListenerPlan {
    return this.#context.plan.listeners[this.#tunnels.listener[slot]];
  }

  #enter(slot: number, stage: number): void {
    this.#stage[slot] = stage;
    this.#seen[slot] = 0;
    this.#hasEnded[slot] = 0;
    this.#againMs[slot] = PEEK_AGAIN_MS;
    this.#tunnels.activeMs[slot] = this.#context.ring.nowMs;
    this.#wheel.set(slot, this.#deadlineMs(slot));
    this.#look(slot);
  }

  #deadlineMs(slot: number): number {
    const { proxyHeaderTimeoutMs, clientHelloTimeoutMs } = this.#listener(slot);
    const timeoutMs = this.#stage[slot] === HEADER ? proxyHeaderTimeoutMs : clientHelloTimeoutMs;
    return this.#tunnels.activeMs[slot] + timeoutMs;
  }

  #look(slot: number): void {
    const tunnels = this.#tunnels;
    const endpoint = slot * 2;
    tunnels.flags[endpoint] |= RECEIVING;
    const generation = tunnels.generation[slot];
    this.#context.ring.receive(tunnels.fd[endpoint], GATED_LANE, PEEK, endpoint, generation);
  }

  onPeeked(endpoint: number): void {
    const tunnels = this.#tunnels;
    const { ring, pool } = this.#context;
    const slot = endpoint >> 1;
    const { result, buffer } = ring;
    tunnels.flags[endpoint] &= ~RECEIVING;
    if (buffer >= 0) pool.lease(buffer, result > 0 ? result : 0);
    if (tunnels.state[slot] !== READING) {
      if (buffer >= 0) pool.release(buffer);
      this.#relay.closeWhenIdle(slot);
      return;
    }
    if (result > 0) {
      assert(buffer >= 0, "bytes that are looked at are in a buffer");
      const start = bufferOffset(buffer);
      if (this.#stage[slot] === HEADER) this.#readHeader(slot, start, result);
      else this.#readHello(slot, start, result);
      pool.release(buffer);
      return;
    }
    if (buffer >= 0) pool.release(buffer);
    const how = result < 0 ? verdict(RECEIVE, result) : -1;
    if (how === AGAIN || how === SHORT) this.#look(slot);
    else this.#fail(slot, "the client ended", 0);
  }

  #readHeader(slot: number, start: number, count: number): void {
    const { ring, pool } = this.#context;
    const read = this.#header.parse(pool.slab, start, start + count);
    if (read === header.INCOMPLETE) {
      this.#lookForMore(slot, count);
      return;
    }
    if (read === header.VIOLATION) {
      this.#fail(slot, header.VIOLATIONS[this.#header.violation], 0);
      return;
    }
    const { headerBytes } = this.#header;
    if (!this.#owner.onHeader(slot, this.#header, pool.slab)) return;
    const fd = this.#tunnels.fd[slot * 2];
    this.#wakeAt(slot, 1);
    if (ring.discard(fd, headerBytes) !== headerBytes) {
      this.#relay.end(slot, true);
      return;
    }
    if (this.#listener(slot).protocol === "tls") this.#enter(slot, HELLO);
    else this.#finish(slot, null);
  }

  #readHello(slot: number, start: number, count: number): void {
    const read = this.#hello.parse(this.#context.pool.slab, start, start + count);
    if (read === INCOMPLETE) this.#lookForMore(slot, count);
    else if (read === DONE) {
      this.#wakeAt(slot, 1);
      this.#finish(slot, this.#hello);
    } else this.#fail(slot, HELLO_VIOLATIONS[this.#hello.violation], this.#hello.alert);
  }

  #finish(slot: number, hello: ClientHello | null): void {
    this.#wheel.clear(slot);
    this.#owner.onUnderstood(slot, hello);
  }

  /** Bytes that must be there before the kernel wakes us. */
  #wakeAt(slot: number, bytes: number): void {
    if (bytes === 1 && this.#seen[slot] === 0) return; // as it was
    this.#context.ring.setOption(this.#tunnels.fd[slot * 2], SOL_SOCKET, SO_RCVLOWAT, bytes);
  }

  #lookForMore(slot: number, count: number): void {
    const { ring } = this.#context;
    const hasMore = count > this.#seen[slot];
    if (!hasMore && this.#hasEnded[slot] === 1) {
      this.#fail(slot, "the client ended in the middle of it", 0);
      return;
    }
    // The end may have come after the look: only one that begins now shows all there is.
    this.#hasEnded[slot] = ring.peerEnded(this.#tunnels.fd[slot * 2]) > 0 ? 1 : 0;
    if (hasMore) {
      this.#seen[slot] = count;
      this.#againMs[slot] = PEEK_AGAIN_MS;
      this.#wakeAt(slot, count + 1);
    }
    if (hasMore || this.#hasEnded[slot] === 1) {
      this.#look(slot);
      return;
    }
    // Woken for nothing: unix sockets know no such mark, so they are looked at by the clock.
    const againMs = this.#againMs[slot];
    this.#againMs[slot] = Math.min(againMs * 2, PEEK_AGAIN_MS_MAX);
    this.#wheel.set(slot, Math.min(ring.nowMs + againMs, this.#deadlineMs(slot)));
  }

  onExpired(slot: number): void {
    const deadlineMs = this.#deadlineMs(slot);
    if (this.#context.ring.nowMs >= deadlineMs) {
      this.#fail(slot, "it did not come in time", HANDSHAKE_FAILURE);
      return;
    }
    this.#wheel.set(slot, deadlineMs);
    if ((this.#tunnels.flags[slot * 2] & RECEIVING) === 0) this.#look(slot);
  }

  #fail(slot: number, why: string, alert: number): void {
    const { row, log } = this.#context;
    const isHeader = this.#stage[slot] === HEADER;
    const counter = isHeader
      ? metric.LISTENER_PROXY_HEADER_ERRORS
      : metric.LISTENER_CLIENT_HELLO_ERRORS;
    row[this.#tunnels.listenerAt[slot] + counter]++;
    log.misread(this.#listener(slot).name, isHeader ? "PROXY header: " + why : "TLS: " + why);
    if (isHeader) this.#relay.end(slot, true);
    else this.alert(slot, alert);
  }

  /** Ends a TLS client with an alert; 0 sends none. */
  alert(slot: number, description: number): void {
    const { ring } = this.#context;
    const fd = this.#tunnels.fd[slot * 2];
    if (description !== 0) {
      // What is left unread would turn the end into a reset, which can overtake the alert.
      ring.discard(fd, PEEK_BYTES_MAX);
      ring.sendBytes(fd, this.#alert, writeAlert(this.#alert, 0, description));
    }
    this.#relay.end(slot, false);
  }
}
