/**
 * TCP listeners of one worker: accept, let in, find out where to, connect, hand over to the relay.
 *
 * A connection's way through here: AcceptBank, Gate, Prelude (where the first bytes matter),
 * Connector, Relay; then back here when it has closed. This file keeps the places: never more
 * accepts armed than there are slots and connections allowed.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { ECANCELED } from "../../base/errno.ts";
import { hashBytes } from "../../base/hash.ts";
import { Relay } from "../../connection/relay.ts";
import { TimerWheel } from "../../connection/timer_wheel.ts";
import * as tunnel from "../../connection/tunnels.ts";
import { Tunnels } from "../../connection/tunnels.ts";
import { ACCEPTS_ARMED_MAX, EXPIRIES_PER_TURN_MAX } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset } from "../../metrics/shared_state.ts";
import { AccessList } from "../../net/access_list.ts";
import { copyIpWords, IP_WORDS, readSocketAddress } from "../../net/ip_words.ts";
import type { ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import { ACCEPT, ADDRESS_SLOT_BYTES } from "../../ring/ring.ts";
import { OURS, SHORT, verdict } from "../../socket/failure.ts";
import type { Backend } from "../../upstream/backend.ts";
import { CLIENT_HASH_SEED, hashClient, hashPort, joinHash } from "../client_hash.ts";
import type { ProxyContext } from "../proxy_context.ts";
import type { ClientHello } from "../tls/client_hello.ts";
import { TlsRoutes } from "../tls/tls_routes.ts";
import { AcceptBank } from "./accept_bank.ts";
import { Connector } from "./connector.ts";
import { Prelude } from "./prelude.ts";

/** What a listener needs besides its plan. */
interface Routing {
  readonly routes: TlsRoutes;
  /** By route. */
  readonly access: readonly AccessList[];
}

export class TcpProxy {
  readonly tunnels: Tunnels;
  readonly relay: Relay;
  readonly connector: Connector;
  readonly prelude: Prelude;
  readonly banks: readonly AcceptBank[];
  readonly #context: ProxyContext;
  readonly #wheel: TimerWheel;
  readonly #row: Float64Array;
  /** The listener of each bank. */
  readonly #listenerOf: Uint16Array;
  readonly #routings: readonly Routing[];
  /** Accepts armed per bank at most: idle ones hold a quarter of the slots, no more. */
  readonly #armsMax: number;
  /** Where arming begins next. */
  #firstBank = 0;
  readonly #hasGlobalLimit: boolean;
  /** The slot that was looked at last for a connection to move. */
  #moveAt = 0;

  /**
   * @param capacity tunnels at once.
   * Address slots [0, sockets x ACCEPTS_ARMED_MAX) of the ring are the accept banks'.
   */
  constructor(context: ProxyContext, capacity: number) {
    const { ring, pool, row, plan } = context;
    this.#context = context;
    this.#row = row;
    this.#hasGlobalLimit = plan.connectionsMax > 0;
    this.tunnels = new Tunnels(capacity);
    this.#wheel = new TimerWheel(capacity, ring);
    this.relay = new Relay(ring, pool, this.tunnels, this.#wheel, row, this);
    this.connector = new Connector(context, this.tunnels, this.#wheel, this.relay, this);
    this.prelude = new Prelude(context, this.tunnels, this.#wheel, this.relay, this);
    this.#routings = plan.listeners.map(({ routes }) => ({ // cold: at start
      routes: new TlsRoutes(routes),
      access: routes.map(({ allow, deny }) => new AccessList(allow, deny)), // cold: at start
    }));
    const banks: AcceptBank[] = [];
    const listenerOf: number[] = [];
    for (let listener = 0; listener < plan.listeners.length; listener++) {
      const { protocol, sockets } = plan.listeners[listener];
      for (let i = 0; protocol !== "udp" && i < sockets.length; i++) {
        banks.push(new AcceptBank(ring, sockets[i].fd, banks.length * ACCEPTS_ARMED_MAX));
        listenerOf.push(listener);
      }
    }
    this.banks = banks;
    this.#listenerOf = Uint16Array.from(listenerOf);
    const share = Math.floor(capacity / (4 * Math.max(1, banks.length)));
    this.#armsMax = Math.min(ACCEPTS_ARMED_MAX, Math.max(1, share));
  }

  // ---- Accepting --------------------------------------------------------------------------

  /**
   * At the end of every turn: keeps accepts armed where there is room. Each socket gets one before
   * any gets more, beginning with another one each time: none is left out.
   */
  arm(): void {
    if (this.banks.length === 0) return;
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
      const bank = this.banks[(this.#firstBank + i) % count];
      const before = bank.armedCount;
      if (before >= goal) continue;
      const allowed = this.#listenerRoom(this.#listenerOf[(this.#firstBank + i) % count]);
      const mine = Math.min(goal, allowed, left + before);
      if (mine > before) bank.arm(mine);
      left -= bank.armedCount - before;
    }
    return left;
  }

  /** Connections that a listener may still take, over all workers. */
  #listenerRoom(listener: number): number {
    const { plan, region } = this.#context;
    let room = ACCEPTS_ARMED_MAX;
    const max = plan.listeners[listener].connectionsMax;
    if (max > 0) {
      room = max - region.state.sum(listenerOffset(listener) + metric.LISTENER_OPEN);
    }
    if (this.#hasGlobalLimit) {
      const open = region.state.sumOverListeners(metric.LISTENER_OPEN);
      room = Math.min(room, plan.connectionsMax - open);
    }
    return room > 0 ? room : 0;
  }

  onAccepted(slot: number): void {
    const number = (slot / ACCEPTS_ARMED_MAX) | 0;
    const bank = this.banks[number];
    const { result } = this.#context.ring;
    bank.onCompletion(slot);
    if (result >= 0) this.#open(number, result, slot);
    else this.#onAcceptFailure(number, result);
    if (bank.stopped && bank.armedCount === 0) this.#closeListener(number);
  }

  /** A client is here: `fd`, its address in `addressSlot`. */
  #open(number: number, fd: number, addressSlot: number): void {
    const { tunnels } = this;
    const { ring, plan } = this.#context;
    const slot = tunnels.open(fd);
    const listener = this.#listenerOf[number];
    const at = listenerOffset(listener);
    const { idleTimeoutMs, halfCloseTimeoutMs } = plan.listeners[listener];
    tunnels.listener[slot] = listener;
    tunnels.listenerAt[slot] = at;
    tunnels.idleTimeoutMs[slot] = idleTimeoutMs;
    tunnels.halfCloseTimeoutMs[slot] = halfCloseTimeoutMs;
    tunnels.clientPort[slot] = readSocketAddress(
      ring.addresses,
      addressSlot * ADDRESS_SLOT_BYTES,
      tunnels.client,
      slot * IP_WORDS,
    );
    this.#row[metric.TUNNELS_OPEN]++;
    this.#row[at + metric.LISTENER_CONNECTIONS]++;
    if (this.#row[metric.SHEDDING] === 1) {
      this.#row[at + metric.LISTENER_SHED]++;
      this.#row[at + metric.LISTENER_OPEN]++;
      tunnels.state[slot] = tunnel.READING; // nothing is in flight: it ends at once
      this.relay.end(slot, true);
      return;
    }
    if (this.#listenerRoom(listener) === 0) {
      // Another worker took the last place while our accept was armed: this one waits.
      tunnels.state[slot] = tunnel.WAITING;
      this.banks[number].wait(slot);
      this.#row[at + metric.LISTENER_LIMIT_WAITS]++;
      return;
    }
    this.#letIn(slot);
  }

  /** There is a place for the client: is it allowed in, and is there something to read first? */
  #letIn(slot: number): void {
    const { tunnels } = this;
    const listener = tunnels.listener[slot];
    const plan = this.#context.plan.listeners[listener];
    this.#row[tunnels.listenerAt[slot] + metric.LISTENER_OPEN]++;
    const at = slot * IP_WORDS;
    const port = tunnels.clientPort[slot];
    const isAllowed = plan.trustedProxies === null
      ? this.#admits(slot)
      // Who the client is only its header tells.
      : this.#context.gates[listener].trusts(tunnels.client, at, port);
    if (!isAllowed) {
      tunnels.state[slot] = tunnel.READING; // nothing is in flight: it ends at once
      this.relay.end(slot, true);
    } else if (Prelude.isNeeded(plan)) this.prelude.begin(slot);
    else this.onUnderstood(slot, null);
  }

  /** Asks the gate about the client and counts it. */
  #admits(slot: number): boolean {
    const { tunnels } = this;
    const gate = this.#context.gates[tunnels.listener[slot]];
    const at = slot * IP_WORDS;
    const port = tunnels.clientPort[slot];
    if (!gate.admits(tunnels.client, at, port)) return false;
    tunnels.isCounted[slot] = gate.count(tunnels.client, at, port) ? 1 : 0;
    return true;
  }

  /** A PROXY header has told who the client is. False when it is not let in. */
  onHeader(slot: number, header: ProxyHeader, slab: Uint8Array): boolean {
    const { tunnels } = this;
    const at = slot * IP_WORDS;
    if (header.hasAddress) {
      copyIpWords(header.source, 0, tunnels.client, at);
      copyIpWords(header.destination, 0, tunnels.target, at);
      tunnels.clientPort[slot] = header.sourcePort;
      tunnels.targetPort[slot] = header.destinationPort;
      this.connector.headers.keepHeader(slot, header, slab);
    }
    if (this.#admits(slot)) return true;
    this.relay.end(slot, true);
    return false;
  }

  /** Everything is known that decides where the client goes. */
  onUnderstood(slot: number, hello: ClientHello | null): void {
    const { tunnels } = this;
    const { plan, backends } = this.#context;
    const listener = tunnels.listener[slot];
    tunnels.subset[slot] = plan.listeners[listener].subset;
    const chosen = hello === null ? plan.listeners[listener].backend : this.#route(slot, hello);
    if (chosen < 0) return;
    tunnels.backend[slot] = chosen;
    const backend = backends[chosen];
    tunnels.clientHash[slot] = this.#hashKey(slot, backend, hello);
    if (hello !== null && backend.proxyProtocol === "v2") {
      this.connector.headers.keepHello(slot, hello);
    }
    this.connector.begin(slot);
  }

  /** What the backend hashes on; signed 32-bit. */
  #hashKey(slot: number, backend: Backend, hello: ClientHello | null): number {
    const { client, clientPort } = this.tunnels;
    const keys = backend.hashOn;
    let hash = 0;
    for (let i = 0; i < keys.length; i++) {
      const part = keys[i] === "source_port"
        ? hashPort(clientPort[slot])
        : keys[i] === "sni" && hello !== null
        ? hashBytes(hello.sniBytes, 0, hello.sniLength, CLIENT_HASH_SEED) | 0
        : hashClient(client, slot * IP_WORDS);
      hash = joinHash(hash, part, i);
    }
    return hash;
  }

  /** The backend that a ClientHello asks for; -1 when it is refused, and then it has been. */
  #route(slot: number, hello: ClientHello): number {
    const { tunnels } = this;
    const listener = tunnels.listener[slot];
    const plan = this.#context.plan.listeners[listener];
    const { routes, access } = this.#routings[listener];
    const route = routes.match(hello);
    if (route >= 0) {
      const hasAddress = tunnels.clientPort[slot] >= 0;
      if (!hasAddress || access[route].admits(tunnels.client, slot * IP_WORDS)) {
        tunnels.subset[slot] = plan.routes[route].subset;
        return plan.routes[route].backend;
      }
      this.#row[tunnels.listenerAt[slot] + metric.LISTENER_DENIED]++;
      this.relay.end(slot, true);
      return -1;
    }
    if (plan.backend >= 0) return plan.backend;
    this.#row[tunnels.listenerAt[slot] + metric.LISTENER_UNROUTED]++;
    this.prelude.alert(slot, routes.mismatchAlert(hello));
    return -1;
  }

  #onAcceptFailure(number: number, result: number): void {
    if (result === -ECANCELED) return;
    const listener = this.#listenerOf[number];
    this.#row[listenerOffset(listener) + metric.LISTENER_ACCEPT_ERRORS]++;
    const how = verdict(ACCEPT, result);
    if (how === OURS) this.#row[metric.BUGS]++;
    if (how === SHORT || how === OURS) {
      this.#row[metric.ACCEPT_PAUSES]++;
      this.#context.log.acceptFailed(this.#context.plan.listeners[listener].name, result);
      this.banks[number].rest();
    }
  }

  /** Out of files or memory for a server's socket: no more clients are taken for a moment. */
  onShortage(slot: number, result: number): void {
    const { log, plan } = this.#context;
    this.#row[metric.ACCEPT_PAUSES]++;
    log.acceptFailed(plan.listeners[this.tunnels.listener[slot]].name, result);
    for (let i = 0; i < this.banks.length; i++) this.banks[i].rest();
  }

  /**
   * The last accept of a stopped listener is over. Whoever the kernel has connected already is
   * still taken, as far as there is room: closing the socket resets those who wait at it.
   */
  #closeListener(number: number): void {
    const { ring } = this.#context;
    const bank = this.banks[number];
    while (this.#freePlaces() > 0 && bank.waitingCount < ACCEPTS_ARMED_MAX) {
      const fd = ring.acceptNow(bank.fd, bank.spareSlot);
      if (fd < 0) break;
      this.#open(number, fd, bank.spareSlot);
    }
    ring.closeNow(bank.fd);
  }

  /** Connections that waited for a limit, a server or a file go on if they can. */
  admit(): void {
    this.connector.resume();
    if (!this.connector.pending.isEmpty) this.connector.serve();
    for (let i = 0; i < this.banks.length; i++) {
      const bank = this.banks[i];
      while (bank.waitingCount > 0 && this.#listenerRoom(this.#listenerOf[i]) > 0) {
        this.#letIn(bank.admit());
      }
    }
  }

  // ---- Time and ends ----------------------------------------------------------------------

  onConnected(endpoint: number): void {
    this.connector.onConnected(endpoint);
  }

  /** Handles deadlines that have passed; of very many at once the rest in the next turn. */
  expire(): void {
    for (let count = 0; count < EXPIRIES_PER_TURN_MAX; count++) {
      const slot = this.#wheel.expire();
      if (slot < 0) return;
      const state = this.tunnels.state[slot];
      if (state === tunnel.CONNECTING) this.connector.onExpired(slot);
      else if (state === tunnel.QUEUED) this.connector.onQueueExpired(slot);
      else if (state === tunnel.READING) this.prelude.onExpired(slot);
      else this.relay.onExpired(slot);
    }
  }

  onClosed(slot: number): void {
    const { tunnels } = this;
    assert(tunnels.state[slot] === tunnel.CLOSING, "a tunnel closes before it is free");
    this.#row[metric.TUNNELS_OPEN]--;
    this.#row[tunnels.listenerAt[slot] + metric.LISTENER_OPEN]--;
    if (tunnels.server[slot] >= 0) {
      this.#row[tunnels.serverAt[slot] + metric.SERVER_OPEN]--;
      this.#tellNews(slot);
    }
    if (tunnels.isCounted[slot] === 1) {
      this.#context.gates[tunnels.listener[slot]].uncount(tunnels.client, slot * IP_WORDS);
    }
    this.connector.headers.forget(slot);
    tunnels.free(slot);
  }

  /** How a connection to a server has ended. */
  #tellNews(slot: number): void {
    const { tunnels } = this;
    const backend = this.#context.backends[tunnels.backend[slot]];
    const { news } = backend;
    // Never answered: so slow at the least.
    const isAsked = (tunnels.flags[slot * 2 + 1] & tunnel.ASKED) !== 0;
    if (isAsked) backend.measureSilence(tunnels.server[slot], tunnels.askedMs, slot);
    if (tunnels.isBroken[slot] === 1) news.onReset(tunnels.server[slot]);
    else if ((tunnels.flags[slot * 2 + 1] & tunnel.ENDED) !== 0) {
      news.onEndedWell(tunnels.server[slot]);
    }
  }

  /** A MEASURED server has answered. */
  onAnswered(slot: number): void {
    const { tunnels } = this;
    const backend = this.#context.backends[tunnels.backend[slot]];
    backend.measure(tunnels.server[slot], tunnels.askedMs, slot);
  }

  /** Stops accepting. Connections that wait for room are let in as others end. */
  stopAccepting(): void {
    for (let i = 0; i < this.banks.length; i++) {
      const bank = this.banks[i];
      if (bank.stopped) continue;
      bank.stop();
      if (bank.armedCount === 0) this.#closeListener(i);
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

  /** Ends what is open to a server: connections with a reset; one that connects tries another. */
  closeServer(backend: number, server: number): void {
    const { tunnels } = this;
    if (tunnels.openCount === 0) return;
    for (let slot = 0; slot < tunnels.capacity; slot++) {
      if (tunnels.backend[slot] !== backend || tunnels.server[slot] !== server) continue;
      if (tunnels.state[slot] === tunnel.OPEN) this.relay.end(slot, true);
      else if (tunnels.state[slot] === tunnel.CONNECTING) this.connector.withdraw(slot);
    }
  }

  /** Ends up to `count` connections to a server that are quiet at this moment, with a FIN. */
  moveFrom(backend: number, server: number, count: number): void {
    const { tunnels } = this;
    let left = tunnels.openCount > 0 ? count : 0;
    for (let looked = 0; looked < tunnels.capacity && left > 0; looked++) {
      // From where the last one was found: not the same clients again and again.
      this.#moveAt = this.#moveAt + 1 < tunnels.capacity ? this.#moveAt + 1 : 0;
      const slot = this.#moveAt;
      if (tunnels.backend[slot] !== backend || tunnels.server[slot] !== server) continue;
      if (tunnels.state[slot] !== tunnel.OPEN || !this.relay.isQuiet(slot)) continue;
      this.relay.end(slot, false);
      left--;
    }
  }

  /** Ends every tunnel with a reset; returns how many there were. */
  cut(): number {
    const { tunnels } = this;
    for (let i = 0; i < this.banks.length; i++) {
      // Who waits was not counted as open yet, and is uncounted when it closes.
      while (this.banks[i].admit() >= 0) {
        this.#row[listenerOffset(this.#listenerOf[i]) + metric.LISTENER_OPEN]++;
      }
    }
    let count = 0;
    for (let slot = 0; slot < tunnels.capacity; slot++) {
      const state = tunnels.state[slot];
      if (state === tunnel.FREE || state === tunnel.CLOSING) continue;
      count++;
      if (state === tunnel.QUEUED) this.connector.leaveQueue(slot);
      this.relay.end(slot, true);
    }
    this.#row[metric.TUNNELS_CUT] += count;
    return count;
  }
}
