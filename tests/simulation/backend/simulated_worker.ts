/**
 * A worker as far as its backend goes: the real Backend chooses, from real shared memory, and the
 * real BoardReader obeys the supervisor. What the connector does around them
 * (proxy/tcp/connector.ts) is done here in the same order, without sockets.
 */
import { Random } from "../../../src/base/random.ts";
import { ATTEMPTS_MAX } from "../../../src/limits.ts";
import * as metric from "../../../src/metrics/metric_names.ts";
import { ADDRESS_SLOT_BYTES } from "../../../src/ring/ring.ts";
import type { TcpProxy } from "../../../src/proxy/tcp/tcp_proxy.ts";
import type { UdpProxy } from "../../../src/proxy/udp/udp_proxy.ts";
import { Backend } from "../../../src/upstream/backend.ts";
import type { BackendPlan } from "../../../src/upstream/plan.ts";
import type { SharedRegion } from "../../../src/upstream/shared_region.ts";
import { BoardReader } from "../../../src/worker/board_reader.ts";
import * as connection from "./connections.ts";
import type { Connections } from "./connections.ts";
import { ATTEMPTS_USED, BREAKER_OPEN, NO_BUDGET, NO_SERVER } from "./witness.ts";

/** What the rest of the world does for a worker. */
export interface WorkerOwner {
  readonly nowMs: number;
  /** A packet leaves for a server: what comes of it is planned. */
  onTry(slot: number, server: number): void;
  onRefused(slot: number, why: number): void;
  /** All that is open to a server, or so many connections, are to be closed by this worker. */
  onCloseServer(worker: number, server: number): void;
  onMoveFrom(worker: number, server: number, count: number): void;
}

export class SimulatedWorker {
  readonly backend: Backend;
  readonly #row: Float64Array;
  readonly #random: Random;
  readonly #connections: Connections;
  readonly #owner: WorkerOwner;
  readonly #reader: BoardReader;

  constructor(
    index: number,
    plan: BackendPlan,
    region: SharedRegion,
    connections: Connections,
    seed: number,
    owner: WorkerOwner,
  ) {
    const addresses = new Uint8Array(plan.servers.length * ADDRESS_SLOT_BYTES);
    const clock = {
      addresses,
      get nowMs() {
        return owner.nowMs;
      },
    };
    const numbers = { backend: 0, firstServer: 0, firstSlot: 0, firstLine: 0 };
    this.backend = new Backend(plan, numbers, clock, region, index);
    this.#row = region.state.rows[index];
    const proxy = {
      closeServer: (_: number, server: number) => owner.onCloseServer(index, server),
      moveFrom: (_: number, server: number, count: number) =>
        owner.onMoveFrom(index, server, count),
    };
    // Of the proxies it uses nothing else.
    const tcp = proxy as unknown as TcpProxy;
    const udp = { closeServer() {} } as unknown as UdpProxy;
    this.#reader = new BoardReader(region.board, index, [this.backend], tcp, udp);
    this.#random = new Random(seed);
    this.#connections = connections;
    this.#owner = owner;
  }

  begin(slot: number): void {
    const { backend } = this;
    this.#row[backend.at + metric.BACKEND_CONNECTIONS]++;
    if (!backend.admits()) {
      this.#row[backend.at + metric.BACKEND_BREAKER_REFUSED]++;
      this.#owner.onRefused(slot, BREAKER_OPEN);
    } else this.#connect(slot);
  }

  /** What a turn begins with. */
  turn(): void {
    this.#reader.read();
    this.#reader.move();
  }

  #connect(slot: number): void {
    const { backend } = this;
    const { attempts, tried, hash, state } = this.#connections;
    const server = backend.choose(
      this.#random.next(),
      hash[slot],
      tried,
      slot * ATTEMPTS_MAX,
      attempts[slot],
      0,
    );
    // No scene has limits of connections: nobody waits for a place.
    if (server < 0 || !backend.places.claim(server)) {
      this.#owner.onRefused(slot, NO_SERVER);
      return;
    }
    const attempt = slot * ATTEMPTS_MAX + attempts[slot];
    if (attempts[slot] > 0) {
      this.#row[backend.places.at(tried[attempt - 1]) + metric.SERVER_RETRIES]++;
    }
    tried[attempt] = server;
    attempts[slot]++;
    this.#connections.server[slot] = server;
    state[slot] = connection.CONNECTING;
    this.#owner.onTry(slot, server);
  }

  onConnected(slot: number): void {
    const server = this.#connections.server[slot];
    this.#row[this.backend.places.at(server) + metric.SERVER_CONNECTIONS]++;
    this.backend.news.onConnected(server);
  }

  onConnectFailed(slot: number): void {
    const { backend } = this;
    const { server, attempts } = this.#connections;
    const at = backend.places.at(server[slot]);
    this.#row[at + metric.SERVER_CONNECT_FAILURES]++;
    backend.news.onConnectFailed(server[slot]);
    this.#row[at + metric.SERVER_OPEN]--;
    server[slot] = -1;
    if (attempts[slot] >= backend.attemptsMax) this.#owner.onRefused(slot, ATTEMPTS_USED);
    else if (backend.allowsRetry()) this.#connect(slot);
    else {
      this.#row[backend.at + metric.BACKEND_RETRIES_REFUSED]++;
      this.#owner.onRefused(slot, NO_BUDGET);
    }
  }

  /** The server's first answer. */
  onAnswered(slot: number): void {
    const { server, askedMs } = this.#connections;
    this.backend.measure(server[slot], askedMs, slot);
  }

  /** A connection that stood is over. */
  onEnded(slot: number, byReset: boolean): void {
    const { backend } = this;
    const server = this.#connections.server[slot];
    const at = backend.places.at(server);
    this.#row[at + metric.SERVER_OPEN]--;
    if (byReset) this.#row[at + metric.SERVER_RESETS]++;
    if (byReset) backend.news.onReset(server);
    else backend.news.onEndedWell(server);
  }
}
