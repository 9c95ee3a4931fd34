/**
 * From the first datagram of a client to a flow with a server: who is let in, who gives way, which
 * server, and the socket towards it. The same way for a flow that moves on from a closed port.
 *
 * Room is made before it is needed: a flow that gives way keeps its slot and its fd until the
 * kernel has let go of both, so from FLOWS_HEADROOM free slots on each newcomer costs somebody the
 * place.
 *
 * @hot
 */
import { EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EINVAL } from "../../base/errno.ts";
import { ATTEMPTS_MAX, FLOW_SOCKET_BYTES, FLOWS_HEADROOM } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset } from "../../metrics/shared_state.ts";
import { IP_WORDS } from "../../net/ip_words.ts";
import {
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from "../../net/socket_numbers.ts";
import { ACCEPT, DATAGRAM_SOCKET } from "../../ring/ring.ts";
import { SHORT, verdict } from "../../socket/failure.ts";
import type { Backend } from "../../upstream/backend.ts";
import { hashClient, hashPort, joinHash } from "../client_hash.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { COUNTED, HEADER_DUE, MOVED } from "./flow_flags.ts";
import type { FlowHeader } from "./flow_header.ts";
import { FLOW_KEY_WORDS, type FlowTable } from "./flow_table.ts";
import type { QuicAffinity } from "./quic_affinity.ts";

/** New flows are refused so long after the ports have run out: looking for one costs 0.5 ms. */
const PORTLESS_MS = 10;
/** And so many flows give theirs back. */
const PORTS_FREED = 32;

/** Whether it is the server that cannot be reached, or this client that cannot be shown to it. */
function isOfServer(errno: number): boolean {
  return errno !== -EAFNOSUPPORT && errno !== -EADDRNOTAVAIL && errno !== -EINVAL;
}

export interface FlowOpener {
  onOpened(flow: number): void;
  end(flow: number): void;
}

export class FlowAdmission {
  readonly #context: ProxyContext;
  readonly #flows: FlowTable;
  readonly #headers: FlowHeader;
  readonly #quic: QuicAffinity | null;
  readonly #owner: FlowOpener;
  readonly #headroom: number;
  #bufferOption = SO_RCVBUFFORCE;
  /** Until then no flow is opened: there was no local port left. */
  #portlessUntilMs = 0;
  /** Servers tried for the flow that is being opened. */
  readonly #tried = new Int16Array(ATTEMPTS_MAX);
  readonly #probe = new Int32Array(FLOW_KEY_WORDS);
  /** The client of a flow that has ended. */
  readonly #gone = new Int32Array(IP_WORDS);

  constructor(
    context: ProxyContext,
    flows: FlowTable,
    headers: FlowHeader,
    quic: QuicAffinity | null,
    owner: FlowOpener,
  ) {
    this.#context = context;
    this.#flows = flows;
    this.#headers = headers;
    this.#quic = quic;
    this.#owner = owner;
    this.#headroom = Math.min(FLOWS_HEADROOM, flows.capacity >> 2);
  }

  /**
   * A flow for a client that has none, by its first datagram; -1 when it gets none, which has been
   * counted then.
   */
  admit(probe: Int32Array, listener: number, offset: number, bytes: number): number {
    const { row, plan, gates, backends, pool } = this.#context;
    const gate = gates[listener];
    const headers = this.#headers;
    const at = listenerOffset(listener);
    if (row[metric.SHEDDING] === 1) {
      row[at + metric.LISTENER_SHED]++;
      return -1;
    }
    headers.readSender(probe);
    if (plan.listeners[listener].trustedProxies !== null) {
      if (!gate.trusts(headers.client, 0, headers.clientPort)) return -1;
      if (!headers.readClient()) {
        row[at + metric.LISTENER_PROXY_HEADER_ERRORS]++;
        return -1;
      }
    }
    // Limits before rates: who has no place anyway uses no token up.
    if (this.#isFull(listener)) {
      row[at + metric.LISTENER_LIMITED]++;
      return -1;
    }
    if (!gate.admits(headers.client, 0, headers.clientPort)) return -1;
    if (!this.#makeRoom(listener)) {
      row[at + metric.LISTENER_LIMITED]++;
      return -1;
    }
    const { backend: number, subset } = plan.listeners[listener];
    const backend = backends[number];
    row[backend.at + metric.BACKEND_CONNECTIONS]++;
    let hash = this.#hashKey(backend);
    let server = -1;
    if (this.#quic !== null && backend.isQuic) {
      server = this.#quic.find(backend, subset, pool.slab, offset, offset + bytes, hash);
      hash = this.#quic.hash;
    }
    return this.#open(probe, listener, number, hash, server, 0);
  }

  /** What the backend hashes on; signed 32-bit. */
  #hashKey(backend: Backend): number {
    const { client, clientPort } = this.#headers;
    const keys = backend.hashOn;
    let hash = 0;
    for (let i = 0; i < keys.length; i++) {
      const part = keys[i] === "source_port" ? hashPort(clientPort) : hashClient(client, 0);
      hash = joinHash(hash, part, i);
    }
    return hash;
  }

  /**
   * Closes a flow whose server does not take its datagrams, and opens one like it to the next
   * candidate; -1 when there is none, or no room, and then the old one may still be open.
   */
  move(flow: number): number {
    const flows = this.#flows;
    if (flows.freeCount === 0) {
      this.#context.row[flows.listenerAt[flow] + metric.LISTENER_REFUSED]++;
      return -1;
    }
    const probe = this.#probe;
    const key = flow * FLOW_KEY_WORDS;
    for (let i = 0; i < FLOW_KEY_WORDS; i++) probe[i] = flows.keyWords[key + i];
    this.#tried[0] = flows.server[flow];
    const listener = flows.listener[flow];
    const backend = flows.backend[flow];
    const hash = flows.clientHash[flow];
    this.#owner.end(flow);
    this.#headers.clientPort = this.#headers.recall(flow, this.#headers.client);
    const next = this.#open(probe, listener, backend, hash, -1, 1);
    if (next >= 0) flows.flags[next] |= MOVED;
    return next;
  }

  // ---- Room -------------------------------------------------------------------------------

  /** Whether a limit of connections is reached, at which nobody gives way. */
  #isFull(listener: number): boolean {
    const { plan, region, ring } = this.#context;
    if (ring.nowMs < this.#portlessUntilMs) return true;
    const { connectionsMax } = plan.listeners[listener];
    if (connectionsMax > 0) {
      const open = region.state.sum(listenerOffset(listener) + metric.LISTENER_OPEN);
      if (open >= connectionsMax) return true;
    }
    if (plan.connectionsMax === 0) return false;
    return region.state.sumOverListeners(metric.LISTENER_OPEN) >= plan.connectionsMax;
  }

  /** Makes a place for one more flow, at another one's cost where need be; false without any. */
  #makeRoom(listener: number): boolean {
    const { plan, region } = this.#context;
    const flows = this.#flows;
    const open = region.state.sum(listenerOffset(listener) + metric.LISTENER_OPEN);
    // A worker that has none itself adds one: the cap holds to within one flow per worker.
    if (open >= plan.listeners[listener].udp!.flowsMax) this.#evict(flows.victim(listener));
    if (flows.freeCount <= this.#headroom) this.#evict(flows.victimOfAll());
    return flows.freeCount > 0;
  }

  #evict(flow: number): void {
    if (flow < 0) return;
    this.#context.row[this.#flows.listenerAt[flow] + metric.LISTENER_FLOWS_EVICTED]++;
    this.#owner.end(flow);
  }

  // ---- Opening ----------------------------------------------------------------------------

  /**
   * @param preferred the server to begin with; -1 leaves it to the policy.
   * @param triedCount servers in `#tried` that are not asked.
   */
  #open(
    probe: Int32Array,
    listener: number,
    number: number,
    hash: number,
    preferred: number,
    triedCount: number,
  ): number {
    const { row, backends, random, log, plan } = this.#context;
    const backend = backends[number];
    const at = listenerOffset(listener);
    const { subset } = plan.listeners[listener];
    let count = triedCount;
    let server = preferred;
    for (;;) {
      if (server < 0) {
        server = backend.choose(random.next(), hash >>> 0, this.#tried, 0, count, subset, true);
      }
      // A datagram does not wait in line: its sender sends again, or has no use for it any more.
      if (server < 0 || count >= backend.attemptsMax) {
        row[at + metric.LISTENER_REFUSED]++;
        log.refused(plan.listeners[listener].name, backend, "no server took it");
        return -1;
      }
      if (!this.#claim(backend, server, preferred)) {
        // Another worker took its last place at this moment.
        this.#tried[count++] = server;
        server = -1;
        continue;
      }
      const serverAt = backend.places.at(server);
      // Where answers are counted they come one by one.
      const takesBursts = plan.listeners[listener].udp!.responses === 0;
      const fd = this.#openSocket(backend, server, takesBursts);
      if (fd >= 0) return this.#enter(probe, listener, number, hash, server, serverAt, fd);
      backend.places.giveBack(server);
      // EAGAIN of a connect: no local port is left (net.ipv4.ip_local_port_range).
      if (fd === -EAGAIN || verdict(ACCEPT, fd) === SHORT) {
        this.#onShortage(listener, fd);
        return -1;
      }
      log.connectFailed(backend, server, fd);
      if (isOfServer(fd)) {
        row[serverAt + metric.SERVER_CONNECT_FAILURES]++;
        backend.shun(server);
        backend.news.onConnectFailed(server);
      }
      this.#tried[count++] = server;
      server = -1;
    }
  }

  /** Takes a place at a server, which who is there already and has only moved need not have. */
  #claim(backend: Backend, server: number, known: number): boolean {
    if (server !== known) return backend.places.claim(server);
    this.#context.row[backend.places.at(server) + metric.SERVER_OPEN]++;
    return true;
  }

  /** A socket connected to the server, or a negated errno. */
  #openSocket(backend: Backend, server: number, takesBursts: boolean): number {
    const { ring } = this.#context;
    const fd = backend.sockets.open(ring, server, DATAGRAM_SOCKET, this.#headers.client, 0);
    if (fd < 0) return fd;
    if (takesBursts) {
      ring.setOption(fd, SOL_UDP, UDP_GRO, 1);
      if (!backend.hasReceiveBuffer) this.#widen(fd);
    }
    const connected = ring.connectNow(fd, backend.sockets.addressSlot(server));
    if (connected >= 0) return fd;
    ring.closeNow(fd);
    return connected;
  }

  /**
   * Room for answers in bulk that come while a turn lasts: what the system's limit allows, or more
   * where we may.
   */
  #widen(fd: number): void {
    const { ring } = this.#context;
    if (ring.setOption(fd, SOL_SOCKET, this.#bufferOption, FLOW_SOCKET_BYTES) >= 0) return;
    this.#bufferOption = SO_RCVBUF;
    ring.setOption(fd, SOL_SOCKET, this.#bufferOption, FLOW_SOCKET_BYTES);
  }

  /** Out of files or memory: somebody else gives way, for the next datagram. */
  #onShortage(listener: number, result: number): void {
    const { row, log, plan } = this.#context;
    row[metric.ACCEPT_PAUSES]++;
    log.acceptFailed(plan.listeners[listener].name, result);
    row[listenerOffset(listener) + metric.LISTENER_LIMITED]++;
    const isPortless = result === -EAGAIN;
    if (isPortless) this.#portlessUntilMs = this.#context.ring.nowMs + PORTLESS_MS;
    for (let i = 0; i < (isPortless ? PORTS_FREED : 1); i++) {
      this.#evict(this.#flows.victimOfAll());
    }
  }

  #enter(
    probe: Int32Array,
    listener: number,
    backend: number,
    hash: number,
    server: number,
    serverAt: number,
    fd: number,
  ): number {
    const { row, gates, backends } = this.#context;
    const flows = this.#flows;
    const headers = this.#headers;
    const flow = flows.open(probe, listener);
    const at = listenerOffset(listener);
    flows.fd[flow] = fd;
    flows.backend[flow] = backend;
    flows.server[flow] = server;
    flows.serverAt[flow] = serverAt;
    flows.listenerAt[flow] = at;
    flows.clientHash[flow] = hash;
    headers.keep(flow);
    if (gates[listener].count(headers.client, 0, headers.clientPort)) flows.flags[flow] |= COUNTED;
    if (backends[backend].proxyProtocol !== null) flows.flags[flow] |= HEADER_DUE;
    row[at + metric.LISTENER_OPEN]++;
    row[at + metric.LISTENER_CONNECTIONS]++;
    row[serverAt + metric.SERVER_CONNECTIONS]++;
    row[metric.FLOWS_OPEN]++;
    this.#owner.onOpened(flow);
    return flow;
  }

  /** A flow has ended: its place is free for others. */
  onEnded(flow: number): void {
    const { row, gates } = this.#context;
    const flows = this.#flows;
    row[flows.listenerAt[flow] + metric.LISTENER_OPEN]--;
    row[flows.serverAt[flow] + metric.SERVER_OPEN]--;
    row[metric.FLOWS_OPEN]--;
    if ((flows.flags[flow] & COUNTED) === 0) return;
    // Not into `client`, which may be the one that this flow made room for.
    this.#headers.recall(flow, this.#gone);
    gates[flows.listener[flow]].uncount(this.#gone, 0);
  }
}
