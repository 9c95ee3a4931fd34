/**
 * PROXY headers of datagrams, in and out, and who the client of a flow is.
 *
 * A header stands at the beginning of a flow's first datagram, in both directions of a chain. One
 * that comes with a later datagram is taken off as well: senders may repeat it. Without any header
 * the client is who sent the datagram, and needs no memory besides the flow's key.
 *
 * @hot
 */
import { copyIpWords, IP_WORDS } from "../../net/ip_words.ts";
import { DONE, ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import {
  PROXY_V2_BYTES_MAX,
  ProxyExtras,
  writeProxyV2,
} from "../../proxy_protocol/proxy_header_writer.ts";
import type { Plan } from "../../upstream/plan.ts";
import { FLOW_KEY_WORDS, type FlowTable, KEY_CLIENT, KEY_LOCAL } from "./flow_table.ts";
import type { UdpSockets } from "./udp_sockets.ts";

export class FlowHeader {
  /** The client of the flow that is being opened: 4 words and its port. */
  readonly client = new Int32Array(IP_WORDS);
  clientPort = 0;
  /** The header that `write` made. */
  readonly bytes = new Uint8Array(PROXY_V2_BYTES_MAX);
  readonly #plan: Plan;
  readonly #flows: FlowTable;
  readonly #sockets: UdpSockets;
  readonly #parser = new ProxyHeader();
  /** Whether the datagram at hand began with a header, which `#parser` holds. */
  #hasHeader = false;
  readonly #extras = new ProxyExtras();
  /** By flow, where listeners take headers: the client that the header named, and its port. */
  readonly #named: Int32Array;
  readonly #namedPort: Int32Array;

  constructor(plan: Plan, flows: FlowTable, sockets: UdpSockets) {
    this.#plan = plan;
    this.#flows = flows;
    this.#sockets = sockets;
    const takesHeaders = plan.listeners.some( // cold: at start
      (listener) => listener.protocol === "udp" && listener.trustedProxies !== null,
    );
    const count = takesHeaders ? flows.capacity : 0;
    this.#named = new Int32Array(count * IP_WORDS);
    this.#namedPort = new Int32Array(count);
  }

  /** Looks for a header in front of a datagram where one is expected; its length, or 0. */
  strip(listener: number, slab: Uint8Array, at: number, bytes: number): number {
    this.#hasHeader = false;
    if (this.#plan.listeners[listener].trustedProxies === null) return 0;
    this.#hasHeader = this.#parser.parse(slab, at, at + bytes) === DONE;
    return this.#hasHeader ? this.#parser.headerBytes : 0;
  }

  /** The client is who sent the datagram. */
  readSender(probe: Int32Array): void {
    copyIpWords(probe, KEY_CLIENT, this.client, 0);
    this.clientPort = probe[0] & 0xffff;
  }

  /** The client is who the header names, if it names one; false without a header. */
  readClient(): boolean {
    if (!this.#hasHeader) return false;
    if (this.#parser.hasAddress) {
      copyIpWords(this.#parser.source, 0, this.client, 0);
      this.clientPort = this.#parser.sourcePort;
    }
    return true;
  }

  /** Notes the client of a flow that has just been opened. */
  keep(flow: number): void {
    if (this.#namedPort.length === 0) return;
    copyIpWords(this.client, 0, this.#named, flow * IP_WORDS);
    this.#namedPort[flow] = this.clientPort;
  }

  /** Writes the client's address of a flow into `words`; returns its port. */
  recall(flow: number, words: Int32Array): number {
    const isNamed = this.#namedPort.length > 0;
    const known = isNamed ? this.#named : this.#flows.keyWords;
    const at = isNamed ? flow * IP_WORDS : flow * FLOW_KEY_WORDS + KEY_CLIENT;
    copyIpWords(known, at, words, 0);
    return isNamed ? this.#namedPort[flow] : this.#flows.clientPort(flow);
  }

  /** Writes the header for a flow's server into `bytes`; returns its length. */
  write(flow: number): number {
    this.clientPort = this.recall(flow, this.client);
    const socket = this.#flows.socket[flow];
    const isWildcard = this.#sockets.isWildcard[socket] === 1;
    return writeProxyV2(
      this.bytes,
      0,
      this.client,
      0,
      this.clientPort,
      isWildcard ? this.#flows.keyWords : this.#sockets.local,
      isWildcard ? flow * FLOW_KEY_WORDS + KEY_LOCAL : socket * IP_WORDS,
      this.#sockets.localPort[socket],
      true,
      false,
      this.#extras,
    );
  }
}
