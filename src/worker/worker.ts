/**
 * One worker: a ring, its state, and the turn loop. A pure function of completions.
 *
 * A turn: submit what is queued and wait (one system call), handle every completion, handle
 * deadlines, keep accepts armed, publish the heartbeat. The work of a turn is bounded by the
 * completion queue. Nothing here awaits: while it serves, a worker never returns to the runtime's
 * event loop, so whatever it must react to arrives through the ring.
 *
 *   STARTING -> SERVING --drain, orphaned--> DRAINING --last tunnel ended, or cut--> DONE
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { Random } from "../base/random.ts";
import { BufferPool } from "../buffer/buffer_pool.ts";
import {
  ACCEPTS_ARMED_MAX,
  type Capacity,
  CUT_GRACE_MS,
  OFFER_NARROW_MS,
  ORPHAN_ACCEPT_MS,
  PENDING_LOOK_MS,
  TURN_WAIT_MS_MAX,
} from "../limits.ts";
import * as metric from "../metrics/metric_names.ts";
import { Gate } from "../proxy/gate.ts";
import type { ProxyContext, ProxyLog } from "../proxy/proxy_context.ts";
import { TcpProxy } from "../proxy/tcp/tcp_proxy.ts";
import { UdpProxy } from "../proxy/udp/udp_proxy.ts";
import {
  ACCEPT,
  CONNECT,
  CONTROL,
  DATAGRAM,
  FORWARDED,
  IGNORED,
  PEEK,
  RECEIVE,
  REPLIED,
  REPLIES,
  REPLY,
  type Ring,
  SEGMENTS,
  SEND,
  SIGNAL,
  WRITABLE,
} from "../ring/ring.ts";
import { type Backend, makeBackends } from "../upstream/backend.ts";
import type { ControlMessage, Plan } from "../upstream/plan.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";
import { BoardReader } from "./board_reader.ts";
import { LoadWatch } from "./load_watch.ts";

export const STARTING = 0;
export const SERVING = 1;
export const DRAINING = 2;
export const DONE = 3;

/** How late a deadline may be noticed while any is set. */
const DEADLINE_WAIT_MS = 50;

/** What a worker reads from outside; a worker of a simulation has none (fd -1). */
export interface WorkerInputs {
  /** Pipe from the supervisor; its end means that the supervisor is gone. */
  readonly controlFd: number;
  /** The shim's eventfd of signals. */
  readonly signalFd: number;
  /** CPU time that the process has used, in milliseconds. */
  cpuMs(): number;
  /** Turns bytes of the pipe into messages. */
  parse(bytes: Uint8Array, count: number): readonly ControlMessage[];
}

/** Sockets of a plan that connections are accepted from, and those of datagrams. */
export function countSockets(plan: Plan): { tcp: number; udp: number } {
  const count = { tcp: 0, udp: 0 };
  for (let i = 0; i < plan.listeners.length; i++) {
    const { protocol, sockets } = plan.listeners[i];
    count[protocol === "udp" ? "udp" : "tcp"] += sockets.length;
  }
  return count;
}

/** Address slots that a plan needs: the accept banks', then one per server. */
export function addressSlotCount(plan: Plan): number {
  let count = countSockets(plan).tcp * ACCEPTS_ARMED_MAX;
  for (let i = 0; i < plan.backends.length; i++) count += plan.backends[i].servers.length;
  return count;
}

export class Worker {
  state = STARTING;
  /** Tunnels cut because a drain took too long or a second signal came. */
  cutCount = 0;
  readonly pool: BufferPool;
  readonly tcp: TcpProxy;
  readonly udp: UdpProxy;
  readonly #ring: Ring;
  readonly #plan: Plan;
  readonly #inputs: WorkerInputs;
  readonly #row: Float64Array;
  readonly #backends: readonly Backend[];
  readonly #board: BoardReader;
  readonly #load: LoadWatch;
  /** When to stop accepting because the supervisor is gone; when to cut. Infinity: never. */
  #stopAtMs = Infinity;
  #cutAtMs = Infinity;
  #orphaned = false;
  /** When to offer fewer buffers again. */
  #narrowAtMs = 0;

  /** @param capacity tunnels and flows at once: what the limit of open files allows. */
  constructor(
    ring: Ring,
    slab: Uint8Array,
    plan: Plan,
    region: SharedRegion,
    capacity: Capacity,
    seed: number,
    inputs: WorkerInputs,
    log: ProxyLog,
  ) {
    this.#ring = ring;
    this.#plan = plan;
    this.#inputs = inputs;
    const row = region.state.rows[plan.worker];
    this.#row = row;
    this.pool = new BufferPool(ring, slab);
    const firstSlot = countSockets(plan).tcp * ACCEPTS_ARMED_MAX;
    this.#backends = makeBackends(plan, firstSlot, ring, region);
    const context: ProxyContext = {
      ring,
      pool: this.pool,
      region,
      row,
      plan,
      backends: this.#backends,
      gates: plan.listeners.map((_, i) => new Gate(plan, i, region, row, ring)), // cold: at start
      random: new Random(seed),
      log,
    };
    this.tcp = new TcpProxy(context, capacity.tunnels);
    this.udp = new UdpProxy(context, capacity.flows);
    this.#board = new BoardReader(region.board, plan.worker, this.#backends, this.tcp, this.udp);
    this.#load = new LoadWatch(context, this.tcp, inputs.cpuMs);
  }

  start(): void {
    assert(this.state === STARTING, "a worker starts once");
    if (this.#inputs.controlFd >= 0) this.#ring.readControl(this.#inputs.controlFd, CONTROL);
    if (this.#inputs.signalFd >= 0) this.#ring.readSignals(this.#inputs.signalFd, SIGNAL);
    this.#row[metric.IO_URING] = this.#plan.io === "uring" ? 1 : 0;
    this.#setState(SERVING);
    this.tcp.arm();
    this.udp.arm();
  }

  /** One turn. */
  turn(): void {
    const ring = this.#ring;
    const row = this.#row;
    const { tcp, udp } = this;
    let waitMs = TURN_WAIT_MS_MAX;
    const hasDeadlines = tcp.tunnels.openCount > 0 || udp.flows.openCount > 0;
    if (hasDeadlines || this.state === DRAINING) waitMs = DEADLINE_WAIT_MS;
    if (!tcp.connector.pending.isEmpty) waitMs = PENDING_LOOK_MS;
    if (tcp.relay.beginTurn()) waitMs = 0;
    udp.sent.beginTurn();
    row[metric.COMPLETIONS] += ring.turn(waitMs);
    row[metric.TURNS]++;
    row[metric.HEARTBEAT] = ring.nowMs;
    this.#board.read();
    while (ring.next()) this.#complete(ring.kind);
    tcp.relay.settleSends();
    udp.sent.settle();
    this.#board.move();
    tcp.expire();
    udp.expire();
    tcp.relay.resumeStarved();
    if (ring.nowMs >= this.#narrowAtMs) {
      this.pool.narrow();
      this.#narrowAtMs = ring.nowMs + OFFER_NARROW_MS;
    }
    this.#load.look();
    // While draining too: flows go on, and their datagrams come through the listener's socket.
    udp.arm();
    if (this.state === SERVING) {
      tcp.arm();
      if (this.#stopAtMs <= ring.nowMs) this.drain(this.#plan.drainTimeoutMs);
    } else this.#continueDrain();
    row[metric.BUFFERS_LEASED] = this.pool.leasedTotal;
  }

  #complete(kind: number): void {
    const index = this.#ring.index;
    switch (kind) {
      case RECEIVE:
        if (this.#isCurrent()) this.tcp.relay.onReceived(index);
        return;
      case SEND:
        if (this.#isCurrent()) this.tcp.relay.onSent(index);
        return;
      case DATAGRAM:
        this.udp.onDatagram(index);
        return;
      case REPLY:
      case REPLIES:
        if (this.#isCurrentFlow()) this.udp.onReply(index);
        return;
      case ACCEPT:
        this.tcp.onAccepted(index);
        return;
      case CONNECT:
        if (this.#isCurrent()) this.tcp.onConnected(index);
        return;
      case WRITABLE:
        if (this.#isCurrent()) this.tcp.relay.onWritable(index);
        return;
      case PEEK:
        if (this.#isCurrent()) this.tcp.prelude.onPeeked(index);
        return;
      case FORWARDED:
        if (this.#isSameFlow()) this.udp.onForwardFailed(index);
        return;
      case SEGMENTS:
        this.udp.onBurstFailed(index);
        return;
      case REPLIED:
        if (this.#isSameFlow()) this.udp.onReplyFailed(index);
        return;
      case CONTROL:
        this.#onControl(this.#ring.result);
        return;
      case SIGNAL:
        this.#onSignal();
        return;
      case IGNORED: // a cancel that found nothing, a close that failed
        return;
    }
    this.#row[metric.BUGS]++;
  }

  /**
   * A datagram that was not sent, of a flow that is still there. Its news may come after the flow
   * has ended and its slot is another's: the operation held nothing that had to be waited for.
   */
  #isSameFlow(): boolean {
    return this.udp.flows.generation[this.#ring.index] === this.#ring.generation;
  }

  /** Whether the completion belongs to the flow that holds the slot now. */
  #isCurrentFlow(): boolean {
    return this.#isSameFlow() || this.#dropStale();
  }

  /** Whether the completion belongs to the tunnel that holds the slot now. */
  #isCurrent(): boolean {
    const ring = this.#ring;
    if (this.tcp.tunnels.generation[ring.index >> 1] === ring.generation) return true;
    return this.#dropStale();
  }

  #dropStale(): boolean {
    const ring = this.#ring;
    this.#row[metric.COMPLETIONS_STALE]++;
    if (ring.buffer >= 0) {
      this.pool.lease(ring.buffer, 0);
      this.pool.release(ring.buffer);
    }
    return false;
  }

  // ---- Messages and signals ---------------------------------------------------------------

  #onControl(result: number): void {
    if (result <= 0) {
      // The supervisor is gone. Serve on for the time its successor may need, then drain away.
      this.#orphaned = true;
      this.#stopAtMs = this.#ring.nowMs + ORPHAN_ACCEPT_MS;
      return;
    }
    const messages = this.#inputs.parse(this.#ring.controlBytes, result);
    for (let i = 0; i < messages.length; i++) this.apply(messages[i]);
    this.#ring.readControl(this.#inputs.controlFd, CONTROL);
  }

  /** The supervisor decides; only without one does a worker obey signals itself. */
  #onSignal(): void {
    const counts = this.#ring.signalCounts;
    const asked = counts[0] + counts[1] + counts[2];
    this.#ring.readSignals(this.#inputs.signalFd, SIGNAL);
    if (!this.#orphaned || asked === 0) return;
    if (this.state === SERVING) this.drain(this.#plan.drainTimeoutMs);
    else this.cut();
  }

  apply(message: ControlMessage): void {
    switch (message.type) {
      case "drain":
        this.drain(message.timeoutMs === null ? Infinity : message.timeoutMs);
        return;
      case "cut":
        this.cut();
        return;
      case "address":
        for (let i = 0; i < this.#backends.length; i++) {
          const backend = this.#backends[i];
          const server = message.server - backend.firstServer;
          if (server >= 0 && server < backend.serverCount) {
            backend.setAddress(server, message.address);
          }
        }
        return;
    }
  }

  // ---- Ending -----------------------------------------------------------------------------

  /** Stops accepting; cuts what is left after `timeoutMs`. Again: the earlier deadline counts. */
  drain(timeoutMs: number): void {
    this.#cutAtMs = Math.min(this.#cutAtMs, this.#ring.nowMs + timeoutMs);
    if (this.state !== SERVING) return;
    this.#setState(DRAINING);
    this.tcp.stopAccepting();
    this.udp.stopAccepting();
  }

  cut(): void {
    if (this.state === SERVING) this.drain(0);
    this.cutCount += this.tcp.cut() + this.udp.cut();
    // And whoever an accept still in flight brings in.
    this.#cutAtMs = Math.min(this.#cutAtMs, this.#ring.nowMs);
  }

  #continueDrain(): void {
    if (this.state !== DRAINING) return;
    this.tcp.admit();
    if (this.#cutAtMs <= this.#ring.nowMs) this.cut();
    // Both are asked: to be asked is what lets the sockets of datagrams close.
    const isTcpIdle = this.tcp.isIdle();
    const isUdpIdle = this.udp.isIdle();
    const isOver = isTcpIdle && isUdpIdle;
    // What does not even end by being cancelled must not keep the process.
    if (isOver || this.#cutAtMs + CUT_GRACE_MS <= this.#ring.nowMs) this.#setState(DONE);
  }

  #setState(state: number): void {
    this.state = state;
    this.#row[metric.STATE] = state;
  }
}
