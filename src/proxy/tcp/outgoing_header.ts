/**
 * The PROXY header towards servers: who the client is, where it wanted to go, and what else is
 * known of it.
 *
 * The client is the one that the incoming header named, if there was one: a chain of proxies tells
 * the truth about its beginning. What the incoming header or the ClientHello said besides (ALPN,
 * authority, unique id) is kept between being read and being sent, and only for backends that want
 * it: few bytes of few connections.
 *
 * @hot
 */
import { EAGAIN, EPIPE } from "../../base/errno.ts";
import type { Tunnels } from "../../connection/tunnels.ts";
import { IP_WORDS } from "../../net/ip_words.ts";
import type { ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import {
  PROXY_V2_BYTES_MAX,
  ProxyExtras,
  writeProxyV1,
  writeProxyV2,
} from "../../proxy_protocol/proxy_header_writer.ts";
import type { Ring } from "../../ring/ring.ts";
import type { ClientHello } from "../tls/client_hello.ts";

export class OutgoingHeader {
  readonly #ring: Ring;
  readonly #tunnels: Tunnels;
  readonly #bytes = new Uint8Array(PROXY_V2_BYTES_MAX);
  readonly #local = new Int32Array(IP_WORDS);
  readonly #none = new ProxyExtras();
  /** By tunnel, until its header was sent. */
  readonly #extras = new Map<number, ProxyExtras>();

  constructor(ring: Ring, tunnels: Tunnels) {
    this.#ring = ring;
    this.#tunnels = tunnels;
  }

  #extrasOf(slot: number): ProxyExtras {
    const known = this.#extras.get(slot);
    if (known !== undefined) return known;
    const extras = new ProxyExtras();
    this.#extras.set(slot, extras);
    return extras;
  }

  /** Keeps what an incoming header has told besides addresses. */
  keepHeader(slot: number, header: ProxyHeader, bytes: Uint8Array): void {
    const { alpnLength, authorityLength, uniqueIdLength } = header;
    if (alpnLength + authorityLength + uniqueIdLength === 0) return;
    const extras = this.#extrasOf(slot);
    // Copies: the bytes are a buffer's, which goes back.
    extras.alpnBytes = bytes.slice(header.alpnStart, header.alpnStart + alpnLength);
    extras.alpnLength = alpnLength;
    const { authorityStart, uniqueIdStart } = header;
    extras.authorityBytes = bytes.slice(authorityStart, authorityStart + authorityLength);
    extras.authorityLength = authorityLength;
    extras.uniqueIdBytes = bytes.slice(uniqueIdStart, uniqueIdStart + uniqueIdLength);
    extras.uniqueIdLength = uniqueIdLength;
  }

  /** Keeps what a ClientHello tells; what a header has told before came from nearer the client. */
  keepHello(slot: number, hello: ClientHello): void {
    if (hello.sniLength + hello.firstAlpnLength === 0) return;
    const extras = this.#extrasOf(slot);
    if (extras.authorityLength === 0) {
      extras.authorityBytes = hello.sniBytes.slice(0, hello.sniLength);
      extras.authorityLength = hello.sniLength;
    }
    if (extras.alpnLength === 0) {
      const { firstAlpnStart, firstAlpnLength } = hello;
      extras.alpnBytes = hello.alpnBytes.slice(firstAlpnStart, firstAlpnStart + firstAlpnLength);
      extras.alpnLength = firstAlpnLength;
    }
  }

  forget(slot: number): void {
    if (this.#extras.size > 0) this.#extras.delete(slot);
  }

  /** Sends the header of a tunnel that has just been connected. 0, or a negated errno. */
  send(slot: number, version: "v1" | "v2" | null): number {
    if (version === null) return 0;
    const length = this.#write(slot, version);
    const sent = this.#ring.sendBytes(this.#tunnels.fd[slot * 2 + 1], this.#bytes, length);
    if (sent === length) return 0;
    return sent < 0 && sent !== -EAGAIN ? sent : -EPIPE;
  }

  #write(slot: number, version: "v1" | "v2"): number {
    const tunnels = this.#tunnels;
    const { client, clientPort, target, targetPort } = tunnels;
    const at = slot * IP_WORDS;
    let to = target;
    let toAt = at;
    let toPort = targetPort[slot];
    if (toPort < 0) {
      to = this.#local;
      toAt = 0;
      toPort = this.#ring.localName(tunnels.fd[slot * 2], to, 0);
    }
    const fromPort = clientPort[slot];
    const known = fromPort >= 0 && toPort >= 0;
    if (version === "v1") {
      return writeProxyV1(this.#bytes, 0, client, at, fromPort, to, toAt, toPort, known);
    }
    const extras = this.#extras.get(slot) ?? this.#none;
    return writeProxyV2(
      this.#bytes,
      0,
      client,
      at,
      fromPort,
      to,
      toAt,
      toPort,
      known,
      true,
      extras,
    );
  }
}
