/**
 * A backend as a worker uses it: its servers, their addresses, and who may be picked now.
 *
 * Here rules meet mechanism: the policy (pure) sees a ServerSet whose `eligible` this class
 * prepares for each pick. A server is eligible when its address is known and it was not tried for
 * this connection before; backup servers only when no other is.
 *
 * @hot
 */
import { makePolicy, type Pick, type PolicyState } from "../balance/policy.ts";
import { makeServerSet, type ServerSet } from "../balance/server_set.ts";
import { assert } from "../base/assert.ts";
import { EAFNOSUPPORT } from "../base/errno.ts";
import type { HashOn, ProxyProtocol } from "../config/config.ts";
import { ATTEMPTS_MAX, UNREACHABLE_MS } from "../limits.ts";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, type SharedState } from "../metrics/shared_state.ts";
import { isIpv4Words } from "../net/ip_words.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../net/socket_address.ts";
import { optionCalls } from "../net/socket_options.ts";
import {
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPV6_TRANSPARENT,
  SOL_IP,
  SOL_IPV6,
} from "../net/socket_numbers.ts";
import { ADDRESS_SLOT_BYTES, DATAGRAM_SOCKET, type Ring, STREAM } from "../ring/ring.ts";
import type { BackendPlan } from "./plan.ts";

const NO_CALLS = new Int32Array(0);

/** The setsockopt calls for new sockets of a family: level, option, value, and so on. */
function callsOf(plan: BackendPlan, type: number, family: number): Int32Array {
  const transport = type === STREAM ? "stream" : "datagram";
  return Int32Array.from(optionCalls(plan.socket, "backend", transport, family).flat());
}

function callsByFamily(plan: BackendPlan, type: number): Int32Array[] {
  const calls: Int32Array[] = [];
  for (let family = 0; family <= AF_INET6; family++) {
    const isKnown = family === AF_UNIX || family === AF_INET || family === AF_INET6;
    calls.push(isKnown ? callsOf(plan, type, family) : NO_CALLS);
  }
  return calls;
}

export class Backend {
  readonly name: string;
  readonly serverCount: number;
  readonly connectTimeoutMs: number;
  /** Servers tried for one connection, the first included. */
  readonly attemptsMax: number;
  /** The number of its first server, counted through all backends. */
  readonly firstServer: number;
  readonly serverNames: readonly string[];
  readonly hashOn: HashOn | null;
  /** The header that servers get first. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** Whether the file says how much a socket may hold. */
  readonly hasReceiveBuffer: boolean;
  readonly #isTransparent: boolean;
  /** By family, for connections and for datagrams. */
  readonly #streamCalls: readonly Int32Array[];
  readonly #datagramCalls: readonly Int32Array[];
  readonly #firstSlot: number;
  readonly #addresses: Uint8Array;
  readonly #servers: ServerSet;
  readonly #pick: Pick;
  readonly #state: PolicyState;
  readonly #backup: Uint8Array;
  readonly #known: Uint8Array;
  /** When a server whose port was closed is asked again, in milliseconds. */
  readonly #shunnedUntilMs: Float64Array;
  #shunnedCount = 0;
  /** Servers passed over for this pick. */
  readonly #skipped: Uint8Array;
  #clock: { readonly nowMs: number } = { nowMs: 0 };
  readonly #hasBackups: boolean;
  readonly #needsOpen: boolean;
  readonly #shared: SharedState;

  /**
   * @param firstSlot address slot of its first server; the others follow.
   * @param addresses all address slots of the ring.
   */
  constructor(
    plan: BackendPlan,
    firstServer: number,
    firstSlot: number,
    addresses: Uint8Array,
    shared: SharedState,
  ) {
    this.name = plan.name;
    this.serverCount = plan.servers.length;
    this.connectTimeoutMs = plan.connectTimeoutMs;
    this.attemptsMax = Math.min(plan.retries + 1, ATTEMPTS_MAX);
    this.firstServer = firstServer;
    this.serverNames = plan.servers.map((server) => server.name); // cold: at start
    this.hashOn = plan.hashOn;
    this.proxyProtocol = plan.proxyProtocol;
    this.hasReceiveBuffer = plan.socket.receive_buffer !== undefined;
    this.#isTransparent = plan.isTransparent;
    this.#streamCalls = callsByFamily(plan, STREAM);
    this.#datagramCalls = callsByFamily(plan, DATAGRAM_SOCKET);
    this.#firstSlot = firstSlot;
    this.#addresses = addresses;
    this.#shared = shared;
    this.#servers = makeServerSet(
      this.serverNames,
      plan.servers.map((server) => server.weight), // cold: at start
    );
    const policy = makePolicy(plan.balance, this.#servers);
    this.#pick = policy.pick;
    this.#state = policy.state;
    this.#needsOpen = plan.balance === "least_conn" || plan.balance === "p2c";
    this.#backup = new Uint8Array(this.serverCount);
    for (let i = 0; i < this.serverCount; i++) this.#backup[i] = plan.servers[i].backup ? 1 : 0;
    this.#hasBackups = this.#backup.includes(1);
    this.#known = new Uint8Array(this.serverCount);
    this.#shunnedUntilMs = new Float64Array(this.serverCount);
    this.#skipped = new Uint8Array(this.serverCount);
    for (let i = 0; i < this.serverCount; i++) this.setAddress(i, plan.servers[i].address);
  }

  /** struct sockaddr bytes; empty: the server has no address now and is not picked. */
  setAddress(server: number, address: readonly number[]): void {
    assert(address.length <= ADDRESS_SLOT_BYTES, "an address fits its slot");
    this.#known[server] = address.length > 0 ? 1 : 0;
    // What was closed was the old address.
    if (this.#shunnedUntilMs[server] !== 0) {
      this.#shunnedUntilMs[server] = 0;
      this.#shunnedCount--;
    }
    this.#addresses.set(address, this.addressSlot(server) * ADDRESS_SLOT_BYTES);
  }

  addressSlot(server: number): number {
    return this.#firstSlot + server;
  }

  /** sa_family of a server's address. */
  addressFamily(server: number): number {
    return this.#addresses[this.addressSlot(server) * ADDRESS_SLOT_BYTES];
  }

  /**
   * Picks a server that is not among the `triedCount` entries of `tried` from `triedAt` on, or -1.
   * `random` and `hash` are unsigned 32-bit integers. Shunned servers are passed over for
   * datagrams: that a port of UDP is closed says nothing of TCP.
   */
  choose(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
    forDatagrams = false,
  ): number {
    if (this.#needsOpen) this.#sumOpen();
    if (forDatagrams && this.#shunnedCount > 0) {
      this.#skipShunned();
      const server = this.#pickFrom(random, hash, tried, triedAt, triedCount);
      this.#skipped.fill(0);
      // All were refused lately: then any may be tried.
      if (server >= 0) return server;
    }
    return this.#pickFrom(random, hash, tried, triedAt, triedCount);
  }

  #pickFrom(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
  ): number {
    this.#prepare(0, tried, triedAt, triedCount);
    const server = this.#pick(this.#servers, this.#state, random, hash);
    if (server >= 0 || !this.#hasBackups) return server;
    this.#prepare(1, tried, triedAt, triedCount);
    return this.#pick(this.#servers, this.#state, random, hash);
  }

  #prepare(backup: number, tried: Int16Array, triedAt: number, triedCount: number): void {
    const eligible = this.#servers.eligible;
    for (let i = 0; i < this.serverCount; i++) {
      const isOfKind = this.#backup[i] === backup && this.#skipped[i] === 0;
      eligible[i] = isOfKind ? this.#known[i] : 0;
    }
    for (let i = 0; i < triedCount; i++) eligible[tried[triedAt + i]] = 0;
  }

  /** A server has answered that its port is closed: passed over for UNREACHABLE_MS. */
  shun(server: number, clock: { readonly nowMs: number }): void {
    if (this.#shunnedUntilMs[server] === 0) this.#shunnedCount++;
    this.#shunnedUntilMs[server] = clock.nowMs + UNREACHABLE_MS;
    this.#clock = clock;
  }

  /** Whether a server may get something new now, apart from what the policy thinks. */
  isUsable(server: number, clock: { readonly nowMs: number }): boolean {
    return this.#known[server] === 1 && this.#servers.weights[server] > 0 &&
      this.#shunnedUntilMs[server] <= clock.nowMs;
  }

  /** Marks the servers that are passed over now; whose time is up is not. */
  #skipShunned(): void {
    const nowMs = this.#clock.nowMs;
    for (let i = 0; i < this.serverCount; i++) {
      const untilMs = this.#shunnedUntilMs[i];
      if (untilMs !== 0 && untilMs <= nowMs) {
        this.#shunnedUntilMs[i] = 0;
        this.#shunnedCount--;
      }
      this.#skipped[i] = this.#shunnedUntilMs[i] !== 0 ? 1 : 0;
    }
  }

  /**
   * A socket for a server, with the options of the backend; with `transparent` bound to the
   * client's address. An fd or a negated errno.
   *
   * @param client 4 words from `clientAt` on.
   */
  openSocket(
    ring: Ring,
    server: number,
    type: number,
    client: Int32Array,
    clientAt: number,
  ): number {
    const family = this.addressFamily(server);
    const fd = ring.openSocket(family, type);
    if (fd < 0) return fd;
    const calls = (type === STREAM ? this.#streamCalls : this.#datagramCalls)[family];
    for (let i = 0; i < calls.length; i += 3) {
      ring.setOption(fd, calls[i], calls[i + 1], calls[i + 2]);
    }
    if (!this.#isTransparent) return fd;
    const bound = this.#bindToClient(ring, fd, family, client, clientAt);
    if (bound >= 0) return fd;
    ring.closeNow(fd);
    return bound;
  }

  #bindToClient(
    ring: Ring,
    fd: number,
    family: number,
    client: Int32Array,
    clientAt: number,
  ): number {
    // Between IPv4 and IPv6 nobody can be shown, and a client of a unix socket (zeros) to nobody.
    const isIpv4 = isIpv4Words(client, clientAt);
    const isNobody = !isIpv4 && client[clientAt] === 0 && client[clientAt + 3] === 0;
    if (family === AF_UNIX || isNobody) return -EAFNOSUPPORT;
    if ((family === AF_INET) !== isIpv4) return -EAFNOSUPPORT;
    const allowed = family === AF_INET
      ? ring.setOption(fd, SOL_IP, IP_TRANSPARENT, 1)
      : ring.setOption(fd, SOL_IPV6, IPV6_TRANSPARENT, 1);
    if (allowed < 0) return allowed;
    // The port is picked when the server is known: as many connections per client as it has ports.
    ring.setOption(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return ring.bindNow(fd, family, client, clientAt, 0);
  }

  /** Open connections over all workers, from shared memory: what makes least_conn true. */
  #sumOpen(): void {
    for (let i = 0; i < this.serverCount; i++) {
      const offset = serverOffset(this.#shared.shape, this.firstServer + i) + SERVER_OPEN;
      this.#servers.open[i] = this.#shared.sum(offset);
    }
  }
}
