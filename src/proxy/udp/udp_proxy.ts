/**
 * UDP listeners of one worker: datagrams of clients to servers and back.
 *
 * Each flow has a connected socket of its own towards its server, so the kernel sorts replies by
 * flow, drops what comes from elsewhere, and tells when the server's port is closed. Datagrams pass
 * one by one, whole, in order: never merged or split; what a full socket does not take is dropped
 * and counted, as any router would. Sends need no completion (Ring.sendDatagram).
 *
 * A server whose port is closed is passed over for a while (Backend.shun) and its flow moves on:
 * the datagram that met the closed port is sent once more, to the next candidate.
 *
 * Who gets a flow, and which flow gives way, is decided in flow_admission.ts and flow_table.ts.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOBUFS } from "../../base/errno.ts";
import { KeyedHash } from "../../base/keyed_hash.ts";
import { JOURNAL_OFFSET } from "../../buffer/buffer_pool.ts";
import { EndpointQueue } from "../../connection/endpoint_queue.ts";
import { TimerWheel } from "../../connection/timer_wheel.ts";
import { EXPIRIES_PER_TURN_MAX, FLOW_DRAIN_MS, JOURNAL_BYTES } from "../../limits.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset } from "../../metrics/shared_state.ts";
import { DATAGRAM_LANE, FORWARDED, RECEIVE, REPLIES, REPLY } from "../../ring/ring.ts";
import { AGAIN, OURS, verdict } from "../../socket/failure.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { FlowAdmission, type FlowOpener } from "./flow_admission.ts";
import { HEADER_DUE, MOVED, RECEIVING, UNANSWERED } from "./flow_flags.ts";
import { FlowHeader } from "./flow_header.ts";
import { FlowJournal } from "./flow_journal.ts";
import * as flows from "./flow_table.ts";
import { FLOW_KEY_WORDS, FlowTable, KEY_CLIENT, KEY_LOCAL } from "./flow_table.ts";
import { QuicAffinity } from "./quic_affinity.ts";
import { countDatagrams, SegmentedSends } from "./segmented_sends.ts";
import { SentBuffers } from "./sent_buffers.ts";
import { UdpSockets } from "./udp_sockets.ts";

/** What ICMP says when nothing can be had from a server now. */
function isUnreachable(result: number): boolean {
  return result === -ECONNREFUSED || result === -EHOSTUNREACH || result === -ENETUNREACH;
}

export class UdpProxy implements FlowOpener {
  readonly flows: FlowTable;
  readonly sockets: UdpSockets;
  readonly sent: SentBuffers;
  readonly #context: ProxyContext;
  readonly #wheel: TimerWheel;
  readonly #row: Float64Array;
  readonly #admission: FlowAdmission;
  readonly #journal: FlowJournal;
  readonly #bursts: SegmentedSends;
  readonly #headers: FlowHeader;
  readonly #quic: QuicAffinity | null;
  readonly #probe = new Int32Array(FLOW_KEY_WORDS);
  /** Flows whose receive found the lane dry. */
  readonly #starved: EndpointQueue;
  #isDraining = false;

  /** @param capacity flows at once. */
  constructor(context: ProxyContext, capacity: number) {
    const { ring, pool, plan, row, region } = context;
    this.#context = context;
    this.#row = row;
    const hash = new KeyedHash(plan.hashKey[0], plan.hashKey[1]);
    this.flows = new FlowTable(capacity, plan.listeners.length, ring, hash);
    this.sockets = new UdpSockets(plan, ring);
    this.sent = new SentBuffers(pool);
    this.#bursts = new SegmentedSends(ring, this.flows, this.sockets, this.sent);
    this.#wheel = new TimerWheel(capacity, ring);
    this.#journal = new FlowJournal(
      pool.slab,
      JOURNAL_OFFSET,
      JOURNAL_BYTES,
      this.flows.journalAt,
    );
    this.#headers = new FlowHeader(plan, this.flows, this.sockets);
    this.#quic = region.quicTables.length > 0
      ? new QuicAffinity(region.quicTables, plan.worker)
      : null;
    this.#admission = new FlowAdmission(context, this.flows, this.#headers, this.#quic, this);
    this.#starved = new EndpointQueue(capacity);
  }

  // ---- Turns ------------------------------------------------------------------------------

  /** At the end of every turn: keeps receives in flight. */
  arm(): void {
    this.sockets.arm();
    for (let flow = this.#starved.shift(); flow >= 0; flow = this.#starved.shift()) {
      const isOpen = this.flows.state[flow] === flows.OPEN;
      // It may have been asked for meanwhile, or its slot used again.
      if (isOpen && (this.flows.flags[flow] & RECEIVING) === 0) this.#receive(flow);
    }
  }

  // ---- From clients -----------------------------------------------------------------------

  /** A datagram has come to a listener's socket. */
  onDatagram(socket: number): void {
    const { ring, pool } = this.#context;
    const { result, buffer, more } = ring;
    if (!more) this.sockets.onEnded(socket);
    if (result < 0) {
      this.#onReceiveFailure(result);
      if (buffer >= 0) this.#giveBack(buffer);
      return;
    }
    assert(buffer >= 0, "a datagram of a listener is in a buffer");
    pool.lease(buffer, result);
    const listener = this.sockets.listener[socket];
    const at = listenerOffset(listener);
    const count = countDatagrams(result, ring.segmentBytes);
    this.#row[at + metric.LISTENER_DATAGRAMS_RECEIVED] += count;
    this.#row[at + metric.LISTENER_RECEIVED_BYTES] += result;
    this.#readKey(socket);
    const skipped = this.#headers.strip(listener, pool.slab, ring.payloadAt, result);
    if (!this.#pass(listener, buffer, ring.payloadAt + skipped, result - skipped)) {
      this.#row[at + metric.LISTENER_DATAGRAMS_DROPPED] += count;
      pool.release(buffer);
      return;
    }
    this.sent.add(buffer);
  }

  /** The key of the flow that the current completion's datagram belongs to. */
  #readKey(socket: number): void {
    const probe = this.#probe;
    const port = this.#context.ring.readEnvelope(probe, KEY_CLIENT);
    if (this.sockets.isWildcard[socket] === 0) {
      for (let i = 0; i < 4; i++) probe[KEY_LOCAL + i] = 0;
    }
    probe[0] = (socket << 16) | port;
  }

  /** Hands a datagram, or a burst, to its flow's server; false when it is dropped. */
  #pass(listener: number, buffer: number, offset: number, bytes: number): boolean {
    let flow = this.flows.find(this.#probe);
    if (flow < 0) {
      if (this.#isDraining) return false;
      flow = this.#admission.admit(this.#probe, listener, offset, bytes);
      if (flow < 0) return false;
    }
    const { segmentBytes } = this.#context.ring;
    if (segmentBytes === 0) this.#forward(flow, offset, bytes);
    else this.#forwardBurst(flow, buffer, offset, bytes, segmentBytes);
    return true;
  }

  #forward(flow: number, offset: number, bytes: number): void {
    const { ring, backends } = this.#context;
    const table = this.flows;
    this.#countForward(flow, bytes, 1);
    // With a single server there is nobody to send it to again.
    if (backends[table.backend[flow]].serverCount > 1) this.#journal.write(flow, offset, bytes);
    // One that was kept already is sent from its new place: the old one may be written over.
    const at = offset >= JOURNAL_OFFSET ? this.#journal.offsetOf(flow) : offset;
    const fd = table.fd[flow];
    const generation = table.generation[flow];
    if ((table.flags[flow] & HEADER_DUE) !== 0) {
      table.flags[flow] &= ~HEADER_DUE;
      const length = this.#headers.write(flow);
      const prefix = this.#headers.bytes;
      ring.sendPrefixed(fd, prefix, length, at, bytes, FORWARDED, flow, generation);
    } else ring.sendDatagram(fd, at, bytes, FORWARDED, flow, generation);
    if ((table.flags[flow] & RECEIVING) === 0) this.#receive(flow);
  }

  #forwardBurst(
    flow: number,
    buffer: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): void {
    let first = 0;
    if ((this.flows.flags[flow] & HEADER_DUE) !== 0) {
      first = segmentBytes;
      this.#forward(flow, offset, first);
    }
    const rest = bytes - first;
    this.#countForward(flow, rest, countDatagrams(rest, segmentBytes));
    this.flows.journalAt[flow] = -1; // what it keeps is one datagram
    const result = this.#bursts.send(flow, false, buffer, offset + first, rest, segmentBytes);
    if (result < 0) {
      this.#lost(flow, countDatagrams(rest, segmentBytes));
      if (result === -ECONNREFUSED) {
        this.#onRefused(flow, result);
        return;
      }
    }
    if ((this.flows.flags[flow] & RECEIVING) === 0) this.#receive(flow);
  }

  #countForward(flow: number, bytes: number, count: number): void {
    const table = this.flows;
    table.touch(flow);
    for (let i = 0; i < count; i++) table.onRequest(flow);
    table.flags[flow] |= UNANSWERED;
    const at = table.serverAt[flow];
    this.#row[at + metric.SERVER_DATAGRAMS_SENT] += count;
    this.#row[at + metric.SERVER_SENT_BYTES] += bytes;
  }

  /** A datagram was not sent to its server. */
  onForwardFailed(flow: number): void {
    const { result } = this.#context.ring;
    this.#lost(flow, 1);
    const isOpen = this.flows.state[flow] === flows.OPEN;
    if (isOpen && result === -ECONNREFUSED) this.#onRefused(flow, result);
  }

  /** A burst did not leave as one: its datagrams go one by one, or are lost. */
  onBurstFailed(buffer: number): void {
    const { result } = this.#context.ring;
    const flow = this.#bursts.flowOf(buffer);
    const lost = this.#bursts.onFailed(buffer);
    if (lost === 0 || flow < 0) return;
    this.#lost(flow, lost);
    const isForth = !this.#bursts.isReply(buffer) && this.flows.state[flow] === flows.OPEN;
    if (isForth && result === -ECONNREFUSED) this.#onRefused(flow, result);
  }

  #lost(flow: number, count: number): void {
    this.#row[this.flows.listenerAt[flow] + metric.LISTENER_DATAGRAMS_DROPPED] += count;
  }

  // ---- From servers -----------------------------------------------------------------------

  #receive(flow: number): void {
    const table = this.flows;
    const { responses } = this.#context.plan.listeners[table.listener[flow]].udp!;
    // For the last answer one receive is enough, and then none has to be cancelled.
    const one = responses > 0 && table.remaining(flow, responses) <= 1;
    table.flags[flow] |= RECEIVING;
    const { ring } = this.#context;
    const fd = table.fd[flow];
    const generation = table.generation[flow];
    if (responses > 0) ring.receiveDatagrams(fd, one, REPLY, flow, generation);
    else ring.receiveMessages(fd, REPLIES, flow, generation);
  }

  /** A datagram has come from a flow's server, or its socket has something else to tell. */
  onReply(flow: number): void {
    const { ring, pool } = this.#context;
    const { result, buffer, more } = ring;
    const table = this.flows;
    if (!more) table.flags[flow] &= ~RECEIVING;
    if (buffer >= 0) pool.lease(buffer, result > 0 ? result : 0);
    if (table.state[flow] !== flows.OPEN || result < 0) {
      if (buffer >= 0) pool.release(buffer);
      if (table.state[flow] !== flows.OPEN) {
        // It had more to tell while its cancel was on its way, and may not have met it.
        if (more) this.#cancel(flow);
        this.#closeWhenIdle(flow);
      } else this.#onReplyFailure(flow, result);
      return;
    }
    const at = table.serverAt[flow];
    const count = countDatagrams(result, ring.segmentBytes);
    this.#row[at + metric.SERVER_DATAGRAMS_RECEIVED] += count;
    this.#row[at + metric.SERVER_RECEIVED_BYTES] += result;
    const { responses } = this.#context.plan.listeners[table.listener[flow]].udp!;
    if (responses > 0 && table.isFinished(flow, responses)) {
      // More than was asked for.
      this.#lost(flow, 1);
      if (buffer >= 0) pool.release(buffer);
    } else this.#reply(flow, ring.payloadAt, result, count, buffer);
    if (responses > 0 && table.isFinished(flow, responses)) this.end(flow);
    else if ((table.flags[flow] & RECEIVING) === 0) this.#receive(flow);
  }

  #reply(flow: number, offset: number, bytes: number, count: number, buffer: number): void {
    const { ring, pool, backends } = this.#context;
    const table = this.flows;
    const backend = backends[table.backend[flow]];
    backend.news.onConnected(table.server[flow]);
    if (this.#quic !== null && backend.isQuic) {
      const server = backend.firstServer + table.server[flow];
      this.#quic.learn(server, pool.slab, offset, offset + bytes);
    }
    table.touch(flow);
    table.onReply(flow);
    table.flags[flow] &= ~(MOVED | UNANSWERED);
    const at = table.listenerAt[flow];
    this.#row[at + metric.LISTENER_DATAGRAMS_SENT] += count;
    this.#row[at + metric.LISTENER_SENT_BYTES] += bytes;
    if (count === 1) this.#bursts.reply(flow, offset, bytes);
    else if (this.#bursts.send(flow, true, buffer, offset, bytes, ring.segmentBytes) < 0) {
      this.#lost(flow, count);
    }
    if (buffer >= 0) this.sent.add(buffer);
  }

  /** A datagram was not sent to its client. */
  onReplyFailed(flow: number): void {
    this.#lost(flow, 1);
  }

  #onReplyFailure(flow: number, result: number): void {
    if (result === -ENOBUFS) {
      this.#onReceiveFailure(result);
      this.#starved.push(flow);
      return;
    }
    const how = verdict(RECEIVE, result);
    if (how === AGAIN) {
      if ((this.flows.flags[flow] & RECEIVING) === 0) this.#receive(flow);
      return;
    }
    if (how === OURS) this.#row[metric.BUGS]++;
    if (isUnreachable(result)) this.#onRefused(flow, result);
    else {
      // Of one datagram, not of the server: that it was too large for some hop (EMSGSIZE), say.
      this.#lost(flow, 1);
      if ((this.flows.flags[flow] & RECEIVING) === 0) this.#receive(flow);
    }
  }

  #onReceiveFailure(result: number): void {
    const { pool, ring } = this.#context;
    if (result === -ENOBUFS) {
      this.#row[metric.RECEIVES_STARVED]++;
      pool.widen(DATAGRAM_LANE, ring);
    } else if (verdict(RECEIVE, result) === OURS) this.#row[metric.BUGS]++;
  }

  #giveBack(buffer: number): void {
    this.#context.pool.lease(buffer, 0);
    this.#context.pool.release(buffer);
  }

  /** The server's port is closed, or it cannot be reached: its flow moves on, once. */
  #onRefused(flow: number, result: number): void {
    const { backends, log } = this.#context;
    const table = this.flows;
    const backend = backends[table.backend[flow]];
    const at = table.serverAt[flow];
    this.#row[at + metric.SERVER_CONNECT_FAILURES]++;
    log.connectFailed(backend, table.server[flow], result);
    backend.shun(table.server[flow]);
    backend.news.onConnectFailed(table.server[flow]);
    // Moved once, for a datagram that nobody has answered and that is still kept.
    const state = table.flags[flow] & (MOVED | UNANSWERED);
    const offset = this.#journal.offsetOf(flow);
    const mayMove = state === UNANSWERED && offset >= 0 && backend.attemptsMax > 1 &&
      backend.allowsRetry();
    const bytes = mayMove ? this.#journal.bytesOf(flow) : 0;
    const next = mayMove ? this.#admission.move(flow) : -1;
    if (next < 0) {
      if (!mayMove) this.#row[table.listenerAt[flow] + metric.LISTENER_REFUSED]++;
      if (table.state[flow] === flows.OPEN) this.end(flow);
      return;
    }
    this.#row[at + metric.SERVER_RETRIES]++;
    this.#forward(next, offset, bytes);
  }

  // ---- Time and ends ----------------------------------------------------------------------

  /** A flow has got its server and socket. */
  onOpened(flow: number): void {
    this.#wheel.set(flow, this.#context.ring.nowMs + this.#idleTimeoutMs(flow));
  }

  #idleTimeoutMs(flow: number): number {
    const { idleTimeoutMs } = this.#context.plan.listeners[this.flows.listener[flow]];
    return this.#isDraining ? Math.min(idleTimeoutMs, FLOW_DRAIN_MS) : idleTimeoutMs;
  }

  /** Handles deadlines that have passed; of very many at once the rest in the next turn. */
  expire(): void {
    const { nowMs } = this.#context.ring;
    for (let count = 0; count < EXPIRIES_PER_TURN_MAX; count++) {
      const flow = this.#wheel.expire();
      if (flow < 0) return;
      const dueMs = this.flows.activeMs[flow] + this.#idleTimeoutMs(flow);
      if (dueMs > nowMs) this.#wheel.set(flow, dueMs);
      else {
        this.#row[metric.FLOW_TIMEOUTS]++;
        this.end(flow);
      }
    }
  }

  /** Ends a flow: what is sent already is sent, what comes from its server later is not. */
  end(flow: number): void {
    const table = this.flows;
    this.#wheel.clear(flow);
    table.close(flow);
    this.#admission.onEnded(flow);
    if ((table.flags[flow] & RECEIVING) !== 0) this.#cancel(flow);
    this.#closeWhenIdle(flow);
  }

  /** By name: for an fd the kernel would walk the receives of all flows. */
  #cancel(flow: number): void {
    const { responses } = this.#context.plan.listeners[this.flows.listener[flow]].udp!;
    const kind = responses > 0 ? REPLY : REPLIES;
    this.#context.ring.cancel(kind, flow, this.flows.generation[flow]);
  }

  #closeWhenIdle(flow: number): void {
    const table = this.flows;
    assert(table.state[flow] === flows.CLOSING, "only an ending flow closes");
    if ((table.flags[flow] & RECEIVING) !== 0) return;
    this.#context.ring.close(table.fd[flow]);
    table.fd[flow] = -1;
    table.free(flow);
  }

  /** Takes no new clients; flows that rest end soon, the others when they do. */
  stopAccepting(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let flow = 0; flow < this.flows.capacity; flow++) {
      if (this.flows.state[flow] !== flows.OPEN) continue;
      this.#wheel.set(flow, this.flows.activeMs[flow] + this.#idleTimeoutMs(flow));
    }
  }

  /** While draining: closes the sockets when the last flow has ended. True when all is over. */
  isIdle(): boolean {
    if (this.flows.freeCount < this.flows.capacity || this.sent.count > 0) return false;
    if (this.#isDraining) this.sockets.stop();
    return this.sockets.isIdle;
  }

  /** Ends the flows of a server; their clients' next datagrams open others. */
  closeServer(backend: number, server: number): void {
    for (let flow = 0; flow < this.flows.capacity; flow++) {
      if (this.flows.state[flow] !== flows.OPEN) continue;
      if (this.flows.backend[flow] !== backend || this.flows.server[flow] !== server) continue;
      this.end(flow);
    }
  }

  /** Ends every flow; returns how many there were. */
  cut(): number {
    let count = 0;
    for (let flow = 0; flow < this.flows.capacity; flow++) {
      if (this.flows.state[flow] !== flows.OPEN) continue;
      count++;
      this.end(flow);
    }
    return count;
  }
}
