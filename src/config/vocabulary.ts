/**
 * Words that other balancers use for the keys and values here, and words that are kept for later.
 *
 * Foreign words are never accepted, only understood: a file means the same whoever reads it, and
 * who comes from elsewhere is told the word in one round. Words kept for later are those of the
 * documented design; they get a plain "not yet" instead of a guess at a typing mistake.
 *
 * health_words.ts has those of checks and of what follows from them; word_meaning.ts looks them up.
 */
import {
  AGENT_CHECK,
  BACKEND_LIMITS,
  CIRCUIT_BREAKER,
  EXCHANGE,
  HEALTH_CHECK,
  OUTLIER_DETECTION,
  REBALANCE,
  SERVER_ADVICE,
} from "./health_words.ts";
import type { Section, Vocabulary } from "./word_meaning.ts";

const NO_WORDS: Vocabulary = { foreign: {}, later: [] };

const TIMEOUTS = ["timeout"];
const BALANCE = ["algorithm", "policy", "lb_policy", "load_balancing", "strategy", "method"];
const LIMITS = ["limit"];
const SUBSET = ["subsets", "labels", "metadata_match", "lb_subset"];
const ZONE = ["locality", "lb_zone", "availability_zone", "az", "region"];
const OF_A_BACKEND = [
  ...["health_check", "healthcheck", "agent_check", "outlier_detection", "slow_start", "balance"],
  ...["circuit_breaker", "retries", "retry_budget", "panic_threshold", "servers"],
];
const SOCKET = ["sockopt", "socket_options", "sockopts", "tcp", "options"];

const LISTENER_TIMEOUTS = {
  keys: ["idle", "half_close", "client_hello", "proxy_header"],
  foreign: {
    idle: ["client", "tunnel", "proxy", "proxy_timeout"],
    half_close: ["client_fin", "fin", "linger"],
    client_hello: [
      ...["preread", "preread_timeout", "handshake", "tls_handshake", "inspect_delay", "sni"],
    ],
    proxy_header: ["proxy_protocol", "proxy_protocol_timeout"],
  },
  later: ["request_header", "request", "backend_request", "response", "connect"],
} as const satisfies Section;

const LISTENER_LIMITS = {
  keys: ["connections", "connections_per_ip", "connection_rate", "connection_rate_per_ip"],
  foreign: {
    connections: ["maxconn", "max_connections", "conns", "limit_conn"],
    connections_per_ip: ["per_ip", "maxconn_per_ip", "conn_per_ip", "src_conn_cur"],
    connection_rate: [
      ...["maxconnrate", "maxsessrate", "rate", "rate_limit", "sessions", "session_rate"],
    ],
    connection_rate_per_ip: ["rate_per_ip", "src_conn_rate", "rate_limit_per_ip"],
  },
  later: ["requests", "header_size", "body_size"],
  advice: {
    pending: 'that is in "limits" of a backend',
    queue_timeout: 'that is in "limits" of a backend',
    maxqueue: 'that is "pending" in "limits" of a backend here',
  },
} as const satisfies Section;

const UDP = {
  keys: ["responses", "idle_timeout", "flows"],
  foreign: {
    responses: ["proxy_responses", "answers", "replies"],
    idle_timeout: [
      ...["proxy_timeout", "session_timeout", "timeout", "idle", "flow_timeout", "idleTimeout"],
    ],
    flows: ["sessions", "max_sessions", "flows_max", "max_flows"],
  },
  later: [],
} as const satisfies Section;

const SOCKET_KEYS = [
  ...["nodelay", "keepalive", "user_timeout", "receive_buffer", "send_buffer", "dscp"],
  "fast_open",
] as const;

const SOCKET_WORDS = {
  nodelay: ["tcp_nodelay", "no_delay"],
  keepalive: [
    ...["so_keepalive", "tcp_keepalive", "tcpka", "clitcpka", "srvtcpka", "keep_alive"],
    "proxy_socket_keepalive",
  ],
  user_timeout: ["tcp_ut", "tcp_user_timeout"],
  receive_buffer: ["rcvbuf", "so_rcvbuf", "recv_buffer"],
  send_buffer: ["sndbuf", "so_sndbuf"],
  dscp: ["tos", "ip_tos", "diffserv"],
  fast_open: ["tfo", "fastopen", "tcp_fastopen", "tcp_fast_open", "tcp_fastopen_connect"],
} as const;

const LISTENER_SOCKET = {
  keys: [...SOCKET_KEYS, "backlog", "defer_accept"],
  foreign: {
    ...SOCKET_WORDS,
    backlog: ["somaxconn", "listen_backlog"],
    defer_accept: ["tcp_defer_accept", "deferred"],
  },
  later: [],
} as const satisfies Section;

const BACKEND_SOCKET = {
  keys: SOCKET_KEYS,
  foreign: SOCKET_WORDS,
  later: [],
} as const satisfies Section;

const BACKEND_TIMEOUTS = {
  keys: ["connect"],
  foreign: { connect: ["connection", "dial", "connect_timeout"] },
  later: ["request_header", "request", "backend_request", "response", "idle"],
} as const satisfies Section;

/** By the section whose keys they are, or by the key whose values they are. */
export const VOCABULARY = {
  none: NO_WORDS,
  listenerTimeouts: LISTENER_TIMEOUTS,
  limits: LISTENER_LIMITS,
  udp: UDP,
  listenerSocket: LISTENER_SOCKET,
  backendSocket: BACKEND_SOCKET,
  backendTimeouts: BACKEND_TIMEOUTS,
  backendLimits: BACKEND_LIMITS,
  healthCheck: HEALTH_CHECK,
  tcpExchange: EXCHANGE,
  udpExchange: EXCHANGE,
  agentCheck: AGENT_CHECK,
  outlierDetection: OUTLIER_DETECTION,
  circuitBreaker: CIRCUIT_BREAKER,
  rebalance: REBALANCE,
  overload: {
    foreign: {
      busy: ["cpu", "core", "load"],
      memory: ["fixed_heap", "heap", "ram", "mem"],
      files: ["fds", "connections", "file_descriptors", "maxconn"],
      buffers: ["buffer"],
    },
    later: [],
  },
  root: {
    foreign: {
      listeners: ["frontends", "frontend", "entryPoints", "entrypoints", "listen"],
      backends: ["upstreams", "upstream", "clusters", "pools", "services", "servers"],
      workers: ["threads", "nbthread", "worker_processes", "processes", "concurrency"],
      io: ["engine", "io_engine", "event_engine", "poller", "io_uring", "uring", "epoll", "use"],
      log: ["logging", "logs", "logger"],
      drain: ["shutdown", "graceful", "grace_period", "shutdown_timeout"],
      admin: ["api", "stats", "dashboard", "control"],
      limits: [...LIMITS, "maxconn", "max_connections", "worker_connections"],
      zone: ["locality", "availability_zone", "az", "region", "node_zone"],
      overload: ["overload_manager", "load_shedding", "shedding", "backpressure"],
      hardening: ["sandbox", "harden", "seccomp", "landlock", "no_new_privs", "security"],
      user: ["uid", "run_as", "run_as_user", "runas", "setuid", "username"],
      group: ["gid", "run_as_group", "setgid"],
    },
    later: ["include", "metrics", "defaults", "tls", "rate_limits", "cluster"],
  },
  rootLimits: {
    foreign: { connections: ["maxconn", "max_connections", "conns"] },
    later: [],
  },
  listener: {
    foreign: {
      bind: ["listen", "address", "addr", "port"],
      backend: ["upstream", "cluster", "pool", "service", "default_backend", "weights", "target"],
      protocol: ["mode", "type", "transport"],
      tls: ["ssl", "ssl_preread", "passthrough", "tls_passthrough"],
      routes: ["use_backend", "rules", "routers", "sni", "server_names", "match"],
      proxy_protocol: ["accept_proxy", "proxyProtocol", "expect_proxy"],
      trusted_proxies: [
        ...["set_real_ip_from", "trusted_ips", "trustedIPs", "trusted", "real_ip_from"],
        ...["trusted_proxy", "proxy_protocol_allow"],
      ],
      allow: ["whitelist", "allowlist", "allow_list", "ip_allow_list", "ipAllowList", "src", "acl"],
      deny: ["blacklist", "denylist", "deny_list", "blocklist", "block", "reject"],
      timeouts: TIMEOUTS,
      limits: [...LIMITS, "rate_limit", "rate_limits", "limit_req"],
      udp: ["datagram"],
      socket: SOCKET,
      subset: SUBSET,
    },
    later: ["redirect", "respond", "sticky", "request_headers", "response_headers"],
    within: {
      timeouts: LISTENER_TIMEOUTS,
      limits: LISTENER_LIMITS,
      udp: UDP,
      socket: LISTENER_SOCKET,
    },
    advice: Object.fromEntries(OF_A_BACKEND.map((key) => [key, "that is a key of a backend"])),
  },
  bind: {
    foreign: {
      address: ["listen", "path", "addr", "socket", "host"],
      mode: ["permissions", "perm", "chmod", "socket_mode", "umask"],
      owner: ["user", "uid"],
      group: ["gid"],
    },
    later: [],
  },
  route: {
    foreign: {
      match: ["rule", "when", "if", "sni", "host", "hosts", "server_name", "server_names", "alpn"],
      backend: [
        "upstream",
        "cluster",
        "service",
        "target",
        "use_backend",
        "weights",
        "servers",
        "default_backend",
      ],
      name: ["id", "label"],
      allow: ["whitelist", "allowlist", "allow_list", "src", "acl"],
      deny: ["blacklist", "denylist", "deny_list", "blocklist"],
      subset: SUBSET,
    },
    later: [
      ...["redirect", "respond", "rewrite", "request_headers", "response_headers", "mirror"],
      ...["sticky", "rate_limit", "retry", "timeouts"],
    ],
    instead: { redirect: "backend", respond: "backend" },
  },
  match: {
    foreign: {
      sni: [
        ...["host", "hosts", "hostname", "server_name", "server_names", "hostSNI", "ssl_fc_sni"],
        ...["req_ssl_sni", "domain", "domains", "name"],
      ],
      alpn: ["protocols", "alpn_protocols", "application_protocols", "req_ssl_alpn"],
    },
    later: ["path", "method", "headers", "query", "cookies", "source"],
  },
  rate: {
    foreign: { rate: ["average", "limit", "value"], burst: ["bucket", "size", "max_burst"] },
    later: ["key", "store", "on_error"],
  },
  keepalive: {
    foreign: {
      idle: ["time", "keepidle", "tcp_keepidle", "clitcpka_idle", "srvtcpka_idle"],
      interval: ["intvl", "keepintvl", "tcp_keepintvl", "clitcpka_intvl", "srvtcpka_intvl"],
      count: ["cnt", "keepcnt", "tcp_keepcnt", "probes", "clitcpka_cnt", "srvtcpka_cnt"],
    },
    later: [],
  },
  backend: {
    foreign: {
      servers: ["server", "endpoints", "hosts", "targets", "members", "upstreams", "addresses"],
      balance: BALANCE,
      hash_on: ["hash", "hash_key", "hash_policy"],
      proxy_protocol: ["send_proxy", "send_proxy_v2", "proxyProtocol", "proxy_v2", "proxy_v1"],
      transparent: ["usesrc", "tproxy", "source", "proxy_bind", "transparent_proxy", "client_ip"],
      timeouts: TIMEOUTS,
      retries: ["retry", "max_retries"],
      retry_budget: ["retryBudget", "budget"],
      load_factor: ["hash_balance_factor", "balance_factor", "bounded_load", "loadFactor"],
      health_check: [
        ...["healthcheck", "health_checks", "healthCheck", "check", "checks", "option_httpchk"],
        ...["active", "active_health_check", "readinessProbe", "livenessProbe", "probe", "monitor"],
      ],
      agent_check: ["agent", "agent_port"],
      outlier_detection: [
        ...["outlierDetection", "passive", "passive_health_check", "passiveHealthCheck", "observe"],
        ...["outliers", "ejection"],
      ],
      slow_start: ["slowstart", "slow_start_config", "slow_start_window", "warmup", "ramp_up"],
      panic_threshold: ["healthy_panic_threshold", "panic"],
      on_down: [
        ...["on_marked_down", "close_connections_on_host_health_failure", "shutdown_sessions"],
      ],
      limits: LIMITS,
      circuit_breaker: ["circuitBreaker", "circuit_breakers", "breaker"],
      socket: SOCKET,
    },
    later: ["discover", "sticky", "protocol", "tls"],
    instead: { discover: "servers" },
    within: {
      timeouts: BACKEND_TIMEOUTS,
      limits: BACKEND_LIMITS,
      health_check: HEALTH_CHECK,
      agent_check: AGENT_CHECK,
      outlier_detection: OUTLIER_DETECTION,
      circuit_breaker: CIRCUIT_BREAKER,
      socket: BACKEND_SOCKET,
    },
    advice: {
      zone: "that is a key of a server, or of the file",
      option: "option httpchk GET / is health_check: / here, option tcp-check health_check: tcp",
      default_server: "what it sets for all servers are keys of the backend, such as health_check",
      common_lb_config: "what is in it are keys of the backend itself, such as panic_threshold",
      labels: "that is a key of a server",
      priority: "that is a key of a server",
      subset: "that is a key of a listener or a route",
    },
  },
  server: {
    foreign: {
      address: ["host", "addr", "ip", "url", "target", "endpoint", "bind", "path", "socket"],
      name: ["id"],
      weight: ["weights"],
      backup: ["standby", "fallback"],
      connections: ["maxconn", "max_conns", "max_connections", "conns"],
      priority: ["prio", "tier", "failover_priority", "locality_priority"],
      zone: ZONE,
      labels: ["label", "tags", "metadata", "meta"],
    },
    later: [],
    advice: SERVER_ADVICE,
  },
  log: { foreign: {}, later: ["access"] },
  drain: {
    foreign: { timeout: ["grace", "deadline", "max"], delay: ["wait", "lame_duck"] },
    later: [],
  },
  admin: { foreign: { bind: ["listen", "address", "socket", "path"] }, later: ["token_file"] },
  protocolValues: {
    foreign: {
      tcp: ["tcp4", "tcp6", "stream", "l4"],
      udp: ["udp4", "udp6", "dgram", "datagram"],
      tls: ["ssl", "sni", "tls_passthrough", "ssl_preread"],
    },
    later: ["http", "https", "http2", "http3", "quic", "grpc"],
  },
  tlsValues: {
    foreign: { passthrough: ["ssl_preread", "pass", "passthru", "preread", "true", "on", "yes"] },
    later: ["terminate", "termination", "offload"],
  },
  balanceValues: {
    foreign: {
      round_robin: ["roundrobin", "rr", "wrr", "weighted_round_robin"],
      least_conn: ["leastconn", "least_connections", "least_connection", "lc", "wlc"],
      p2c: ["power_of_two", "power_of_two_choices", "least_request"],
      random: ["rand"],
      least_latency: [
        ...["ewma", "peak_ewma", "least_time", "fastest", "latency", "least_response_time"],
      ],
      consistent_hash: ["hash", "source", "ip_hash", "maglev", "ketama", "ring_hash"],
    },
    later: [],
  },
  hashOnValues: {
    foreign: {
      source_ip: ["source", "src", "ip", "client_ip", "remote_addr"],
      source_port: ["src_port", "client_port", "remote_port", "port"],
      sni: ["server_name", "ssl_preread_server_name", "req_ssl_sni", "ssl_fc_sni", "host"],
      quic_connection_id: ["connection_id", "quic_cid", "cid", "quic", "dcid"],
    },
    later: ["header:", "cookie:", "query:", "path"],
  },
  onDownValues: {
    foreign: {
      keep: ["none", "off", "ignore", "false"],
      close: ["shutdown_sessions", "kill", "reset", "cut", "true"],
    },
    later: [],
  },
  initialValues: {
    foreign: {
      up: ["healthy", "fully_up", "pass", "true"],
      down: ["unhealthy", "fully_down", "fail", "unknown", "false"],
    },
    later: [],
  },
  proxyProtocolValues: {
    foreign: {
      v1: ["1", "send_proxy", "proxy_v1", "version1"],
      v2: ["2", "send_proxy_v2", "proxy_v2", "version2", "true", "on", "yes"],
    },
    later: [],
  },
  ioValues: {
    foreign: { uring: ["io_uring", "iouring", "true", "on"], epoll: ["poll", "false", "off"] },
    later: [],
  },
  hardeningValues: {
    foreign: { on: ["true", "yes", "enabled"], off: ["false", "no", "none", "disabled"] },
    later: [],
  },
  levelValues: {
    foreign: { debug: ["trace"], info: ["notice"], warn: ["warning"], error: ["err", "fatal"] },
    later: [],
  },
  formatValues: { foreign: { text: ["plain", "console", "pretty"] }, later: [] },
} as const satisfies Record<string, Vocabulary>;
