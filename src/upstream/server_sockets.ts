/**
 * The servers of a backend as the kernel sees them: their addresses, in slots of the ring, and the
 * sockets towards them with the options of the backend.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { EAFNOSUPPORT } from "../base/errno.ts";
import { isIpv4Words } from "../net/ip_words.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../net/socket_address.ts";
import {
  IP_BIND_ADDRESS_NO_PORT,
  IP_TRANSPARENT,
  IPV6_TRANSPARENT,
  SOL_IP,
  SOL_IPV6,
} from "../net/socket_numbers.ts";
import { optionCalls } from "../net/socket_options.ts";
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

export class ServerSockets {
  readonly #isTransparent: boolean;
  /** By family, for connections and for datagrams. */
  readonly #streamCalls: readonly Int32Array[];
  readonly #datagramCalls: readonly Int32Array[];
  readonly #firstSlot: number;
  readonly #addresses: Uint8Array;

  /**
   * @param firstSlot address slot of its first server; the others follow.
   * @param addresses all address slots of the ring.
   */
  constructor(plan: BackendPlan, firstSlot: number, addresses: Uint8Array) {
    this.#isTransparent = plan.isTransparent;
    this.#streamCalls = callsByFamily(plan, STREAM);
    this.#datagramCalls = callsByFamily(plan, DATAGRAM_SOCKET);
    this.#firstSlot = firstSlot;
    this.#addresses = addresses;
  }

  /** struct sockaddr bytes. */
  setAddress(server: number, address: readonly number[]): void {
    assert(address.length <= ADDRESS_SLOT_BYTES, "an address fits its slot");
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
   * A socket for a server, with the options of the backend; with `transparent` bound to the
   * client's address. An fd or a negated errno.
   *
   * @param client 4 words from `clientAt` on.
   */
  open(ring: Ring, server: number, type: number, client: Int32Array, clientAt: number): number {
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
}
