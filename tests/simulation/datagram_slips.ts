/**
 * Slips in the code for datagrams, as slip.ts has them for connections: of flows, and of what
 * passes through them.
 */
import type { Edit, Slip } from "./slip.ts";

/** Sent datagrams are kept for a shorter time, as under a load that no scene has. */
const SMALL_JOURNAL: readonly Edit[] = [
  { file: "src/limits.ts", from: "JOURNAL_BYTES = 2 << 20;", to: "JOURNAL_BYTES = 1 << 17;" },
  {
    file: "src/limits.ts",
    from: "SUBMISSIONS_MAX * (JOURNAL_DATAGRAM_BYTES_MAX + 64) < JOURNAL_BYTES,",
    to: "JOURNAL_BYTES > 0,",
  },
];

/** Of flows: who gets one, and when it ends. */
const FLOW_SLIPS: readonly Slip[] = [
  {
    what: "the address that was spoken to is not part of a flow's key",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "    if (this.sockets.isWildcard[socket] === 0) {\n      for",
    to: "    {\n      for",
  },
  {
    what: "clients of flows are not asked for at the gate",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "    if (!gate.admits(headers.client, 0, headers.clientPort)) return -1;\n",
    to: "",
  },
  {
    what: "the client of a flow that has ended is still counted",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "    gates[flows.listener[flow]].uncount(this.#gone, 0);\n",
    to: "",
  },
  {
    what: "a listener takes one flow too many",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "if (open >= connectionsMax) return true;",
    to: "if (open > connectionsMax) return true;",
  },
  {
    what: "a flow that gives way does not end",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "LISTENER_FLOWS_EVICTED]++;\n    this.#owner.end(flow);\n",
    to: "LISTENER_FLOWS_EVICTED]++;\n",
  },
  {
    what: "a flow ends one answer late",
    kind: "datagrams",
    file: "src/proxy/udp/flow_table.ts",
    from: "this.replies[flow] >= this.requests[flow] * responses",
    to: "this.replies[flow] > this.requests[flow] * responses",
  },
  {
    what: "flows that rest do not end",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "        this.#row[metric.FLOW_TIMEOUTS]++;\n        this.end(flow);\n",
    to: "        this.#row[metric.FLOW_TIMEOUTS]++;\n",
  },
  {
    what: "the socket of a flow that has ended stays open",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "    this.#context.ring.close(table.fd[flow]);\n",
    to: "",
  },
  {
    what: "a cancel that missed its receive is not repeated",
    kind: "datagrams",
    seed: 376,
    file: "src/proxy/udp/udp_proxy.ts",
    from: "        if (more) this.#cancel(flow);\n",
    to: "",
  },
  {
    what: "a flow that found no buffer is asked for twice",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "if (isOpen && (this.flows.flags[flow] & RECEIVING) === 0) this.#receive(flow);",
    to: "if (isOpen) this.#receive(flow);",
  },
  {
    what: "a listener is not asked again when its receive has ended",
    kind: "datagrams",
    file: "src/proxy/udp/udp_sockets.ts",
    from: "    this.#isArmed[socket] = 0;\n    if",
    to: "    if",
  },
];

/** Of what passes: whose it is, where it goes, and how often. */
const PASSAGE_SLIPS: readonly Slip[] = [
  {
    what: "a datagram's buffer is given back before its send",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "      return;\n    }\n    this.sent.add(buffer);\n",
    to: "      return;\n    }\n    pool.release(buffer);\n",
  },
  {
    what: "the buffers of a busy turn are not given back",
    kind: "datagrams",
    file: "src/proxy/udp/sent_buffers.ts",
    from: "} else this.#pool.release(buffer);",
    to: "} else if (i < 4) this.#pool.release(buffer);",
  },
  {
    what: "buffers are given back a turn too early",
    kind: "datagrams",
    file: "src/proxy/udp/sent_buffers.ts",
    from: "i < this.#submitted; i++",
    to: "i < this.#count; i++",
  },
  {
    what: "answers leave from any address",
    kind: "datagrams",
    file: "src/proxy/udp/segmented_sends.ts",
    from: "isReply && sockets.isWildcard[socket] === 1 ? key + KEY_LOCAL : -1;",
    to: "-1;",
  },
  {
    what: "each datagram has a header in front",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "      table.flags[flow] &= ~HEADER_DUE;\n",
    to: "",
  },
  {
    what: "a header that came is passed on with its datagram",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "ring.payloadAt + skipped, result - skipped)",
    to: "ring.payloadAt, result)",
  },
  {
    what: "servers of flows are shown the proxy in place of the client",
    kind: "datagrams",
    file: "src/proxy/udp/flow_header.ts",
    from: "      this.clientPort = this.#parser.sourcePort;\n",
    to: "",
  },
  {
    what: "a datagram goes to the closed port again",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "    this.#tried[0] = flows.server[flow];\n",
    to: "",
  },
  {
    what: "a datagram goes from closed port to closed port",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "table.flags[flow] & (MOVED | UNANSWERED)",
    to: "table.flags[flow] & UNANSWERED",
  },
  {
    what: "a datagram that was answered goes again",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "state === UNANSWERED && offset",
    to: "(state & MOVED) === 0 && offset",
  },
  {
    what: "what goes again is sent from where others write",
    kind: "datagram flood",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "offset >= JOURNAL_OFFSET ? this.#journal.offsetOf(flow) : offset",
    to: "offset",
    also: SMALL_JOURNAL,
  },
  {
    what: "what was written over is sent again",
    kind: "datagram flood",
    file: "src/proxy/udp/flow_journal.ts",
    from: "place >= 0 && this.#written - place <= this.#bytes",
    to: "place >= 0",
    also: SMALL_JOURNAL,
  },
  {
    what: "a burst that its path does not take is lost",
    kind: "datagram flood",
    file: "src/proxy/udp/segmented_sends.ts",
    from: "    this.#sendEach(flow, isReply, this.#offset[buffer]",
    to: "    if (buffer < 0) this.#sendEach(flow, isReply, this.#offset[buffer]",
  },
  {
    what: "the buffer of a burst that goes one by one is given back early",
    kind: "datagram flood",
    file: "src/proxy/udp/segmented_sends.ts",
    from: "    this.#sent.keep(buffer);\n",
    to: "",
  },
  {
    what: "the last datagram of a burst is as long as the others",
    kind: "datagrams",
    file: "src/proxy/udp/segmented_sends.ts",
    from: "const length = rest < segmentBytes ? rest : segmentBytes;",
    to: "const length = segmentBytes;",
  },
  {
    what: "the first datagram of a burst behind a header goes twice",
    kind: "datagrams",
    file: "src/proxy/udp/udp_proxy.ts",
    from: "this.#bursts.send(flow, false, buffer, offset + first, rest, segmentBytes);",
    to: "this.#bursts.send(flow, false, buffer, offset, bytes, segmentBytes);",
  },
];

export const DATAGRAM_SLIPS: readonly Slip[] = [...FLOW_SLIPS, ...PASSAGE_SLIPS];
