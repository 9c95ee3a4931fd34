/**
 * Copies bytes between the two connections of open tunnels, with bounded memory.
 *
 * A received buffer is handed to the send of the other side uncopied and released when that send
 * is over, which normally is within the same call that submits it (Ring.sendNow): no completion,
 * no wait cut short by our own doing. Only what a full socket did not take waits for room.
 * Per endpoint there is at most one receive and one send in flight: more would let the kernel
 * reorder bytes. While a send is in flight, what arrives queues behind it; at the queue's high
 * mark reading pauses, at the low mark it goes on.
 *
 * Two lanes. Normally a receive is a multishot one on the fast lane and the kernel fills buffers
 * as data comes. When that lane is dry (readers that do not read hold its buffers), the tunnel is
 * gated: first ask whether the destination can take data, then look at what the source has, send
 * as much of it as goes at once, and only then take that much out of the source's socket. So a
 * buffer of the gated lane comes back within a turn whatever the peers do: tunnels that move go on
 * moving while any number of others is stuck, and the slab never grows.
 *
 * Ends. A FIN is passed on as a FIN when everything before it was sent; the tunnel is over when
 * both halves have ended. A reset is passed on as a reset: bytes still queued are lost then, as
 * they would be between the peers themselves.
 *
 * Knows no backend, listener or policy: those who own a tunnel hear of its end by `onClosed`.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { bufferCapacity, type BufferPool, isGated } from "../buffer/buffer_pool.ts";
import {
  FAST_BUFFERS_RECOVERED,
  QUEUE_BYTES_HIGH,
  QUEUE_BYTES_LOW,
  QUIET_MS,
  SEND_BYTES_MAX,
} from "../limits.ts";
import * as metric from "../metrics/metric_names.ts";
import { FAST_LANE, GATED_LANE, PEEK, RECEIVE, type Ring, SEND, WRITABLE } from "../ring/ring.ts";
import { AGAIN, OURS, SHORT, verdict } from "../socket/failure.ts";
import { cancelEndpoint } from "./cancel_endpoint.ts";
import { EndpointQueue } from "./endpoint_queue.ts";
import { SendQueue } from "./send_queue.ts";
import { IdleLimit } from "./idle_limit.ts";
import type { TimerWheel } from "./timer_wheel.ts";
import { TunnelAccount } from "./tunnel_account.ts";
import * as tunnel from "./tunnels.ts";
import {
  ASKED,
  ENDED,
  GATED,
  MEASURED,
  PAUSED,
  POLLING,
  RECEIVING,
  SENDING,
  SENDING_NOW,
  SETTLING,
  type Tunnels,
} from "./tunnels.ts";
import { type SendOwner, UnsettledSends } from "./unsettled_sends.ts";

export interface TunnelOwner {
  /** The tunnel's last operation is over and its fds are being closed; its slot is still held. */
  onClosed(tunnel: number): void;
  /** Of a MEASURED server: what it was sent has had its first answer now, since `askedMs`. */
  onAnswered(tunnel: number): void;
}

export class Relay implements SendOwner {
  readonly #ring: Ring;
  readonly #pool: BufferPool;
  readonly #tunnels: Tunnels;
  readonly #wheel: TimerWheel;
  readonly #row: Float64Array;
  readonly #owner: TunnelOwner;
  readonly idle: IdleLimit;
  /** Endpoints whose gated receive found no buffer. */
  readonly #starved: EndpointQueue;
  readonly #queue: SendQueue;
  readonly #sends: UnsettledSends;
  readonly #account: TunnelAccount;

  constructor(
    ring: Ring,
    pool: BufferPool,
    tunnels: Tunnels,
    wheel: TimerWheel,
    row: Float64Array,
    owner: TunnelOwner,
  ) {
    this.#ring = ring;
    this.#pool = pool;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
    this.#row = row;
    this.#owner = owner;
    this.#starved = new EndpointQueue(tunnels.capacity * 2);
    this.#queue = new SendQueue(tunnels, pool);
    this.#sends = new UnsettledSends(tunnels, this);
    this.idle = new IdleLimit(ring, tunnels, wheel);
    this.#account = new TunnelAccount(ring, tunnels, row);
  }

  /** Both connections stand: bytes may flow. */
  start(slot: number): void {
    assert(this.#tunnels.state[slot] === tunnel.CONNECTING, "a tunnel opens once");
    this.#tunnels.state[slot] = tunnel.OPEN;
    this.#account.touch(slot);
    this.idle.set(slot);
    this.#read(slot * 2);
    this.#read(slot * 2 + 1);
  }

  // ---- Receiving --------------------------------------------------------------------------

  onReceived(endpoint: number): void {
    const tunnels = this.#tunnels;
    const ring = this.#ring;
    const slot = endpoint >> 1;
    const result = ring.result;
    const buffer = ring.buffer;
    if (!ring.more) tunnels.flags[endpoint] &= ~RECEIVING;
    if (buffer >= 0) this.#pool.lease(buffer, result > 0 ? result : 0);
    if (tunnels.state[slot] !== tunnel.OPEN) {
      if (buffer >= 0) this.#pool.release(buffer);
      // It had more to tell while its cancel was on its way, and may not have met it.
      if (ring.more) cancelEndpoint(ring, tunnels, endpoint, RECEIVE);
      this.closeWhenIdle(slot);
      return;
    }
    if (result > 0) {
      assert(buffer >= 0, "received bytes are in a buffer");
      if (isGated(buffer)) {
        // Its bytes are still in the socket: nothing is read until some of them were sent.
        tunnels.flags[endpoint] |= PAUSED;
        this.#send(endpoint ^ 1, buffer);
        return;
      }
      this.#account.received(endpoint, result);
      this.#measure(endpoint);
      this.#forward(endpoint ^ 1, buffer);
      if ((tunnels.flags[endpoint] & RECEIVING) === 0) this.#read(endpoint);
      return;
    }
    if (buffer >= 0) this.#pool.release(buffer);
    if (result === 0) this.#onEnd(endpoint);
    else this.#onReceiveFailure(endpoint, result);
  }

  /** Where answers are timed: bytes have come from an endpoint. */
  #measure(endpoint: number): void {
    const slot = endpoint >> 1;
    if ((this.#tunnels.flags[slot * 2 + 1] & MEASURED) === 0) return;
    if (this.#account.measure(endpoint)) this.#owner.onAnswered(slot);
  }

  /** Asks for more from an endpoint, unless its destination's queue is full. */
  #read(endpoint: number): void {
    const tunnels = this.#tunnels;
    const destination = endpoint ^ 1;
    const flags = tunnels.flags[endpoint];
    assert((flags & (RECEIVING | ENDED)) === 0, "one receive in flight, none after the end");
    if ((flags & GATED) !== 0) {
      if (this.#pool.freeCount(FAST_LANE) < FAST_BUFFERS_RECOVERED) {
        this.#readGated(endpoint, destination);
        return;
      }
      tunnels.flags[endpoint] &= ~GATED;
    }
    if (tunnels.queueBytes[destination] >= QUEUE_BYTES_HIGH) {
      tunnels.flags[endpoint] |= PAUSED;
      this.#row[metric.RECEIVE_PAUSES]++;
      return;
    }
    this.#receive(endpoint, FAST_LANE);
  }

  #readGated(endpoint: number, destination: number): void {
    const tunnels = this.#tunnels;
    const flags = tunnels.flags[destination];
    if ((flags & SENDING) !== 0) {
      // Something is on its way already: wait until it has left.
      tunnels.flags[endpoint] |= PAUSED;
      this.#row[metric.RECEIVE_PAUSES]++;
    } else if ((flags & POLLING) === 0) {
      tunnels.flags[destination] |= POLLING;
      this.#ring.pollWritable(
        tunnels.fd[destination],
        WRITABLE,
        destination,
        tunnels.generation[endpoint >> 1],
      );
    }
  }

  #receive(endpoint: number, lane: number): void {
    const tunnels = this.#tunnels;
    tunnels.flags[endpoint] |= RECEIVING;
    const generation = tunnels.generation[endpoint >> 1];
    this.#ring.receive(tunnels.fd[endpoint], lane, RECEIVE, endpoint, generation);
  }

  /** A gated tunnel's destination can take data (or is broken, which the send will tell). */
  onWritable(destination: number): void {
    const tunnels = this.#tunnels;
    const slot = destination >> 1;
    tunnels.flags[destination] &= ~POLLING;
    if (tunnels.state[slot] !== tunnel.OPEN) {
      this.closeWhenIdle(slot);
      return;
    }
    const source = destination ^ 1;
    const waits = tunnels.flags[source] & (GATED | PAUSED | ENDED | RECEIVING);
    if (waits === GATED) this.#receive(source, GATED_LANE);
  }

  #onReceiveFailure(endpoint: number, result: number): void {
    switch (verdict(RECEIVE, result)) {
      case AGAIN:
        this.#read(endpoint);
        return;
      case SHORT:
        this.#onStarved(endpoint);
        return;
      case OURS:
        this.#row[metric.BUGS]++;
        break;
    }
    this.#fail(endpoint);
  }

  /** A receive found no buffer in its lane. */
  #onStarved(endpoint: number): void {
    this.#row[metric.RECEIVES_STARVED]++;
    if ((this.#tunnels.flags[endpoint] & GATED) !== 0) {
      this.#starved.push(endpoint);
      return;
    }
    // With a reserve that is not small it was a burst, and the next receive finds more offered.
    if (this.#pool.freeCount(FAST_LANE) >= FAST_BUFFERS_RECOVERED) {
      this.#pool.widen(FAST_LANE, this.#ring);
    } else this.#tunnels.flags[endpoint] |= GATED;
    this.#read(endpoint);
  }

  /** At the end of a turn: as many starved endpoints go on as there are gated buffers free. */
  resumeStarved(): void {
    if (this.#starved.isEmpty) return;
    const tunnels = this.#tunnels;
    for (let room = this.#pool.freeCount(GATED_LANE); room > 0; room--) {
      const endpoint = this.#starved.shift();
      if (endpoint < 0) return;
      // The slot may have been closed, even reused, since: only one that waits for this is read.
      const waits = tunnels.flags[endpoint] & (GATED | RECEIVING | ENDED | PAUSED);
      const isAsked = (tunnels.flags[endpoint ^ 1] & POLLING) !== 0;
      if (tunnels.state[endpoint >> 1] !== tunnel.OPEN || waits !== GATED || isAsked) continue;
      this.#read(endpoint);
    }
  }

  // ---- Sending ----------------------------------------------------------------------------

  #forward(destination: number, buffer: number): void {
    const tunnels = this.#tunnels;
    if (tunnels.sending[destination] < 0) {
      assert(tunnels.queueHead[destination] < 0, "nothing queues behind nothing");
      this.#send(destination, buffer);
      return;
    }
    this.#queue.push(destination, buffer);
  }

  #send(endpoint: number, buffer: number): void {
    const tunnels = this.#tunnels;
    const pool = this.#pool;
    assert(pool.bytes[buffer] <= bufferCapacity(buffer), "a buffer holds what it can");
    tunnels.sending[endpoint] = buffer;
    this.#sends.add(endpoint);
    this.#ring.sendNow(
      tunnels.fd[endpoint],
      buffer,
      pool.start[buffer],
      pool.bytes[buffer],
      SEND,
      endpoint,
      tunnels.generation[endpoint >> 1],
    );
  }

  /** The socket was full: the rest goes when it has room, and a completion tells. */
  #sendLater(endpoint: number, buffer: number): void {
    const tunnels = this.#tunnels;
    tunnels.flags[endpoint] |= SENDING;
    // In pieces, so that a slow reader is seen to be reading.
    const bytes = this.#pool.bytes[buffer];
    this.#ring.send(
      tunnels.fd[endpoint],
      buffer,
      this.#pool.start[buffer],
      bytes < SEND_BYTES_MAX ? bytes : SEND_BYTES_MAX,
      SEND,
      endpoint,
      tunnels.generation[endpoint >> 1],
    );
  }

  /** Before a turn: whether it must not wait, because its sends will leave more to do at once. */
  beginTurn(): boolean {
    return this.#sends.beginTurn();
  }

  /** After a turn's completions were handled. */
  settleSends(): void {
    this.#sends.settle();
  }

  onSettled(endpoint: number): void {
    this.#sent(endpoint, this.#pool.bytes[this.#tunnels.sending[endpoint]]);
  }

  /** A send completed: one that had to wait, or one that the socket did not take whole at once. */
  onSent(endpoint: number): void {
    const tunnels = this.#tunnels;
    const result = this.#ring.result;
    const buffer = tunnels.sending[endpoint];
    assert(buffer >= 0, "a send has a buffer");
    const now = (tunnels.flags[endpoint] & SENDING_NOW) !== 0;
    assert(!now || result < this.#pool.bytes[buffer], "a sendNow completes when it fell short");
    tunnels.flags[endpoint] &= ~(SENDING | SENDING_NOW | SETTLING);
    this.#sent(endpoint, result);
  }

  #sent(endpoint: number, result: number): void {
    const tunnels = this.#tunnels;
    const pool = this.#pool;
    const slot = endpoint >> 1;
    const buffer = tunnels.sending[endpoint];
    if (tunnels.state[slot] !== tunnel.OPEN) {
      this.closeWhenIdle(slot);
      return;
    }
    if (isGated(buffer)) {
      this.#sentGated(endpoint, buffer, result);
      return;
    }
    if (result < 0) {
      const how = verdict(SEND, result);
      if (how === OURS) this.#row[metric.BUGS]++;
      if (how === AGAIN) this.#sendLater(endpoint, buffer);
      else this.#fail(endpoint);
      return;
    }
    this.#account.sent(endpoint, result);
    if (result < pool.bytes[buffer]) {
      // The socket is full, or (a send that waited) the connection broke: the rest will tell.
      pool.start[buffer] += result;
      pool.bytes[buffer] -= result;
      this.#sendLater(endpoint, buffer);
      return;
    }
    tunnels.sending[endpoint] = -1;
    pool.release(buffer);
    const head = this.#queue.shift(endpoint);
    if (head >= 0) this.#send(endpoint, head);
    else if ((tunnels.flags[endpoint ^ 1] & ENDED) !== 0) {
      this.#finish(endpoint);
      return;
    }
    this.#resume(endpoint ^ 1);
  }

  /** Of bytes that were only looked at, those that were sent are taken from their socket now. */
  #sentGated(endpoint: number, buffer: number, result: number): void {
    const tunnels = this.#tunnels;
    const source = endpoint ^ 1;
    tunnels.sending[endpoint] = -1;
    this.#pool.release(buffer);
    if (result < 0 && verdict(SEND, result) !== AGAIN) {
      if (verdict(SEND, result) === OURS) this.#row[metric.BUGS]++;
      this.#fail(endpoint);
      return;
    }
    if (result > 0) {
      this.#account.received(source, result);
      this.#measure(source);
      this.#account.sent(endpoint, result);
      if (this.#ring.discard(tunnels.fd[source], result) !== result) {
        this.#fail(source);
        return;
      }
    }
    tunnels.flags[source] &= ~PAUSED;
    this.#read(source);
  }

  /** Goes on reading an endpoint that was paused, when its destination has drained enough. */
  #resume(endpoint: number): void {
    const tunnels = this.#tunnels;
    const flags = tunnels.flags[endpoint];
    if ((flags & PAUSED) === 0) return;
    const destination = endpoint ^ 1;
    if (tunnels.queueBytes[destination] > QUEUE_BYTES_LOW) return;
    if ((flags & GATED) !== 0 && (tunnels.flags[destination] & SENDING) !== 0) return;
    tunnels.flags[endpoint] &= ~PAUSED;
    this.#read(endpoint);
  }

  // ---- Ends -------------------------------------------------------------------------------

  /** FIN received: pass it on once everything before it was sent. */
  #onEnd(endpoint: number): void {
    const tunnels = this.#tunnels;
    const slot = endpoint >> 1;
    tunnels.flags[endpoint] |= ENDED;
    this.#account.touch(slot);
    this.idle.set(slot);
    if ((tunnels.flags[endpoint ^ 1] & SENDING) === 0) this.#finish(endpoint ^ 1);
  }

  /** Everything for this endpoint was sent and nothing more will come. */
  #finish(endpoint: number): void {
    const tunnels = this.#tunnels;
    const slot = endpoint >> 1;
    const other = tunnels.flags[endpoint ^ 1];
    assert((other & ENDED) !== 0, "a half is finished after its source has ended");
    const bothEnded = (tunnels.flags[endpoint] & ENDED) !== 0;
    if (bothEnded && (other & SENDING) === 0) {
      this.end(slot, false); // the close sends the last FIN
      return;
    }
    // Fails only when the peer is gone already: a reset that we have not heard of yet.
    if (this.#ring.shutdownWrite(tunnels.fd[endpoint]) < 0) this.#fail(endpoint);
  }

  #fail(endpoint: number): void {
    this.#row[metric.RESETS]++;
    if ((endpoint & 1) === 1) this.#account.broken(endpoint);
    this.end(endpoint >> 1, true);
  }

  /** Whether nothing is on its way in either direction, as far as can be known. */
  isQuiet(slot: number): boolean {
    const { flags, sending, activeMs } = this.#tunnels;
    const busy = POLLING | PAUSED | GATED | ENDED | ASKED;
    const isBusy = ((flags[slot * 2] | flags[slot * 2 + 1]) & busy) !== 0;
    return !isBusy && sending[slot * 2] < 0 && sending[slot * 2 + 1] < 0 &&
      activeMs[slot] < this.#ring.nowMs - QUIET_MS;
  }

  /** Ends a tunnel, with a reset towards both peers or with whatever FINs are still due. */
  end(slot: number, reset: boolean): void {
    const tunnels = this.#tunnels;
    if (tunnels.state[slot] === tunnel.CLOSING) return;
    assert(tunnels.state[slot] !== tunnel.FREE, "only a tunnel can end");
    const looks = tunnels.state[slot] === tunnel.READING;
    tunnels.state[slot] = tunnel.CLOSING;
    tunnels.resets[slot] = reset ? 1 : 0;
    this.#wheel.clear(slot);
    cancelEndpoint(this.#ring, tunnels, slot * 2, looks ? PEEK : RECEIVE);
    cancelEndpoint(this.#ring, tunnels, slot * 2 + 1, RECEIVE);
    this.closeWhenIdle(slot);
  }

  /** Closes a tunnel that is ending once its last operation has completed. */
  closeWhenIdle(slot: number): void {
    const tunnels = this.#tunnels;
    assert(tunnels.state[slot] === tunnel.CLOSING, "only an ending tunnel closes");
    if (tunnels.inFlight(slot)) return;
    this.#closeEndpoint(slot, slot * 2);
    this.#closeEndpoint(slot, slot * 2 + 1);
    this.#owner.onClosed(slot);
  }

  #closeEndpoint(slot: number, endpoint: number): void {
    const tunnels = this.#tunnels;
    const pool = this.#pool;
    if (tunnels.sending[endpoint] >= 0) {
      pool.release(tunnels.sending[endpoint]);
      tunnels.sending[endpoint] = -1;
    }
    this.#queue.clear(endpoint);
    const fd = tunnels.fd[endpoint];
    if (fd < 0) return;
    if (tunnels.resets[slot] === 1) this.#ring.resetOnClose(fd);
    this.#ring.close(fd);
    tunnels.fd[endpoint] = -1;
  }

  /** A tunnel's entry in the wheel expired: silent for too long, or merely due for a look. */
  onExpired(slot: number): void {
    const tunnels = this.#tunnels;
    assert(tunnels.state[slot] === tunnel.OPEN, "only open tunnels time out here");
    if (!this.idle.isOver(slot)) return;
    const half = this.idle.isHalfEnded(slot);
    this.#row[half ? metric.HALF_CLOSE_TIMEOUTS : metric.IDLE_TIMEOUTS]++;
    // Bytes that a peer would not take are lost: say so with a reset, not with a clean end.
    const flags = tunnels.flags[slot * 2] | tunnels.flags[slot * 2 + 1];
    const stuck = (flags & (SENDING | POLLING)) !== 0;
    this.end(slot, stuck);
  }
}
