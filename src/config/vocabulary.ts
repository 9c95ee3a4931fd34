/**
 * Words that other balancers use for the keys and values here, and words that are kept for later.
 *
 * Foreign words are never accepted, only understood: a file means the same whoever reads it, and
 * who comes from elsewhere is told the word in one round. Words kept for later are those of the
 * documented design; they get a plain "not yet" instead of a guess at a typing mistake.
 */
import { findNearest } from "../base/text_distance.ts";

export interface Vocabulary {
  /** The word here, and what it is called elsewhere. */
  readonly foreign: Readonly<Record<string, readonly string[]>>;
  readonly later: readonly string[];
  /** Of these, the ones that stand in place of a required key. */
  readonly instead?: Readonly<Record<string, string>>;
}

const NO_WORDS: Vocabulary = { foreign: {}, later: [] };

const TIMEOUTS = ["timeout"];
const BALANCE = ["algorithm", "policy", "lb_policy", "load_balancing", "strategy", "method"];

/** By the section whose keys they are, or by the key whose values they are. */
export const VOCABULARY = {
  none: NO_WORDS,
  root: {
    foreign: {
      listeners: ["frontends", "frontend", "entryPoints", "entrypoints", "listen"],
      backends: ["upstreams", "upstream", "clusters", "pools", "services", "servers"],
      workers: ["threads", "nbthread", "worker_processes", "processes", "concurrency"],
      log: ["logging", "logs", "logger"],
      drain: ["shutdown", "graceful", "grace_period", "shutdown_timeout"],
      admin: ["api", "stats", "dashboard", "control"],
    },
    later: ["include", "io", "metrics", "defaults", "tls", "rate_limits", "cluster"],
  },
  listener: {
    foreign: {
      bind: ["listen", "address", "addr", "port"],
      backend: ["upstream", "cluster", "pool", "service", "default_backend", "weights", "target"],
      protocol: ["mode", "type"],
      timeouts: TIMEOUTS,
      limits: ["limit", "maxconn", "max_connections"],
    },
    later: ["tls", "proxy_protocol", "trusted_proxies", "routes", "udp", "rate_limit"],
    instead: { routes: "backend" },
  },
  listenerTimeouts: {
    foreign: { idle: ["client", "tunnel", "proxy"], half_close: ["client_fin", "fin", "linger"] },
    later: ["request_header", "request", "backend_request", "response", "connect"],
  },
  limits: {
    foreign: { connections: ["maxconn", "max_connections", "conns"] },
    later: ["connections_per_ip", "pending", "requests", "header_size", "body_size"],
  },
  backend: {
    foreign: {
      servers: ["server", "endpoints", "hosts", "targets", "members", "upstreams", "addresses"],
      balance: BALANCE,
      hash_on: ["hash", "hash_key", "hash_policy"],
      timeouts: [...TIMEOUTS, "connect_timeout"],
      retries: ["retry", "max_retries"],
    },
    later: [
      ...["discover", "sticky", "health_check", "outlier_detection", "protocol", "tls"],
      ...["proxy_protocol", "limits", "keepalive", "slow_start", "panic_threshold"],
    ],
    instead: { discover: "servers" },
  },
  backendTimeouts: {
    foreign: { connect: ["connection", "dial", "connect_timeout"] },
    later: ["request_header", "request", "backend_request", "response", "idle"],
  },
  server: {
    foreign: {
      address: ["host", "addr", "ip", "url", "target", "endpoint", "bind"],
      name: ["id"],
      weight: ["weights"],
    },
    later: ["zone"],
  },
  log: { foreign: {}, later: ["access"] },
  drain: {
    foreign: { timeout: ["grace", "deadline", "max"], delay: ["wait", "lame_duck"] },
    later: [],
  },
  admin: { foreign: { bind: ["listen", "address", "socket", "path"] }, later: ["token_file"] },
  protocolValues: {
    foreign: { tcp: ["tcp4", "tcp6", "stream"] },
    later: ["http", "https", "tls", "udp"],
  },
  balanceValues: {
    foreign: {
      round_robin: ["roundrobin", "rr", "wrr", "weighted_round_robin"],
      least_conn: ["leastconn", "least_connections", "least_connection", "lc", "wlc"],
      p2c: ["power_of_two", "power_of_two_choices", "least_request"],
      random: ["rand"],
      consistent_hash: ["hash", "source", "ip_hash", "maglev", "ketama", "ring_hash"],
    },
    later: [],
  },
  hashOnValues: {
    foreign: { source_ip: ["source", "src", "ip", "client_ip", "remote_addr"] },
    later: ["header:", "cookie:", "query:", "path", "sni"],
  },
  levelValues: {
    foreign: { debug: ["trace"], info: ["notice"], warn: ["warning"], error: ["err", "fatal"] },
    later: [],
  },
  formatValues: { foreign: { text: ["plain", "console", "pretty"] }, later: [] },
} as const satisfies Record<string, Vocabulary>;

/** The known word that `word` most likely was meant to be. */
export function suggestWord(
  word: string,
  known: readonly string[],
  { foreign, later }: Vocabulary,
): string | null {
  const meaning = new Map<string, string>([...known, ...later].map((word) => [word, word]));
  for (const [here, elsewhere] of Object.entries(foreign)) {
    for (const name of elsewhere) if (!meaning.has(name)) meaning.set(name, here);
  }
  const exact = meaning.get(word) ?? meaning.get(word.toLowerCase().replaceAll("-", "_"));
  const nearest = exact === undefined ? findNearest(word, meaning.keys()) : null;
  return exact ?? (nearest === null ? null : meaning.get(nearest)!);
}
