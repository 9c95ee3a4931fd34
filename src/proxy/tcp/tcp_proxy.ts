/**
 * TCP listeners of one worker: accept, choose a server, connect, hand over to the relay.
 *
 * A connect that fails or times out goes on to the next candidate, within the backend's retries;
 * no byte has been relayed by then, so the client never sees it. With no candidate left the client
 * is closed, counted, and logged at a capped rate.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { hashBytes } from "../../base/hash.ts";
import type { Random } from "../../base/random.ts";
import type { BufferPool } from "../../buffer/buffer_pool.ts";
import { EndpointQueue } from "../../connection/endpoint_queue.ts";
import { Relay } from "../../connection/relay.ts";
import { TimerWheel } from "../../connection/timer_wheel.ts";
import * as tunnel from "../../connection/tunnels.ts";
import { IN_CONNECT, Tunnels } from "../../connection/tunnels.ts";
import {
  ACCEPT_PAUSE_MS,
  ACCEPTS_ARMED_MAX,
  ATTEMPTS_MAX,
  EXPIRIES_PER_TURN_MAX,
} from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset, serverOffset, type SharedState } from "../../metrics/shared_state.ts";
import { ADDRESS_SLOT_BYTES, CONNECT, type Ring } from "../../ring/ring.ts";
import { AGAIN, OURS, SHORT, verdict } from "../../socket/failure.ts";
import { ACCEPT } from "../../ring/ring.ts";
import { ECANCELED } from "../../base/errno.ts";
import type { Backend } from "../../upstream/backend.ts";
import type { ListenerPlan } from "../../upstream/plan.ts";
import { AcceptBank } from "./accept_bank.ts";

/** Hears of what an operator should know; implementations cap the rate. */
export interface ProxyLog {
  connectFailed(backend: Backend, server: number, result: number): void;
  refused(listener: string, backend: Backend): void;
  acceptFailed(listener: string, result: number): void;
}

const CLIENT_HASH_SEED = 0x52696e67;
const AF_INET = 2;
/** Where the bytes of the address stand in sockaddr_in and sockaddr_in6. */
const IPV4_OFFSET = 4;
const IPV6_OFFSET = 8;

export class TcpProxy {
  readonly tunnels: Tunnels;
  readonly relay: Relay;
  readonly banks: readonly AcceptBank[];
  readonly #wheel: TimerWheel;
  readonly #ring: Ring;
  readonly #row: Float64Array;
  readonly #shared: SharedState;
  readonly #listeners: readonly ListenerPlan[];
  readonly #backends: readonly Backend[];
  readonly #random: Random;
  readonly #log: ProxyLog;
  /** Accepts armed per listener at most: idle ones hold a quarter of the slots, no more. */
  readonly #armsMax: number;
  /** Where arming begins next. */
  #firstBank = 0;
  /** Tunnels whose server's socket could not be opened, and when to try again. */
  readonly #shortOfFiles: EndpointQueue;
  #shortUntilMs = 0;

  /**
   * @param capacity tunnels at once.
   * @param row the worker's own row of `shared`.
   * Address slots [0, listeners x ACCEPTS_ARMED_MAX) of the ring are the accept banks'.
   */
  constructor(
    ring: Ring,
    pool: BufferPool,
    capacity: number,
    shared: SharedState,
    row: Float64Array,
    listeners: readonly ListenerPlan[],
    backends: readonly Backend[],
    random: Random,
    log: ProxyLog,
  ) {
    this.#ring = ring;
    this.#row = row;
    this.#shared = shared;
    this.#listeners = listeners;
    this.#backends = backends;
    this.#random = random;
    this.#log = log;
    this.tunnels = new Tunnels(capacity);
    this.#wheel = new TimerWheel(capacity, ring);
    this.relay = new Relay(ring, pool, this.tunnels, this.#wheel, row, this);
    this.#shortOfFiles = new EndpointQueue(capacity);
    const share = Math.floor(capacity / (4 * listeners.length));
    this.#armsMax = Math.min(ACCEPTS_ARMED_MAX, Math.max(1, share));
    this.banks = listeners.map( // cold: at start
      (listener, i) => new AcceptBank(ring, listener.fd, i * ACCEPTS_ARMED_MAX),
    );
  }

  // ---- Accepting --------------------------------------------------------------------------

  /**
   * At the end of every turn: keeps accepts armed where there is room. Each listener gets one
   * before any gets more, beginning with another one each time: none is left out.
   */
  arm(): void {
    this.admit();
    const room = this.#armUpTo(1, this.#freePlaces());
    this.#armUpTo(this.#armsMax, room);
    this.#firstBank = (this.#firstBank + 1) % this.banks.length;
  }

  /** Free tunnel slots that no accept in flight may need. */
  #freePlaces(): number {
    let places = this.tunnels.freeCount;
    for (let i = 0; i < this.banks.length; i++) places -= this.banks[i].armedCount;
    return places;
  }

  /** @returns the room that is left. */
  #armUpTo(goal: number, room: number): number {
    const count = this.banks.length;
    let left = room;
    for (let i = 0; i < count && left > 0; i++) {
      const listener = (this.#firstBank + i) % count;
      const bank = this.banks[listener];
      const before = bank.armedCount;
      if (before >= goal) continue;
      const mine = Math.min(goal, this.#listenerRoom(listener), left + before);
      if (mine > before) bank.arm(mine);
      left -= bank.armedCount - before;
    }
    return left;
  }

  /** Connections that a listener may still take, over all workers. */
  #listenerRoom(listener: number): number {
    const max = this.#listeners[listener].connectionsMax;
    if (max === 0) return ACCEPTS_ARMED_MAX;
    const open = this.#shared.sum(listenerOffset(listener) + metric.LISTENER_OPEN);
    return max > open ? max - open : 0;
  }

  onAccepted(slot: number): void {
    const listener = (slot / ACCEPTS_ARMED_MAX) | 0;
    const bank = this.banks[listener];
    const result = this.#ring.result;
    bank.onCompletion(slot);
    if (result >= 0) this.#open(listener, bank, result, slot);
    else this.#onAcceptFailure(listener, bank, result);
    if (bank.stopped && bank.armedCount === 0) this.#closeListener(listener, bank);
  }

  /** A client is here: `fd`, its address in `addressSlot`. */
  #open(listener: number, bank: AcceptBank, fd: number, addressSlot: number): void {
    const { tunnels } = this;
    const slot = tunnels.open(fd);
    const at = listenerOffset(listener);
    const plan = this.#listeners[listener];
    tunnels.listener[slot] = listener;
    tunnels.listenerAt[slot] = at;
    tunnels.idleTimeoutMs[slot] = plan.idleTimeoutMs;
    tunnels.halfCloseTimeoutMs[slot] = plan.halfCloseTimeoutMs;
    tunnels.clientHash[slot] = this.#hashClient(addressSlot);
    this.#row[metric.TUNNELS_OPEN]++;
    this.#row[at + metric.LISTENER_CONNECTIONS]++;
    if (this.#listenerRoom(listener) === 0) {
      // Another worker took the last place while our accept was armed: this one waits.
      tunnels.state[slot] = tunnel.WAITING;
      bank.wait(slot);
      this.#row[at + metric.LISTENER_LIMIT_WAITS]++;
      return;
    }
    this.#row[at + metric.LISTENER_OPEN]++;
    this.#connect(slot);
  }

  #onAcceptFailure(listener: number, bank: AcceptBank, result: number): void {
    if (result === -ECANCELED) return;
    this.#row[listenerOffset(listener) + metric.LISTENER_ACCEPT_ERRORS]++;
    const how = verdict(ACCEPT, result);
    if (how === OURS) this.#row[metric.BUGS]++;
    if (how === SHORT || how === OURS) {
      this.#row[metric.ACCEPT_PAUSES]++;
      this.#log.acceptFailed(this.#listeners[listener].name, result);
      bank.rest();
    }
  }

  /**
   * The last accept of a stopped listener is over. Whoever the kernel has connected already is
   * still taken, as far as there is room: closing the socket resets those who wait at it.
   */
  #closeListener(listener: number, bank: AcceptBank): void {
    while (this.#freePlaces() > 0 && bank.waitingCount < ACCEPTS_ARMED_MAX) {
      const fd = this.#ring.acceptNow(bank.fd, bank.spareSlot);
      if (fd < 0) break;
      this.#open(listener, bank, fd, bank.spareSlot);
    }
    this.#ring.closeNow(bank.fd);
  }

  /** Connections that waited for their listener's limit, or for a file, go on if they can. */
  admit(): void {
    while (!this.#shortOfFiles.isEmpty && this.#shortUntilMs <= this.#ring.nowMs) {
      const slot = this.#shortOfFiles.shift();
      // It may have been cut, and its slot used again, meanwhile.
      const waits = this.tunnels.state[slot] === tunnel.CONNECTING &&
        this.tunnels.fd[slot * 2 + 1] < 0;
      if (waits) this.#connect(slot);
    }
    for (let listener = 0; listener < this.banks.length; listener++) {
      const bank = this.banks[listener];
      while (bank.waitingCount > 0 && this.#listenerRoom(listener) > 0) {
        this.#row[listenerOffset(listener) + metric.LISTENER_OPEN]++;
        this.#connect(bank.admit());
      }
    }
  }

  /** The client's address as a hash: equal for IPv4 and IPv4-mapped IPv6. */
  #hashClient(slot: number): number {
    const bytes = this.#ring.addresses;
    const at = slot * ADDRESS_SLOT_BYTES;
    let start = at + IPV4_OFFSET;
    let length = 4;
    if (bytes[at] !== AF_INET) {
      start = at + IPV6_OFFSET;
      length = 16;
      let zeros = 0;
      while (zeros < 10 && bytes[start + zeros] === 0) zeros++;
      if (zeros === 10 && bytes[start + 10] === 255 && bytes[start + 11] === 255) {
        start += 12;
        length = 4;
      }
    }
    return hashBytes(bytes, start, start + length, CLIENT_HASH_SEED) | 0;
  }

  // ---- Connecting -------------------------------------------------------------------------

  #connect(slot: number): void {
    const tunnels = this.tunnels;
    const backend = this.#backends[this.#listeners[tunnels.listener[slot]].backend];
    tunnels.state[slot] = tunnel.CONNECTING;
    const server = backend.choose(
      this.#random.next(),
      tunnels.clientHash[slot] >>> 0,
      tunnels.tried,
      slot * ATTEMPTS_MAX,
      tunnels.attempts[slot],
    );
    if (server < 0 || tunnels.attempts[slot] >= backend.attemptsMax) {
      this.#refuse(slot, backend);
      return;
    }
    const fd = this.#ring.openSocket(backend.addressFamily(server));
    if (fd < 0 && verdict(ACCEPT, fd) === SHORT) {
      this.#waitForFile(slot, fd);
      return;
    }
    tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot]] = server;
    tunnels.attempts[slot]++;
    const at = serverOffset(this.#shared.shape, backend.firstServer + server);
    if (fd < 0) {
      // Not for want of files: this machine has no sockets for such an address.
      this.#row[at + metric.SERVER_CONNECT_FAILURES]++;
      this.#log.connectFailed(backend, server, fd);
      this.#connect(slot);
      return;
    }
    tunnels.server[slot] = server;
    tunnels.serverAt[slot] = at;
    this.#row[at + metric.SERVER_OPEN]++;
    const endpoint = slot * 2 + 1;
    tunnels.fd[endpoint] = fd;
    tunnels.flags[endpoint] |= IN_CONNECT;
    const generation = tunnels.generation[slot];
    this.#ring.connect(fd, backend.addressSlot(server), CONNECT, endpoint, generation);
    this.#wheel.set(slot, this.#ring.nowMs + backend.connectTimeoutMs);
  }

  /** Out of files or memory: no server's fault, so the client waits, and no more are accepted. */
  #waitForFile(slot: number, result: number): void {
    this.#row[metric.ACCEPT_PAUSES]++;
    this.#log.acceptFailed(this.#listeners[this.tunnels.listener[slot]].name, result);
    this.#shortOfFiles.push(slot);
    this.#shortUntilMs = this.#ring.nowMs + ACCEPT_PAUSE_MS;
    for (let i = 0; i < this.banks.length; i++) this.banks[i].rest();
  }

  #refuse(slot: number, backend: Backend): void {
    const at = this.tunnels.listenerAt[slot];
    this.#row[at + metric.LISTENER_REFUSED]++;
    this.#log.refused(this.#listeners[this.tunnels.listener[slot]].name, backend);
    this.relay.end(slot, false);
  }

  onConnected(endpoint: number): void {
    const tunnels = this.tunnels;
    const slot = endpoint >> 1;
    const result = this.#ring.result;
    tunnels.flags[endpoint] &= ~IN_CONNECT;
    if (tunnels.state[slot] !== tunnel.CONNECTING) {
      this.relay.closeWhenIdle(slot);
      return;
    }
    if (result >= 0) {
      this.#row[tunnels.serverAt[slot] + metric.SERVER_CONNECTIONS]++;
      this.relay.start(slot);
      return;
    }
    this.#onConnectFailure(slot, result);
  }

  #onConnectFailure(slot: number, result: number): void {
    const tunnels = this.tunnels;
    const backend = this.#backends[this.#listeners[tunnels.listener[slot]].backend];
    const at = tunnels.serverAt[slot];
    const how = verdict(CONNECT, result);
    if (how === OURS) this.#row[metric.BUGS]++;
    if (result === -ECANCELED) this.#row[metric.CONNECT_TIMEOUTS]++;
    this.#row[at + metric.SERVER_CONNECT_FAILURES]++;
    this.#row[at + metric.SERVER_OPEN]--;
    this.#log.connectFailed(backend, tunnels.server[slot], result);
    this.#ring.close(tunnels.fd[slot * 2 + 1]);
    tunnels.fd[slot * 2 + 1] = -1;
    tunnels.server[slot] = -1;
    this.#wheel.clear(slot);
    // Again means that the kernel was interrupted: the same server may have another try.
    if (how === AGAIN) tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot] - 1] = 0x7fff;
    if (tunnels.attempts[slot] < backend.attemptsMax) {
      this.#row[at + metric.SERVER_RETRIES]++;
      this.#connect(slot);
    } else this.#refuse(slot, backend);
  }

  // ---- Time and ends ----------------------------------------------------------------------

  /** Handles deadlines that have passed; of very many at once the rest in the next turn. */
  expire(): void {
    for (let count = 0; count < EXPIRIES_PER_TURN_MAX; count++) {
      const slot = this.#wheel.expire();
      if (slot < 0) return;
      if (this.tunnels.state[slot] === tunnel.CONNECTING) {
        // The completion of the cancelled connect goes on from there.
        this.#ring.cancel(CONNECT, slot * 2 + 1, this.tunnels.generation[slot]);
      } else this.relay.onExpired(slot);
    }
  }

  onClosed(slot: number): void {
    const tunnels = this.tunnels;
    assert(tunnels.state[slot] === tunnel.CLOSING, "a tunnel closes before it is free");
    this.#row[metric.TUNNELS_OPEN]--;
    this.#row[tunnels.listenerAt[slot] + metric.LISTENER_OPEN]--;
    if (tunnels.server[slot] >= 0) {
      this.#row[tunnels.serverAt[slot] + metric.SERVER_OPEN]--;
    }
    tunnels.free(slot);
  }

  /** Stops accepting. Connections that wait for room are let in as others end. */
  stopAccepting(): void {
    for (let i = 0; i < this.banks.length; i++) {
      const bank = this.banks[i];
      if (bank.stopped) continue;
      bank.stop();
      if (bank.armedCount === 0) this.#closeListener(i, bank);
    }
  }

  /** No tunnel left and no accept in flight. */
  isIdle(): boolean {
    if (this.tunnels.openCount > 0) return false;
    for (let i = 0; i < this.banks.length; i++) {
      if (this.banks[i].armedCount > 0) return false;
    }
    return true;
  }

  /** Ends every tunnel with a reset; returns how many there were. */
  cut(): number {
    const tunnels = this.tunnels;
    for (let listener = 0; listener < this.banks.length; listener++) {
      // Who waits was not counted as open yet, and is uncounted when it closes.
      while (this.banks[listener].admit() >= 0) {
        this.#row[listenerOffset(listener) + metric.LISTENER_OPEN]++;
      }
    }
    let count = 0;
    for (let slot = 0; slot < tunnels.capacity; slot++) {
      const state = tunnels.state[slot];
      if (state === tunnel.FREE || state === tunnel.CLOSING) continue;
      count++;
      this.relay.end(slot, true);
    }
    this.#row[metric.TUNNELS_CUT] += count;
    return count;
  }
}
