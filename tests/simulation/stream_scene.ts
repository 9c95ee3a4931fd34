/**
 * The part of a scene that is TCP: listeners with what they may ask of clients, backends with what
 * they show to servers, and how servers behave. Drawn from the scene's seed.
 */
import { backendPlan, serverPlan } from "../../src/upstream/test_plan.ts";
import { POLICY_NAMES } from "../../src/balance/policy.ts";
import type { Random } from "../../src/base/random.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../src/net/socket_address.ts";
import type {
  BackendPlan,
  ListenerPlan,
  RatePlan,
  RoutePlan,
  ServerPlan,
} from "../../src/upstream/plan.ts";
import {
  type Address,
  BAD_RANGES,
  encodeAddress,
  FAMILIES,
  GOOD_RANGES,
  isIpv4,
  TRUSTED_RANGES,
} from "./address.ts";
import type { ListeningPlace } from "./opening.ts";

/** What a server does with a connect; `flaky` draws one of the others each time. */
export const SERVER_MANNERS = ["accept", "refuse", "hang", "flaky"] as const;
export type ServerManner = typeof SERVER_MANNERS[number];

/** What both parts of a scene are drawn by. */
export interface Traits {
  /** Peers and the kernel misbehave. */
  readonly faults: boolean;
  /** Timeouts are too long to matter. */
  readonly patient: boolean;
  readonly flood: boolean;
  /** There may be limits and lists, too little room, and a drain in between. */
  readonly limited: boolean;
  readonly calmAtMs: number;
}

/** Numbers that the other part has taken. */
export interface Taken {
  readonly fds: number;
  readonly backends: number;
  readonly servers: number;
}

export interface ServerPlace {
  readonly address: Address;
  /** Indexes in the plan, and in the backend. */
  readonly backend: number;
  readonly index: number;
}

export interface StreamScene {
  readonly listeners: readonly ListenerPlan[];
  readonly backends: readonly BackendPlan[];
  readonly places: readonly ListeningPlace[];
  readonly servers: readonly ServerPlace[];
  readonly manners: readonly ServerManner[];
  readonly clients: number;
  /** They come within this time. */
  readonly arrivalMs: number;
  /** Largest stream of a peer. */
  readonly streamBytes: number;
  /** Of a socket's buffer. */
  readonly pipeBytes: number;
  /** All servers write much, and clients read nothing before the world is calm. */
  readonly flood: boolean;
}

const FIRST_PORT = 9000;

export function serverAddress(number: number, family: number): Address {
  const ip = family === AF_INET ? `10.200.0.${number + 1}` : `2001:db8:c8::${number + 1}`;
  return { ip, port: FIRST_PORT + number };
}

function drawRate(random: Random): RatePlan {
  const isSlow = random.oneIn(2);
  const perSecond = isSlow ? 1 / (1 + random.below(60)) : 1 + random.below(100);
  return { perSecond, burst: 1 + random.below(isSlow ? 3 : 8) };
}

/** What listeners of TCP and UDP have in common. */
export function drawLimits(random: Random, { flood, limited }: Traits) {
  const isGuarded = !flood && random.oneIn(3);
  const isAllowing = isGuarded && random.oneIn(2);
  const isFew = limited && !flood;
  return {
    allow: isAllowing ? GOOD_RANGES : [],
    deny: isGuarded && !isAllowing ? BAD_RANGES : [],
    connectionsMax: limited && random.oneIn(3) ? 1 + random.below(8) : 0,
    connectionsPerIpMax: isFew && random.oneIn(5) ? 1 + random.below(3) : 0,
    connectionRate: isFew && random.oneIn(8) ? drawRate(random) : null,
    connectionRatePerIp: isFew && random.oneIn(8) ? drawRate(random) : null,
  };
}

function drawTimeouts(random: Random, { faults, patient }: Traits) {
  return {
    idleTimeoutMs: patient ? 600_000 : 50 + random.below(2000),
    halfCloseTimeoutMs: patient ? 600_000 : 50 + random.below(2000),
    // Long enough for all who mean it, where nothing goes wrong.
    clientHelloTimeoutMs: faults ? 20 + random.below(1000) : 2500,
    proxyHeaderTimeoutMs: faults ? 20 + random.below(1000) : 2500,
  };
}

/** Of sockets that a listener has one or two; unix ones know no low-water mark. */
function drawPlaces(
  random: Random,
  listener: number,
  fd: number,
  flood: boolean,
): ListeningPlace[] {
  const count = !flood && random.oneIn(3) ? 2 : 1;
  return Array.from({ length: count }, (_, i): ListeningPlace => {
    const family = flood ? AF_INET : random.oneIn(4) ? AF_UNIX : FAMILIES[random.below(2)];
    const address = { ip: family === AF_INET ? "10.9.0.1" : "2001:db8:9::1", port: 443 + fd };
    return { fd: fd + i, listener, family, address: family === AF_UNIX ? null : address };
  });
}

function drawRoutes(random: Random, backends: number, firstBackend: number): RoutePlan[] {
  const route = (sni: string[], alpn: string[]): RoutePlan => ({
    sni,
    alpn,
    backend: firstBackend + random.below(backends),
    subset: 0,
    allow: [],
    deny: random.oneIn(3) ? BAD_RANGES : [],
  });
  return [route(["a.test", "c.test"], []), route(["*.b.test"], ["h2", "h3"])];
}

/** One that balances over servers of both families, or of one. */
export function drawServers(random: Random, first: number, count: number): ServerPlan[] {
  const families = random.oneIn(2) ? [FAMILIES[random.below(2)]] : FAMILIES;
  return Array.from({ length: count }, (_, i) => {
    const family = families[random.below(families.length)];
    return serverPlan(`s${first + i}`, {
      weight: 1 + random.below(3),
      backup: i > 0 && random.oneIn(4),
      address: [...encodeAddress(serverAddress(first + i, family), family)],
    });
  });
}

export function placesOf(
  plans: readonly BackendPlan[],
  firstBackend: number,
  firstServer: number,
): ServerPlace[] {
  let number = firstServer;
  return plans.flatMap(({ servers }, i) =>
    servers.map(({ address }, index) => ({
      address: serverAddress(number++, address[0]),
      backend: firstBackend + i,
      index,
    }))
  );
}

export function drawStreamScene(random: Random, traits: Traits, taken: Taken): StreamScene {
  const { faults, flood, calmAtMs } = traits;
  const listenerCount = !flood && random.oneIn(2) ? 2 : 1;
  const backendCount = flood ? 1 : 1 + random.below(3);
  let server = taken.servers;
  const backends = Array.from({ length: backendCount }, (_, i): BackendPlan => {
    const count = flood ? 1 + random.below(4) : 1 + random.below(i === 0 ? 4 : 2);
    const servers = drawServers(random, server, count);
    server += count;
    const balance = POLICY_NAMES[random.below(POLICY_NAMES.length)];
    const headers = ["v1", "v2", null, null] as const;
    return backendPlan({
      name: `app${i}`,
      balance,
      hashOn: balance === "consistent_hash" && random.oneIn(2) ? ["sni"] : [],
      connectTimeoutMs: (faults ? 20 : 100) + random.below(300),
      retries: random.below(5),
      proxyProtocol: flood ? null : headers[random.below(headers.length)],
      isTransparent: faults && !flood && random.oneIn(6),
      socket: {},
      servers,
    });
  });
  const places: ListeningPlace[] = [];
  let fd = taken.fds;
  const listeners = Array.from({ length: listenerCount }, (_, listener): ListenerPlan => {
    const mine = drawPlaces(random, listener, fd, flood);
    fd += mine.length;
    places.push(...mine);
    const isTls = !flood && random.oneIn(3);
    const routes = isTls ? drawRoutes(random, backendCount, taken.backends) : [];
    const hasDefault = !isTls || random.oneIn(2);
    return {
      name: `web${listener}`,
      protocol: isTls ? "tls" : "tcp",
      sockets: mine.map((each) => ({ fd: each.fd, family: each.family, isWildcard: false })),
      subset: 0,
      backend: hasDefault ? taken.backends + random.below(backendCount) : -1,
      routes,
      trustedProxies: !flood && random.oneIn(3) ? TRUSTED_RANGES : null,
      ...drawTimeouts(random, traits),
      ...drawLimits(random, traits),
      udp: null,
    };
  });
  const servers = placesOf(backends, taken.backends, taken.servers);
  const pipeBytes = flood ? 65_536 : 1 + random.below(1 << (3 + random.below(16)));
  return {
    listeners,
    backends,
    places,
    servers,
    manners: servers.map(() =>
      faults && !flood ? SERVER_MANNERS[random.below(SERVER_MANNERS.length)] : "accept"
    ),
    clients: flood ? 80 : 1 + random.below(50),
    arrivalMs: 1 + random.below(calmAtMs),
    // No more than some hundred fillings of a socket's buffer, or a run takes minutes.
    streamBytes: flood ? 1_500_000 : Math.min(1 << random.below(19), pipeBytes * 200),
    pipeBytes,
    flood,
  };
}

/** sa_family of a server's address. */
export function familyOf({ ip }: Address): number {
  return isIpv4(ip) ? AF_INET : AF_INET6;
}
