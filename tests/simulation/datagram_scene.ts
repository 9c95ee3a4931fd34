/**
 * The part of a scene that is UDP: listeners and their limits, backends, servers and how they
 * answer, and what the network between does to datagrams. Drawn from the scene's seed.
 */
import { backendPlan } from "../../src/upstream/test_plan.ts";
import { POLICY_NAMES } from "../../src/balance/policy.ts";
import type { Random } from "../../src/base/random.ts";
import { AF_INET } from "../../src/net/socket_address.ts";
import type { BackendPlan, ListenerPlan } from "../../src/upstream/plan.ts";
import { FAMILIES, TRUSTED_RANGES } from "./address.ts";
import {
  drawLimits,
  drawServers,
  placesOf,
  type ServerPlace,
  type Taken,
  type Traits,
} from "./stream_scene.ts";

/** A bound socket of a listener, and the addresses that clients may speak to through it. */
export interface DatagramPlace {
  readonly fd: number;
  readonly listener: number;
  readonly family: number;
  readonly isWildcard: boolean;
  readonly ips: readonly string[];
  readonly port: number;
  /** Its socket is given bursts. */
  readonly takesBursts: boolean;
}

/**
 * What a server does with datagrams: answers, says nothing, has a closed port, has one now and
 * then, or cannot be reached at all.
 */
export const DATAGRAM_MANNERS = ["answer", "mute", "closed", "flaky", "unreachable"] as const;
export type DatagramManner = typeof DATAGRAM_MANNERS[number];

export interface DatagramScene {
  readonly listeners: readonly ListenerPlan[];
  readonly backends: readonly BackendPlan[];
  readonly places: readonly DatagramPlace[];
  readonly servers: readonly ServerPlace[];
  readonly manners: readonly DatagramManner[];
  readonly clients: number;
  /** Datagrams of a client, at most, and their bytes. */
  readonly requestsMax: number;
  readonly bytesMax: number;
  /** Clients send within this time. */
  readonly sendingMs: number;
  /** One datagram in so many is lost, doubled, late; Infinity: none. */
  readonly lossOneIn: number;
  readonly doubleOneIn: number;
  readonly lateOneIn: number;
  /** Datagrams that a socket holds. */
  readonly socketDatagrams: number;
  /** Many at once, and large enough that what is kept of them goes around. */
  readonly flood: boolean;
}

const IPV4_LOCALS = ["10.9.0.1", "10.9.0.2"];
const IPV6_LOCALS = ["2001:db8:9::1", "2001:db8:9::2"];

function drawPlaces(
  random: Random,
  listener: number,
  fd: number,
  takesBursts: boolean,
): DatagramPlace[] {
  const port = 500 + fd;
  if (random.oneIn(2)) {
    const family = FAMILIES[random.below(2)];
    // An IPv6 socket that is bound to everything takes IPv4 too.
    const ips = family === AF_INET ? IPV4_LOCALS : [...IPV6_LOCALS, ...IPV4_LOCALS];
    return [{ fd, listener, family, isWildcard: true, ips, port, takesBursts }];
  }
  const family = FAMILIES[random.below(2)];
  const locals = family === AF_INET ? IPV4_LOCALS : IPV6_LOCALS;
  return locals.slice(0, 1 + random.below(2)).map((ip, i) => ({
    ...{ fd: fd + i, listener, family, isWildcard: false, ips: [ip], port, takesBursts },
  }));
}

function drawListener(
  random: Random,
  traits: Traits,
  name: string,
  places: readonly DatagramPlace[],
  takesHeaders: boolean,
  backend: number,
): ListenerPlan {
  const { flood, faults, patient, limited } = traits;
  const limits = drawLimits(random, traits);
  return {
    name,
    protocol: "udp",
    sockets: places.map(({ fd, family, isWildcard }) => ({ fd, family, isWildcard })),
    backend,
    subset: 0,
    routes: [],
    trustedProxies: takesHeaders ? TRUSTED_RANGES : null,
    idleTimeoutMs: patient ? 20_000 : faults ? 10 + random.below(1000) : 1000,
    halfCloseTimeoutMs: 60_000,
    clientHelloTimeoutMs: 1000,
    proxyHeaderTimeoutMs: 1000,
    ...limits,
    connectionsMax: flood ? 0 : limits.connectionsMax,
    udp: {
      responses: random.oneIn(2) ? 0 : 1 + random.below(3),
      flowsMax: limited && !flood && random.oneIn(4) ? 1 + random.below(10) : 65_536,
    },
  };
}

function drawBackend(random: Random, traits: Traits, name: string, first: number): BackendPlan {
  const count = traits.flood ? 3 : 1 + random.below(4);
  const isQuic = !traits.flood && random.oneIn(6);
  return backendPlan({
    name,
    balance: isQuic ? "consistent_hash" : POLICY_NAMES[random.below(POLICY_NAMES.length)],
    hashOn: isQuic ? ["quic_connection_id"] : [],
    connectTimeoutMs: 100,
    retries: traits.flood ? 2 : random.below(4),
    proxyProtocol: random.oneIn(3) ? "v2" : null,
    isTransparent: traits.faults && random.oneIn(8),
    socket: {},
    servers: drawServers(random, first, count),
  });
}

function drawManner(random: Random, { faults, flood }: Traits): DatagramManner {
  if (!faults) return "answer";
  if (flood) return random.oneIn(2) ? "flaky" : "answer";
  return random.oneIn(3)
    ? DATAGRAM_MANNERS[random.below(DATAGRAM_MANNERS.length)]
    : random.oneIn(2)
    ? "flaky"
    : "answer";
}

export function drawDatagramScene(
  random: Random,
  traits: Traits,
  taken: Taken,
  firstListener: number,
): DatagramScene {
  const { faults, flood, calmAtMs } = traits;
  const listenerCount = !flood && random.oneIn(2) ? 2 : 1;
  let server = taken.servers;
  const backends = Array.from({ length: flood ? 1 : 1 + random.below(2) }, (_, i) => {
    const backend = drawBackend(random, traits, `datagrams${i}`, server);
    server += backend.servers.length;
    return backend;
  });
  const places: DatagramPlace[] = [];
  let fd = taken.fds;
  const listeners = Array.from({ length: listenerCount }, (_, i) => {
    // Where a header may stand in front of each, each must be looked at.
    const takesHeaders = !flood && random.oneIn(4);
    const takesBursts = !takesHeaders && !random.oneIn(3);
    const mine = drawPlaces(random, firstListener + i, fd, takesBursts);
    fd += mine.length;
    places.push(...mine);
    const backend = taken.backends + random.below(backends.length);
    return drawListener(random, traits, `udp${i}`, mine, takesHeaders, backend);
  });
  const servers = placesOf(backends, taken.backends, taken.servers);
  const isLossy = faults && !random.oneIn(4);
  return {
    listeners,
    backends,
    places,
    servers,
    manners: servers.map(() => drawManner(random, traits)),
    clients: flood ? 250 : 1 + random.below(40),
    requestsMax: flood ? 12 : 1 + random.below(12),
    bytesMax: flood
      ? 2030
      : random.oneIn(8)
      ? (faults ? 65_507 : 60_000)
      : 12 + random.below(1 << (4 + random.below(8))),
    sendingMs: flood ? 400 : 1 + random.below(calmAtMs),
    lossOneIn: isLossy && !flood ? 6 + random.below(40) : Infinity,
    doubleOneIn: isLossy ? 6 + random.below(40) : Infinity,
    lateOneIn: flood ? 2 : faults ? 3 + random.below(20) : Infinity,
    socketDatagrams: faults && !flood ? 1 + random.below(100) : 10_000,
    flood,
  };
}
