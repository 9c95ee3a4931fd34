/**
 * Bursts: datagrams of one flow that came together and leave together.
 *
 * A sender in bulk (QUIC, WireGuard) hands the kernel many datagrams of one size at once, or they
 * come so from the network card; the kernel passes such a burst up in one buffer (UDP_GRO), and
 * takes it back in one send that says where to cut (UDP_SEGMENT, udp(7)). Each datagram stays what
 * it was; the way through the kernel is gone once per burst.
 *
 * A path may not take a burst: its datagrams are larger than the route's MTU, or the device cannot.
 * Then the send fails as a whole, nothing has left, and the datagrams are sent one by one; what
 * follows in the flow's direction is not tried as a burst again. So that nothing overtakes them the
 * first burst of a flow and direction is sent at once, outside of the turn's call, behind what was
 * queued before. (A route whose MTU shrinks later reorders once, as changing routes do.)
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { EINVAL, EIO, EMSGSIZE, EOPNOTSUPP } from "../../base/errno.ts";
import { BUFFERS_MAX } from "../../buffer/buffer_pool.ts";
import { FORWARDED, REPLIED, type Ring, SEGMENTS } from "../../ring/ring.ts";
import { BURSTS_BACK, BURSTS_FORTH, NO_BURSTS_BACK, NO_BURSTS_FORTH } from "./flow_flags.ts";
import { FLOW_KEY_WORDS, type FlowTable, KEY_CLIENT, KEY_LOCAL } from "./flow_table.ts";
import type { SentBuffers } from "./sent_buffers.ts";
import type { UdpSockets } from "./udp_sockets.ts";

/** How many datagrams a payload is. */
export function countDatagrams(bytes: number, segmentBytes: number): number {
  return segmentBytes === 0 ? 1 : ((bytes + segmentBytes - 1) / segmentBytes) | 0;
}

/** Whether it is a burst that the path does not take. */
function isRefusal(result: number): boolean {
  return result === -EINVAL || result === -EMSGSIZE || result === -EIO || result === -EOPNOTSUPP;
}

export class SegmentedSends {
  readonly #ring: Ring;
  readonly #flows: FlowTable;
  readonly #sockets: UdpSockets;
  readonly #sent: SentBuffers;
  // Per buffer: the burst that is being sent from it.
  readonly #flow = new Int32Array(BUFFERS_MAX);
  readonly #generation = new Int32Array(BUFFERS_MAX);
  readonly #isReply = new Uint8Array(BUFFERS_MAX);
  readonly #offset = new Int32Array(BUFFERS_MAX);
  readonly #bytes = new Int32Array(BUFFERS_MAX);
  readonly #segmentBytes = new Int32Array(BUFFERS_MAX);
  // What `#aim` has found out.
  #fd = 0;
  #family = 0;
  #clientAt = 0;
  #port = 0;
  #localAt = 0;

  constructor(ring: Ring, flows: FlowTable, sockets: UdpSockets, sent: SentBuffers) {
    this.#ring = ring;
    this.#flows = flows;
    this.#sockets = sockets;
    this.#sent = sent;
  }

  /**
   * Sends the datagrams of a payload to the flow's server or, as a reply, to its client. 0, or the
   * negated errno by which all of them are lost.
   */
  send(
    flow: number,
    isReply: boolean,
    buffer: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): number {
    const flags = this.#flows.flags;
    const refused = isReply ? NO_BURSTS_BACK : NO_BURSTS_FORTH;
    const proven = isReply ? BURSTS_BACK : BURSTS_FORTH;
    if (bytes > segmentBytes && (flags[flow] & (refused | proven)) === 0) {
      const result = this.#tryNow(flow, isReply, offset, bytes, segmentBytes);
      if (!isRefusal(result)) {
        if (result >= 0) flags[flow] |= proven;
        return result < 0 ? result : 0;
      }
      flags[flow] |= refused;
    }
    if (bytes <= segmentBytes || (flags[flow] & refused) !== 0) {
      this.#sendEach(flow, isReply, offset, bytes, segmentBytes);
      return 0;
    }
    this.#flow[buffer] = flow;
    this.#generation[buffer] = this.#flows.generation[flow];
    this.#isReply[buffer] = isReply ? 1 : 0;
    this.#offset[buffer] = offset;
    this.#bytes[buffer] = bytes;
    this.#segmentBytes[buffer] = segmentBytes;
    this.#sendOne(flow, isReply, offset, bytes, segmentBytes, SEGMENTS, buffer);
    return 0;
  }

  #tryNow(
    flow: number,
    isReply: boolean,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): number {
    this.#aim(flow, isReply);
    return this.#ring.sendBurstNow(
      this.#fd,
      this.#family,
      this.#flows.keyWords,
      this.#clientAt,
      this.#port,
      this.#localAt,
      offset,
      bytes,
      segmentBytes,
    );
  }

  /** Sends one datagram to the flow's client. */
  reply(flow: number, offset: number, bytes: number): void {
    this.#sendOne(flow, true, offset, bytes, 0, REPLIED, flow);
  }

  #sendEach(
    flow: number,
    isReply: boolean,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): void {
    const kind = isReply ? REPLIED : FORWARDED;
    for (let done = 0; done < bytes; done += segmentBytes) {
      const rest = bytes - done;
      const length = rest < segmentBytes ? rest : segmentBytes;
      this.#sendOne(flow, isReply, offset + done, length, 0, kind, flow);
    }
  }

  #sendOne(
    flow: number,
    isReply: boolean,
    offset: number,
    bytes: number,
    segmentBytes: number,
    kind: number,
    index: number,
  ): void {
    this.#aim(flow, isReply);
    this.#ring.sendMessage(
      this.#fd,
      this.#family,
      this.#flows.keyWords,
      this.#clientAt,
      this.#port,
      this.#localAt,
      offset,
      bytes,
      segmentBytes,
      kind,
      index,
      this.#flows.generation[flow],
    );
  }

  /** From which socket, and where to: the flow's server, or its client and from which address. */
  #aim(flow: number, isReply: boolean): void {
    const flows = this.#flows;
    const sockets = this.#sockets;
    const socket = flows.socket[flow];
    const key = flow * FLOW_KEY_WORDS;
    this.#fd = isReply ? sockets.fd[socket] : flows.fd[flow];
    this.#family = sockets.family[socket];
    this.#clientAt = key + KEY_CLIENT;
    this.#port = isReply ? flows.clientPort(flow) : -1;
    this.#localAt = isReply && sockets.isWildcard[socket] === 1 ? key + KEY_LOCAL : -1;
  }

  /**
   * A burst was not sent. The datagrams that are lost by that; 0 when they are sent one by one.
   * `flow` and `isReply` tell whose it was.
   */
  onFailed(buffer: number): number {
    const { result } = this.#ring;
    assert(result < 0, "a burst that was sent is not told");
    const flow = this.#flow[buffer];
    const bytes = this.#bytes[buffer];
    const segmentBytes = this.#segmentBytes[buffer];
    const isReply = this.#isReply[buffer] === 1;
    const isSame = this.#flows.generation[flow] === this.#generation[buffer];
    // A reply can still be sent while its flow ends, but not towards a server.
    if (!isSame || !isRefusal(result) || (!isReply && this.#flows.fd[flow] < 0)) {
      return countDatagrams(bytes, segmentBytes);
    }
    this.#flows.flags[flow] |= isReply ? NO_BURSTS_BACK : NO_BURSTS_FORTH;
    this.#sendEach(flow, isReply, this.#offset[buffer], bytes, segmentBytes);
    this.#sent.keep(buffer);
    return 0;
  }

  /** The flow of a burst that failed; -1 when its slot is another's by now. */
  flowOf(buffer: number): number {
    const flow = this.#flow[buffer];
    return this.#flows.generation[flow] === this.#generation[buffer] ? flow : -1;
  }

  isReply(buffer: number): boolean {
    return this.#isReply[buffer] === 1;
  }
}
