/**
 * From an admitted client to a connected server: choose, connect, go on with the next one.
 *
 * A connect that fails or times out goes on to the next candidate, within the backend's retries and
 * their budget; no byte has been relayed by then, so the client never sees it. Where all candidates
 * are full the client waits in line (pending_queue.ts). With no candidate left it is closed,
 * counted, and logged at a capped rate.
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
import { IN_CONNECT, MEASURED, type Tunnels, WITHDRAWN } from "../../connection/tunnels.ts";
import { ACCEPT_PAUSE_MS, ATTEMPTS_MAX } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { IP_WORDS } from "../../net/ip_words.ts";
import { ACCEPT, CONNECT, PEER_GONE, STREAM } from "../../ring/ring.ts";
import { AGAIN, OURS, SHORT, verdict } from "../../socket/failure.ts";
import type { Backend } from "../../upstream/backend.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { OutgoingHeader } from "./outgoing_header.ts";
import { PendingQueue } from "./pending_queue.ts";

/** Why a client is refused. */
const NOBODY = "no server took it";
const NOT_RETRIED = "its server did not take it, and the retry budget is used up";
const BREAKER_OPEN = "the circuit breaker is open";
const QUEUE_FULL = "all servers are full, and so many wait already (limits.pending)";
const WAITED = "no server had a place for it in time (limits.queue_timeout)";

export interface ConnectorOwner {
  /** There is no fd or memory for another socket: accepting should rest. */
  onShortage(tunnel: number, result: number): void;
}

/** No server is the one that failed; in `tried`, another try at the same one is fine. */
const NO_SERVER = -1;

export class Connector {
  readonly headers: OutgoingHeader;
  readonly pending: PendingQueue;
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
    this.pending = new PendingQueue(context, tunnels);
    this.#shortOfFiles = new EndpointQueue(tunnels.capacity);
  }

  /** Connects a tunnel whose `backend`, `subset` and `clientHash` are known. */
  begin(slot: number): void {
    const { backends, row } = this.#context;
    const backend = backends[this.#tunnels.backend[slot]];
    this.#tunnels.state[slot] = tunnel.CONNECTING;
    row[backend.at + metric.BACKEND_CONNECTIONS]++;
    if (!backend.admits()) {
      row[backend.at + metric.BACKEND_BREAKER_REFUSED]++;
      this.#refuse(slot, backend, BREAKER_OPEN);
    } else this.#connect(slot, NO_SERVER);
  }

  /** @param failed the server that did not take it, whose retry this is; NO_SERVER: none. */
  #connect(slot: number, failed: number): void {
    const tunnels = this.#tunnels;
    const { pending } = this;
    const backend = this.#context.backends[tunnels.backend[slot]];
    tunnels.state[slot] = tunnel.CONNECTING;
    const { isLimited } = backend.places;
    // Nobody overtakes those who wait already, but who had their turn and try again.
    const mustWait = isLimited && failed === NO_SERVER && pending.hasWaiting(backend) &&
      pending.hasRoom(backend);
    const server = mustWait ? -1 : this.#choose(slot, backend);
    const waits = server < 0 && (mustWait || (isLimited && backend.isSaturated));
    if (server < 0 && !(waits && this.#wait(slot, backend))) {
      this.#refuse(slot, backend, waits ? QUEUE_FULL : NOBODY);
      return;
    }
    // Counted now that it is sure that there will be one.
    if (failed !== NO_SERVER) {
      this.#context.row[backend.places.at(failed) + metric.SERVER_RETRIES]++;
    }
    if (server >= 0) this.#open(slot, backend, server);
  }

  /** A server that has a place, which is claimed then; -1 without any. */
  #choose(slot: number, backend: Backend): number {
    const tunnels = this.#tunnels;
    const server = backend.choose(
      this.#context.random.next(),
      tunnels.clientHash[slot] >>> 0,
      tunnels.tried,
      slot * ATTEMPTS_MAX,
      tunnels.attempts[slot],
      tunnels.subset[slot],
    );
    if (server < 0 || backend.places.claim(server)) return server;
    backend.isSaturated = true; // another worker took the last place at this moment
    return -1;
  }

  /** Puts a client in line; false when too many wait. */
  #wait(slot: number, backend: Backend): boolean {
    const { row, ring } = this.#context;
    if (!this.pending.hasRoom(backend)) {
      row[backend.at + metric.BACKEND_PENDING_REFUSED]++;
      return false;
    }
    this.pending.join(slot, backend);
    this.#wheel.set(slot, ring.nowMs + backend.queueTimeoutMs);
    return true;
  }

  /** A place at `server` is claimed for the tunnel. */
  #open(slot: number, backend: Backend, server: number): void {
    const { ring, row, log } = this.#context;
    const tunnels = this.#tunnels;
    const fd = backend.sockets.open(ring, server, STREAM, tunnels.client, slot * IP_WORDS);
    if (fd < 0) backend.places.giveBack(server);
    if (fd < 0 && verdict(ACCEPT, fd) === SHORT) {
      this.#waitForMore(slot, fd);
      return;
    }
    tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot]] = server;
    tunnels.attempts[slot]++;
    if (fd < 0) {
      // Not for want of files: this machine has no sockets for such an address.
      row[backend.places.at(server) + metric.SERVER_CONNECT_FAILURES]++;
      log.connectFailed(backend, server, fd);
      this.#retry(slot, backend, server);
      return;
    }
    tunnels.server[slot] = server;
    tunnels.serverAt[slot] = backend.places.at(server);
    const endpoint = slot * 2 + 1;
    tunnels.fd[endpoint] = fd;
    tunnels.flags[endpoint] |= IN_CONNECT;
    const generation = tunnels.generation[slot];
    ring.connect(fd, backend.sockets.addressSlot(server), CONNECT, endpoint, generation);
    this.#wheel.set(slot, ring.nowMs + backend.connectTimeoutMs);
  }

  /** Another try at another server, if there is one and the budget has it. */
  #retry(slot: number, backend: Backend, failed: number): void {
    const isLast = this.#tunnels.attempts[slot] >= backend.attemptsMax;
    if (!isLast && backend.allowsRetry()) {
      this.#connect(slot, failed);
      return;
    }
    if (!isLast) this.#context.row[backend.at + metric.BACKEND_RETRIES_REFUSED]++;
    this.#refuse(slot, backend, isLast ? NOBODY : NOT_RETRIED);
  }

  // ---- Those who wait ---------------------------------------------------------------------

  /** Places that have become free go to those who wait for them, the first ones first. */
  serve(): void {
    const { backends } = this.#context;
    for (let i = 0; i < backends.length && !this.pending.isEmpty; i++) {
      this.pending.beginServing();
      let line = this.pending.nextLine(backends[i]);
      while (line >= 0) {
        if (!this.#serveFirst(backends[i], line)) this.pending.passOver(line);
        line = this.pending.nextLine(backends[i]);
      }
    }
  }

  /** False when the first of the line has to wait on, and all behind it. */
  #serveFirst(backend: Backend, line: number): boolean {
    const { ring } = this.#context;
    const tunnels = this.#tunnels;
    const slot = this.pending.first(line);
    // Without files for a socket nobody would be better off outside of the line.
    if (this.#shortUntilMs > ring.nowMs || !this.pending.isFirstOfAll(line)) return false;
    const isGone = ring.peerEnded(tunnels.fd[slot * 2]) === PEER_GONE;
    const server = isGone ? -1 : this.#choose(slot, backend);
    if (server < 0 && !isGone && backend.isSaturated) return false;
    if (server >= 0 && !backend.admits()) {
      backend.places.giveBack(server);
      return false;
    }
    this.pending.leave(slot, backend);
    this.#wheel.clear(slot);
    tunnels.state[slot] = tunnel.CONNECTING;
    if (server >= 0) this.#open(slot, backend, server);
    else if (isGone) this.#relay.end(slot, true);
    else this.#refuse(slot, backend, NOBODY);
    return true;
  }

  /** A client has waited too long for a place. */
  onQueueExpired(slot: number): void {
    const { backends, row } = this.#context;
    const backend = backends[this.#tunnels.backend[slot]];
    row[backend.at + metric.BACKEND_QUEUE_TIMEOUTS]++;
    this.leaveQueue(slot);
    this.#refuse(slot, backend, WAITED);
  }

  /** A tunnel that waits for a place waits no more. */
  leaveQueue(slot: number): void {
    this.pending.leave(slot, this.#context.backends[this.#tunnels.backend[slot]]);
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
      if (waits) this.#connect(slot, NO_SERVER);
    }
  }

  /** @param why a text for the log. */
  #refuse(slot: number, backend: Backend, why: string): void {
    const { row, log, plan } = this.#context;
    row[this.#tunnels.listenerAt[slot] + metric.LISTENER_REFUSED]++;
    log.refused(plan.listeners[this.#tunnels.listener[slot]].name, backend, why);
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
    if ((tunnels.flags[endpoint] & WITHDRAWN) !== 0) {
      this.#goElsewhere(slot);
      return;
    }
    const sent = result >= 0 ? this.headers.send(slot, backend.proxyProtocol) : result;
    if (sent < 0) {
      this.#onFailure(slot, backend, sent);
      return;
    }
    this.#context.row[tunnels.serverAt[slot] + metric.SERVER_CONNECTIONS]++;
    backend.news.onConnected(tunnels.server[slot]);
    if (backend.latencies !== null) tunnels.flags[endpoint] |= MEASURED;
    this.headers.forget(slot);
    this.#relay.start(slot);
  }

  /** Leaves a server that gets nothing any more. That was our decision, so nobody failed. */
  withdraw(slot: number): void {
    const endpoint = slot * 2 + 1;
    if ((this.#tunnels.flags[endpoint] & IN_CONNECT) === 0) return;
    this.#tunnels.flags[endpoint] |= WITHDRAWN;
    this.onExpired(slot);
  }

  #goElsewhere(slot: number): void {
    const tunnels = this.#tunnels;
    tunnels.flags[slot * 2 + 1] &= ~WITHDRAWN;
    this.#giveUpSocket(slot);
    tunnels.attempts[slot]--;
    this.#connect(slot, NO_SERVER);
  }

  #onFailure(slot: number, backend: Backend, result: number): void {
    const tunnels = this.#tunnels;
    const { row, log } = this.#context;
    const at = tunnels.serverAt[slot];
    const server = tunnels.server[slot];
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
    if (result === -ECANCELED) {
      row[metric.CONNECT_TIMEOUTS]++;
      backend.measureTimeout(server);
    }
    row[at + metric.SERVER_CONNECT_FAILURES]++;
    // What is missing on this machine is no error of the server.
    if (how !== SHORT) backend.news.onConnectFailed(server);
    log.connectFailed(backend, server, result);
    this.#giveUpSocket(slot);
    // Again means that the kernel was interrupted: the same server may have another try.
    if (how === AGAIN) {
      tunnels.tried[slot * ATTEMPTS_MAX + tunnels.attempts[slot] - 1] = NO_SERVER;
    }
    this.#retry(slot, backend, server);
  }

  /** A connect took too long; the completion of the cancelled one goes on from there. */
  onExpired(slot: number): void {
    this.#context.ring.cancel(CONNECT, slot * 2 + 1, this.#tunnels.generation[slot]);
  }
}
