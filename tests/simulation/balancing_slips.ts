/**
 * Slips in how a worker balances, as slip.ts has them for the relay: places and lines, who is
 * picked, what is carried out of what the supervisor says.
 */
import type { Slip } from "./slip.ts";

/** Of places at servers, and of the lines of those who wait for one. */
const PLACE_SLIPS: readonly Slip[] = [
  {
    what: "a place is kept that another worker has taken at the same moment",
    kind: "streams",
    seed: 2374,
    file: "src/upstream/places.ts",
    from: "    if (isOver) this.#row[at]--;\n    return !isOver;",
    to: "    return true;",
  },
  {
    what: "who leaves a line is still counted",
    kind: "streams",
    file: "src/proxy/tcp/pending_queue.ts",
    from: "    this.#context.row[backend.at + BACKEND_PENDING]--;\n",
    to: "",
  },
  {
    what: "the age of a line stays when it is empty",
    kind: "streams",
    file: "src/proxy/tcp/pending_queue.ts",
    from: "row[at] = first < 0 ? 0 : this.#tunnels.activeMs[first];",
    to: "if (first >= 0) row[at] = this.#tunnels.activeMs[first];",
  },
  {
    what: "a line takes one too many",
    kind: "streams",
    file: "src/proxy/tcp/pending_queue.ts",
    from: "return pending < backend.pendingMax;",
    to: "return pending <= backend.pendingMax;",
  },
  {
    what: "newcomers overtake those who wait",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "const mustWait = isLimited &&",
    to: "const mustWait = isLimited && slot < 0 &&",
  },
  {
    what: "those who wait in other workers are not asked for",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "if (this.#shortUntilMs > ring.nowMs || !this.pending.isFirstOfAll(line)) return false;",
    to: "if (this.#shortUntilMs > ring.nowMs) return false;",
  },
  {
    what: "a worker that stands still keeps its turn",
    kind: "streams",
    file: "src/proxy/tcp/pending_queue.ts",
    from: "theirs === 0 || this.#isStalled(worker)) continue;",
    to: "theirs === 0) continue;",
  },
  {
    what: "who tries again is served like one who comes",
    kind: "streams",
    file: "src/proxy/tcp/pending_queue.ts",
    from: "return attempts[slot] === 0 ? line : line + this.#lineCount;",
    to: "return line + attempts[slot] * 0;",
  },
  {
    what: "who leaves the middle of a line is still seen from behind",
    kind: "streams",
    file: "src/connection/waiting_lines.ts",
    from: "    else this.#previous[next] = previous;\n",
    to: "",
  },
  {
    what: "who has gone is connected",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "const isGone = ring.peerEnded(tunnels.fd[slot * 2]) === PEER_GONE;",
    to: "const isGone = ring.peerEnded(tunnels.fd[slot * 2]) < 0;",
  },
  {
    what: "nobody has waited too long",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "    this.#wheel.set(slot, ring.nowMs + backend.queueTimeoutMs);\n",
    to: "",
  },
  {
    what: "one waits although no place can come",
    kind: "streams",
    file: "src/upstream/backend.ts",
    from: "    this.isSaturated = false;\n    if (this.#needsOpen)",
    to: "    if (this.#needsOpen)",
  },
  {
    what: "the place of a flow without a socket is kept",
    kind: "datagrams",
    file: "src/proxy/udp/flow_admission.ts",
    from: "      backend.places.giveBack(server);\n",
    to: "",
  },
];

/** Of who is picked, and whether anybody is. */
const CHOICE_SLIPS: readonly Slip[] = [
  {
    what: "backups take what the others have no place for",
    kind: "streams",
    file: "src/upstream/backend.ts",
    from: "    if (this.isSaturated) return -1;\n",
    to: "",
  },
  {
    what: "a server that was tried is tried again",
    kind: "streams",
    file: "src/upstream/backend.ts",
    from: "      if (tried[triedAt + i] >= 0) eligible[tried[triedAt + i]] = 0;\n",
    to: "",
  },
  {
    what: "a server without an address is picked",
    kind: "datagrams",
    seed: 457,
    file: "src/upstream/backend.ts",
    from: "tiers.tierOf[j] === tier ? candidates.known[j] : 0",
    to: "tiers.tierOf[j] === tier ? 1 : 0",
  },
  {
    what: "news of servers is not read",
    kind: "streams",
    file: "src/worker/board_reader.ts",
    from: "      backend.refresh();\n",
    to: "",
  },
  {
    what: "servers that are down count as there",
    kind: "datagrams",
    file: "src/upstream/candidates.ts",
    from: "this.#available[i] = members[i] & this.isUp[i];",
    to: "this.#available[i] = members[i] & this.known[i];",
  },
  {
    what: "a route's subset of servers is forgotten",
    kind: "streams",
    seed: 501,
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "        tunnels.subset[slot] = plan.routes[route].subset;\n",
    to: "",
  },
  {
    what: "a trial of a breaker is not used up",
    kind: "streams",
    file: "src/upstream/server_board.ts",
    from: "    this.cells[at]--;\n",
    to: "",
  },
  {
    what: "the budget of retries is not asked",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "if (!isLast && backend.allowsRetry()) {",
    to: "if (!isLast) {",
  },
  {
    what: "what a server has answered counts as not answered",
    kind: "streams",
    file: "src/connection/tunnel_account.ts",
    from: "    tunnels.flags[server] &= ~ASKED;\n",
    to: "",
  },
  {
    what: "connects that take too long are not measured",
    kind: "streams",
    file: "src/proxy/tcp/connector.ts",
    from: "      backend.measureTimeout(server);\n",
    to: "",
  },
];

/** Of what the supervisor has ended, and of newcomers that are refused. */
const ORDER_SLIPS: readonly Slip[] = [
  {
    what: "what was closed is closed again",
    kind: "streams",
    file: "src/worker/board_reader.ts",
    from: "    this.#closings[number] = closings;\n",
    to: "",
  },
  {
    what: "a connect that has succeeded goes on at a closed server",
    kind: "streams",
    seed: 394,
    file: "src/proxy/tcp/connector.ts",
    from: "    this.#tunnels.flags[endpoint] |= WITHDRAWN;\n",
    to: "",
  },
  {
    what: "what was moved is moved again",
    kind: "streams",
    file: "src/worker/board_reader.ts",
    from: "        this.#moves[number] = moves;\n",
    to: "",
  },
  {
    what: "connections are moved that are not quiet",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "tunnels.state[slot] !== tunnel.OPEN || !this.relay.isQuiet(slot)",
    to: "tunnels.state[slot] !== tunnel.OPEN",
  },
  {
    what: "flows to a closed server go on",
    kind: "datagrams",
    file: "src/worker/board_reader.ts",
    from: "    this.#udp.closeServer(backend, server);\n",
    to: "",
  },
  {
    what: "who is refused for overload is not counted as open",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "LISTENER_SHED]++;\n      this.#row[at + metric.LISTENER_OPEN]++;\n",
    to: "LISTENER_SHED]++;\n",
  },
  {
    what: "flows begin while the worker is overloaded",
    kind: "datagrams",
    seed: 694,
    file: "src/proxy/udp/flow_admission.ts",
    from: "if (row[metric.SHEDDING] === 1) {",
    to: "if (row[metric.SHEDDING] === 2) {",
  },
  {
    what: "who is cut stays in its line",
    kind: "streams",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "      if (state === tunnel.QUEUED) this.connector.leaveQueue(slot);\n",
    to: "",
  },
];

export const BALANCING_SLIPS: readonly Slip[] = [...PLACE_SLIPS, ...CHOICE_SLIPS, ...ORDER_SLIPS];
