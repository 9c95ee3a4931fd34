/**
 * From an admitted client to a connected server: choose, connect, go on with the next one.
 *
 * A connect that fails or times out goes on to the next candidate, within the backend's retries;
 * no byte has been relayed by then, so the client never sees it. With no candidate left the client
 * is closed, counted, and logged at a capped rate.
 *
 * A PROXY header goes out as soon as the connection stands: a fresh socket's buffer takes it whole,
 * so it is sent in a call of its own and the relay never knows.
 *
 * @hot
 */
import { EADDRNOTAVAIL, ECANCELED } from "../../base/errno.ts";
import { EndpointQueue } from "../../connection/endpoint_queue.ts";
import type { Relay } from "../../connection/relay.ts";
import type { TimerWheel } from "../../connection/timer_wheel.ts";
import * as tunnel from "../../connection/tunnels.ts";
import { IN_CONNECT, type Tunnels } from "../../connection/tunnels.ts";
import { ACCEPT_PAUSE_MS, ATTEMPTS_MAX } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { serverOffset } from "../../metrics/shared_state.ts";
import { IP_WORDS } from "../../net/ip_words.ts";
import { ACCEPT, CONNECT, STREAM } from "../../ring/ring.ts";
import { AGAIN, OURS, SHORT, verdict } from "../../socket/failure.ts";
import type { Backend } from "../../upstream/backend.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { OutgoingHeader } from "./outgoing_header.ts";

export interface ConnectorOwner {
  /** There is no fd or memory for another socket: accepting should rest. */
  onShortage(tunnel: number, result: number): void;
}

export class Connector {
  readonly headers: OutgoingHeader;
  readonly #context: ProxyContext;
  readonly #tunnels: Tunnels;
  readonly #wheel: TimerWheel;
  readonly #relay: Relay;
  readonly #owner: ConnectorOwner;
  /** Tunnels whose server's socket could not be opened, and when to try again. */
  readonly #shortOfFiles: EndpointQueue;
  #shortUntilMs = 0;

  constructor(
    context: ProxyContext,
    tunnels: Tunnels,
    wheel: TimerWheel,
    relay: Relay,
    owner: ConnectorOwner,
  ) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
    this.#relay = relay;
    this.#owner = owner;
    this.headers = new OutgoingHeader(context.ring, tunnels);
    this.#shortOfFiles = new EndpointQueue(tunnels.capacity);
  }

  /** Connects a tunnel whose `backend` and `clientHash` are known. */
  connect(slot: number): void {
    const { ring, random, backends, region, row, log } = this.#context;
    const tunnels = this.#tunnels;
    const backend = backends[tunnels.backend[slot]];
    tunnels.state[slot] = tunnel.CONNECTING;
    const server = backend.choose(
      random.next(),
      tunnels.clientHash[slot] >>> 0,
      tunnels.tried,
      slot * ATTEMPTS_MAX,
      tunnels.attempts[slot],
    );
    if (server < 0 || tunnels.attempts[slot] >= backend.attemptsMax) {
      this.#refuse(slot, backend);
      return;
    }
    const fd = backend.openSocket(ring, server, STREAM, tunnels.client, slot * IP_WORDS);
    if (fd < 0 && verdict(ACCEPT, fd) === SHORT) {
      this.#waitForMore(slot, fd);
      return;
    }
    tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot]] = server;
    tunnels.attempts[slot]++;
    const at = serverOffset(region.state.shape, backend.firstServer + server);
    if (fd < 0) {
      // Not for want of files: this machine has no sockets for such an address.
      row[at + metric.SERVER_CONNECT_FAILURES]++;
      log.connectFailed(backend, server, fd);
      this.connect(slot);
      return;
    }
    tunnels.server[slot] = server;
    tunnels.serverAt[slot] = at;
    row[at + metric.SERVER_OPEN]++;
    const endpoint = slot * 2 + 1;
    tunnels.fd[endpoint] = fd;
    tunnels.flags[endpoint] |= IN_CONNECT;
    const generation = tunnels.generation[slot];
    ring.connect(fd, backend.addressSlot(server), CONNECT, endpoint, generation);
    this.#wheel.set(slot, ring.nowMs + backend.connectTimeoutMs);
  }

  /** Out of files or memory: no server's fault, so the client waits. */
  #waitForMore(slot: number, result: number): void {
    this.#shortOfFiles.push(slot);
    this.#shortUntilMs = this.#context.ring.nowMs + ACCEPT_PAUSE_MS;
    this.#owner.onShortage(slot, result);
  }

  /** Closes the socket of a connect that failed. */
  #giveUpSocket(slot: number): void {
    const tunnels = this.#tunnels;
    this.#context.row[tunnels.serverAt[slot] + metric.SERVER_OPEN]--;
    this.#context.ring.close(tunnels.fd[slot * 2 + 1]);
    tunnels.fd[slot * 2 + 1] = -1;
    tunnels.server[slot] = -1;
    this.#wheel.clear(slot);
  }

  /** Tunnels that waited for an fd go on. */
  resume(): void {
    const tunnels = this.#tunnels;
    while (!this.#shortOfFiles.isEmpty && this.#shortUntilMs <= this.#context.ring.nowMs) {
      const slot = this.#shortOfFiles.shift();
      // It may have been cut, and its slot used again, meanwhile.
      const waits = tunnels.state[slot] === tunnel.CONNECTING && tunnels.fd[slot * 2 + 1] < 0;
      if (waits) this.connect(slot);
    }
  }

  #refuse(slot: number, backend: Backend): void {
    const { row, log, plan } = this.#context;
    row[this.#tunnels.listenerAt[slot] + metric.LISTENER_REFUSED]++;
    log.refused(plan.listeners[this.#tunnels.listener[slot]].name, backend);
    this.#relay.end(slot, false);
  }

  onConnected(endpoint: number): void {
    const tunnels = this.#tunnels;
    const slot = endpoint >> 1;
    const { result } = this.#context.ring;
    tunnels.flags[endpoint] &= ~IN_CONNECT;
    if (tunnels.state[slot] !== tunnel.CONNECTING) {
      this.#relay.closeWhenIdle(slot);
      return;
    }
    const backend = this.#context.backends[tunnels.backend[slot]];
    const sent = result >= 0 ? this.headers.send(slot, backend.proxyProtocol) : result;
    if (sent < 0) {
      this.#onFailure(slot, backend, sent);
      return;
    }
    this.#context.row[tunnels.serverAt[slot] + metric.SERVER_CONNECTIONS]++;
    this.headers.forget(slot);
    this.#relay.start(slot);
  }

  #onFailure(slot: number, backend: Backend, result: number): void {
    const tunnels = this.#tunnels;
    const { row, log } = this.#context;
    const at = tunnels.serverAt[slot];
    const how = verdict(CONNECT, result);
    if (how === OURS) row[metric.BUGS]++;
    // No local port is left, or no address of that family at all (IPv6 switched off): the errno
    // does not say which, and for the latter one would wait for ever.
    if (how === SHORT && result !== -EADDRNOTAVAIL) {
      this.#giveUpSocket(slot);
      tunnels.attempts[slot]--;
      this.#waitForMore(slot, result);
      return;
    }
    if (result === -ECANCELED) row[metric.CONNECT_TIMEOUTS]++;
    row[at + metric.SERVER_CONNECT_FAILURES]++;
    log.connectFailed(backend, tunnels.server[slot], result);
    this.#giveUpSocket(slot);
    // Again means that the kernel was interrupted: the same server may have another try.
    if (how === AGAIN) tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot] - 1] = 0x7fff;
    if (tunnels.attempts[slot] < backend.attemptsMax) {
      row[at + metric.SERVER_RETRIES]++;
      this.connect(slot);
    } else this.#refuse(slot, backend);
  }

  /** The connect took too long; the completion of the cancelled one goes on from there. */
  onExpired(slot: number): void {
    this.#context.ring.cancel(CONNECT, slot * 2 + 1, this.#tunnels.generation[slot]);
  }
}
