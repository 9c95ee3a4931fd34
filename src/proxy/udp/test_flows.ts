/**
 * What the UDP proxy's parts need around them, for tests of one part: a plan, shared memory, gates
 * and backends that are real, and a ring that carries out nothing. Datagrams are put into the slab
 * by hand; nothing is received or sent.
 */
import { Random } from "../../base/random.ts";
import { KeyedHash } from "../../base/keyed_hash.ts";
import { BufferPool, SLAB_BYTES } from "../../buffer/buffer_pool.ts";
import * as metric from "../../metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../metrics/shared_state.ts";
import { IP_WORDS, parseIpWords } from "../../net/ip_words.ts";
import { FakeRing, type RingCall } from "../../ring/test_ring.ts";
import { makeBackends } from "../../upstream/backend.ts";
import type { BackendPlan, ListenerPlan, Plan } from "../../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../../upstream/shared_region.ts";
import { backendPlan, listenerPlan, socketPlan, workerPlan } from "../../upstream/test_plan.ts";
import { Gate } from "../gate.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { FlowHeader } from "./flow_header.ts";
import { FLOW_KEY_WORDS, FlowTable, KEY_CLIENT, KEY_LOCAL } from "./flow_table.ts";
import { UdpSockets } from "./udp_sockets.ts";

/** Its pages are touched only where a test writes. */
const slab = new Uint8Array(SLAB_BYTES);

/** The key of a datagram from `client`, port `port`, to a socket of the worker. */
export function keyOf(client: string, port: number, socket = 0, local = "::"): Int32Array {
  const key = new Int32Array(FLOW_KEY_WORDS);
  key[0] = socket << 16 | port;
  key.set(parseIpWords(client)!, KEY_CLIENT);
  key.set(parseIpWords(local)!, KEY_LOCAL);
  return key;
}

export interface FlowScene {
  readonly listeners: readonly Partial<ListenerPlan>[];
  readonly backends?: readonly Partial<BackendPlan>[];
  readonly plan?: Partial<Plan>;
  readonly capacity?: number;
  readonly answer?: (call: RingCall) => number | undefined;
}

export class FlowStage {
  readonly fake: FakeRing;
  readonly plan: Plan;
  readonly context: ProxyContext;
  readonly flows: FlowTable;
  readonly sockets: UdpSockets;
  readonly headers: FlowHeader;
  /** What was logged. */
  readonly log: string[] = [];

  constructor({ listeners, backends = [{}], plan = {}, capacity = 8, answer }: FlowScene) {
    this.fake = new FakeRing(answer);
    this.fake.nowMs = 1000;
    this.plan = workerPlan({
      listeners: listeners.map((each, i) =>
        listenerPlan({
          name: `listener${i}`,
          protocol: "udp",
          sockets: [socketPlan(20 + i)],
          udp: { responses: 0, flowsMax: 1000 },
          ...each,
        })
      ),
      backends: backends.map(backendPlan),
      ...plan,
    });
    const shape = regionShape(this.plan);
    const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
    const row = region.state.rows[this.plan.worker];
    const { ring } = this.fake;
    this.context = {
      ring,
      pool: new BufferPool(ring, slab),
      region,
      row,
      plan: this.plan,
      backends: makeBackends(this.plan, 0, this.fake, region),
      gates: this.plan.listeners.map((_, i) => new Gate(this.plan, i, region, row, this.fake)),
      random: new Random(1),
      log: {
        connectFailed: (backend, server, result) => {
          this.log.push(`${backend.serverNames[server]}: ${result}`);
        },
        refused: (listener, backend) => void this.log.push(`${listener}: ${backend.name} refused`),
        acceptFailed: (listener, result) => void this.log.push(`${listener}: short, ${result}`),
        misread: (listener, why) => void this.log.push(`${listener}: ${why}`),
        overloaded: (why) => void this.log.push(`overloaded: ${why}`),
      },
    };
    const hash = new KeyedHash(...this.plan.hashKey);
    this.flows = new FlowTable(capacity, this.plan.listeners.length, ring, hash);
    this.sockets = new UdpSockets(this.plan, ring);
    this.headers = new FlowHeader(this.plan, this.flows, this.sockets);
  }

  /** Puts a datagram into the slab; its place. */
  put(bytes: Uint8Array, at = 4096): number {
    slab.set(bytes, at);
    return at;
  }

  listenerCount(which: number, listener = 0): number {
    return this.context.row[listenerOffset(listener) + which];
  }

  serverCount(which: number, server = 0): number {
    return this.context.row[serverOffset(this.context.region.state.shape, server) + which];
  }

  /** The listener's counters that are not zero, by name. */
  counts(listener = 0): Record<string, number> {
    return Object.fromEntries(
      metric.LISTENER_METRICS.map(({ name }, i) => {
        const word = name.replace(/^ringway_[a-z]+_/, "").replace(/_total$/, "");
        return [word, this.listenerCount(i, listener)] as const;
      }).filter(([, count]) => count !== 0),
    );
  }
}

/** Four words and a port as text. */
export function wordsOf(ip: string): Int32Array {
  const words = parseIpWords(ip);
  if (words?.length !== IP_WORDS) throw new Error(`no address: ${ip}`);
  return words;
}
