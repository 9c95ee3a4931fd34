/**
 * A slip is a line of the data plane that is broken on purpose, as somebody might by mistake: the
 * simulation has to notice it in scenes of the kind that shows it (broken_build_test.ts). What only
 * traffic shows gets one here, or in datagram_slips.ts.
 */
import type { SceneKind } from "./scene.ts";

export interface Edit {
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
}

export interface Slip extends Edit {
  readonly what: string;
  readonly kind: SceneKind;
  /**
   * Of the few that show it, one, which is run before all others. Any change of the simulation may
   * make it another: then all are run until one shows it, which takes longer.
   */
  readonly seed?: number;
  /** Changes that are harmless by themselves, so that it shows in few scenes. */
  readonly also?: readonly Edit[];
}

/** Of the relay, which copies bytes between connections. */
export const RELAY_SLIPS: readonly Slip[] = [
  {
    what: "a FIN overtakes the bytes before it",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "if ((tunnels.flags[endpoint ^ 1] & SENDING) === 0) this.#finish(endpoint ^ 1);",
    to: "this.#finish(endpoint ^ 1);",
  },
  {
    what: "the rest of a short send is forgotten",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "if (result < pool.bytes[buffer]) {",
    to: "if (result < 0) {",
  },
  {
    what: "a buffer is not given back after its send",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "    tunnels.sending[endpoint] = -1;\n    pool.release(buffer);\n    const head",
    to: "    tunnels.sending[endpoint] = -1;\n    const head",
  },
  {
    what: "a buffer is given back before its send is over",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "    this.#sends.add(endpoint);\n",
    to: "    this.#sends.add(endpoint);\n    pool.release(buffer);\n    pool.place[buffer] = 2;\n",
  },
  {
    what: "a full queue does not pause reading",
    kind: "stream flood",
    file: "src/connection/relay.ts",
    from: "tunnels.queueBytes[destination] >= QUEUE_BYTES_HIGH",
    to: "tunnels.queueBytes[destination] < 0",
  },
  {
    what: "paused reading is not resumed",
    kind: "stream flood",
    file: "src/connection/relay.ts",
    from: "    this.#resume(endpoint ^ 1);\n",
    to: "",
  },
  {
    what: "a reset is passed on as a clean end",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "tunnels.resets[slot] = reset ? 1 : 0;",
    to: "tunnels.resets[slot] = 0;",
  },
  {
    what: "fds are closed while operations are in flight",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "    if (tunnels.inFlight(slot)) return;\n",
    to: "",
  },
  {
    what: "a receive without a buffer is asked for again at once",
    kind: "stream flood",
    file: "src/socket/failure.ts",
    from: "[ENOBUFS, SHORT], [ECANCELED, AGAIN]",
    to: "[ENOBUFS, AGAIN], [ECANCELED, AGAIN]",
  },
  {
    what: "merged bytes land one byte off",
    kind: "streams",
    file: "src/buffer/buffer_pool.ts",
    from: "this.slab.copyWithin(bufferOffset(to) + end, source",
    to: "this.slab.copyWithin(bufferOffset(to) + end, source + 1",
  },
  {
    what: "the queue is sent newest first",
    kind: "streams",
    file: "src/connection/send_queue.ts",
    from: "      this.#pool.next[last] = buffer;\n",
    to: "      this.#pool.next[buffer] = tunnels.queueHead[endpoint];\n" +
      "      tunnels.queueHead[endpoint] = buffer;\n      return;\n",
  },
  {
    what: "bytes that were only looked at are not taken out of their socket",
    kind: "stream flood",
    file: "src/connection/relay.ts",
    from: "if (this.#ring.discard(tunnels.fd[source], result) !== result) {",
    to: "if (result < 0) {",
  },
  {
    what: "a send of the next turn counts as over",
    kind: "streams",
    seed: 279,
    file: "src/connection/unsettled_sends.ts",
    from: "if ((flags & SETTLING) !== 0) {",
    to: "if ((flags & SENDING_NOW) !== 0) {",
  },
  {
    what: "half-closed tunnels have no deadline",
    kind: "streams",
    file: "src/connection/relay.ts",
    from: "    this.#row[half ? metric.HALF_CLOSE_TIMEOUTS : metric.IDLE_TIMEOUTS]++;",
    to: "    if (half) return;\n    this.#row[metric.IDLE_TIMEOUTS]++;",
  },
];

/** Of the way from an accepted client to a connected server. */
export const ADMISSION_SLIPS: readonly Slip[] = [
  {
    what: "a late connect is not cancelled",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "this.#context.ring.cancel(CONNECT, slot * 2 + 1, this.#tunnels.generation[slot]);",
    to: "",
  },
  {
    what: "a server's open connections are not counted down",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "    this.#context.row[tunnels.serverAt[slot] + metric.SERVER_OPEN]--;\n",
    to: "",
  },
  {
    what: "clients are not asked for at the gate",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "    if (!gate.admits(tunnels.client, at, port)) return false;\n",
    to: "",
  },
  {
    what: "a client who has left is still counted",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "if (tunnels.isCounted[slot] === 1) {",
    to: "if (tunnels.isCounted[slot] === 2) {",
  },
  {
    what: "the rate of a client is not asked for",
    kind: "streams",
    seed: 337,
    file: "src/proxy/gate.ts",
    from: "if (this.#clientRates !== null && !this.#clientRates.take(high, low)) {",
    to: "if (this.#clientRates !== null && high === 0.5) {",
  },
  {
    what: "a listener takes one connection too many",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "room = max - region.state.sum(",
    to: "room = max + 1 - region.state.sum(",
  },
  {
    what: "a PROXY header is believed of anybody",
    kind: "streams",
    file: "src/proxy/gate.ts",
    from: "if (port < 0 || this.#trusted.contains(words, at)) return true;",
    to: "if (port < 0 || this.#trusted.contains(words, at) || port > 0) return true;",
  },
  {
    what: "all routes lead to the backend of the first",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "return plan.routes[route].backend;",
    to: "return plan.routes[0].backend;",
  },
  {
    what: "a PROXY header that was read stays in front of the stream",
    kind: "streams",
    file: "src/proxy/tcp/prelude.ts",
    from: "if (ring.discard(fd, headerBytes) !== headerBytes) {",
    to: "if (fd < 0) {",
  },
  {
    what: "servers are shown the proxy in place of the client",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "      tunnels.clientPort[slot] = header.sourcePort;\n",
    to: "",
  },
  {
    what: "what a header tells besides addresses is left out",
    kind: "streams",
    file: "src/proxy/tcp/outgoing_header.ts",
    from: "    extras.uniqueIdLength = uniqueIdLength;\n",
    to: "",
  },
  {
    what: "a transparent socket is not bound",
    kind: "streams",
    file: "src/upstream/server_sockets.ts",
    from: "return ring.bindNow(fd, family, client, clientAt, 0);",
    to: "return 0;",
  },
  {
    what: "a server's header is sent twice",
    kind: "streams",
    file: "src/proxy/tcp/outgoing_header.ts",
    from: "if (sent === length) return 0;",
    to: "if (sent === length && this.#ring.sendBytes(" +
      "this.#tunnels.fd[slot * 2 + 1], this.#bytes, length) > 0) return 0;",
  },
  {
    what: "a low-water mark stays when its header was read",
    kind: "streams",
    file: "src/proxy/tcp/prelude.ts",
    from: "    this.#wakeAt(slot, 1);\n    if (ring.discard",
    to: "    if (ring.discard",
  },
  {
    what: "a look by the clock forgets the deadline",
    kind: "streams",
    file: "src/proxy/tcp/prelude.ts",
    from: "    this.#wheel.set(slot, deadlineMs);\n",
    to: "",
  },
  {
    what: "an end behind a whole header counts as one within it",
    kind: "streams",
    file: "src/proxy/tcp/prelude.ts",
    from: "if (!hasMore && this.#hasEnded[slot] === 1) {",
    to: "if (ring.peerEnded(this.#tunnels.fd[slot * 2]) > 0) {",
  },
  {
    what: "an alert is followed by a reset",
    kind: "streams",
    file: "src/proxy/tcp/prelude.ts",
    from: "      ring.discard(fd, PEEK_BYTES_MAX);\n",
    to: "",
  },
];
