/**
 * Words that other balancers use for what keeps a backend working: checks, ejection, breakers,
 * queues. A part of vocabulary.ts, which says what is done with them.
 *
 * HAProxy writes most of them at a server, nginx too, Envoy in sections of a cluster, Caddy and
 * Traefik with a word in front (`health_uri`). So the same word is often known in two places.
 */
import type { Section, Vocabulary } from "./word_meaning.ts";

const KIND_ADVICE = "the kind is a key itself: path: /healthz for http, or tcp: true, grpc: true";

export const HEALTH_CHECK = {
  keys: [
    ...["tcp", "path", "grpc", "dns", "udp", "method", "host", "headers", "expect", "body"],
    ...["interval", "timeout", "rise", "fall", "fast_interval", "initial", "address", "port"],
  ],
  foreign: {
    tcp: ["tcp_check", "tcp_health_check", "tcpcheck", "tcpSocket", "connect"],
    path: [
      ...["uri", "url", "health_uri", "health_path", "http_check", "http_health_check", "httpchk"],
      ...["httpGet", "http", "request"],
    ],
    grpc: ["grpc_health_check", "grpc_service", "service", "service_name"],
    dns: ["query", "qname", "dns_check", "checkName", "domain"],
    udp: ["udp_check", "datagram"],
    method: ["verb", "health_method", "meth"],
    host: ["hostname", "authority", "vhost"],
    headers: ["header", "hdr", "health_headers", "request_headers_to_add"],
    expect: [
      ...["status", "statuses", "status_code", "expected_status", "expected_statuses", "match"],
      ...["health_status", "http_check_expect", "codes"],
    ],
    body: ["string", "rstring", "health_body", "expect_body", "response_body"],
    interval: ["inter", "period", "periodSeconds", "every", "health_interval", "check_interval"],
    timeout: ["health_timeout", "check_timeout", "timeout_check", "timeoutSeconds"],
    rise: [
      ...["passes", "health_passes", "healthy_threshold", "successes", "successThreshold"],
      "healthy",
    ],
    fall: [
      ...["fails", "health_fails", "unhealthy_threshold", "failures", "failureThreshold"],
      "unhealthy",
    ],
    fast_interval: ["fastinter", "downinter", "unhealthy_interval", "unhealthyInterval"],
    initial: ["init_state", "initial_state", "mandatory"],
    address: ["addr", "check_address"],
    port: ["health_port", "check_port"],
  },
  later: ["tls", "ssl", "check_ssl", "scheme", "send_proxy", "check_send_proxy"],
  instead: {
    ...{ tls: "tcp", ssl: "tcp", redis_check: "tcp", mysql_check: "tcp", pgsql_check: "tcp" },
    ...{ ldap_check: "tcp", smtpchk: "tcp", external_check: "tcp", command: "tcp", exec: "tcp" },
    ...{ https: "tcp", type: "tcp", kind: "tcp", mode: "tcp", protocol: "tcp", option: "tcp" },
  },
  advice: {
    redis_check: "write tcp: { send: 'PING\\r\\n', expect: PONG }",
    mysql_check: "write tcp: true",
    pgsql_check: "write tcp: true",
    ldap_check: "write tcp: true",
    smtpchk: "write tcp: { expect: '220' }",
    send: 'it belongs in "tcp" or "udp"',
    https: "checks have no TLS; tcp: true tells that the port answers",
    type: KIND_ADVICE,
    kind: KIND_ADVICE,
    mode: KIND_ADVICE,
    protocol: KIND_ADVICE,
    option: "write path: / for httpchk, tcp: true for tcp-check",
    external_check: "no program is run; what a program finds out can be told by agent_check",
    command: "no program is run; what a program finds out can be told by agent_check",
    exec: "no program is run; what a program finds out can be told by agent_check",
  },
} as const satisfies Section;

/** Of `tcp` and `udp` in a health check. */
export const EXCHANGE: Vocabulary = {
  foreign: {
    send: ["tcp_check_send", "send_binary", "request", "text", "payload", "query"],
    expect: ["receive", "match", "response", "tcp_check_expect", "string", "rstring", "answer"],
  },
  later: [],
};

export const AGENT_CHECK = {
  keys: ["port", "address", "send", "interval", "timeout"],
  foreign: {
    port: ["agent_port"],
    address: ["agent_addr", "addr", "host"],
    send: ["agent_send"],
    interval: ["agent_inter", "inter", "period"],
    timeout: ["timeout_check", "check_timeout"],
  },
  later: ["tls", "ssl"],
  advice: {
    rise: "what an agent says is believed at once",
    fall: "what an agent says is believed at once",
  },
} as const satisfies Section;

export const OUTLIER_DETECTION = {
  keys: ["errors", "window", "eject", "max_eject", "max_ejected"],
  foreign: {
    errors: [
      ...["max_fails", "error_limit", "consecutive_errors", "consecutive_5xx", "failures"],
      ...["consecutive_gateway_failure", "consecutive_local_origin_failure", "maxFailedAttempts"],
    ],
    window: ["interval", "fail_duration", "failureWindow", "failure_window"],
    eject: ["base_ejection_time", "fail_timeout", "ejection_time", "duration", "ban"],
    max_eject: ["max_ejection_time"],
    max_ejected: ["max_ejection_percent", "max_ejection"],
  },
  later: ["success_rate", "latency", "status", "unhealthy_status", "unhealthy_latency"],
} as const satisfies Section;

export const CIRCUIT_BREAKER = {
  keys: ["errors", "window", "connections", "open", "trials"],
  foreign: {
    errors: [
      ...["error_rate", "failure_ratio", "failure_rate", "error_percent", "threshold"],
      "expression",
    ],
    window: ["checkPeriod", "check_period", "interval", "period"],
    connections: ["volume", "minimum", "min_requests", "request_volume", "min_connections"],
    open: ["fallbackDuration", "fallback_duration", "sleep", "duration", "timeout"],
    trials: ["half_open", "half_open_requests", "recovery"],
  },
  later: ["latency", "status"],
  advice: {
    max_connections: 'that is "connections" in "limits" of the backend here',
    max_pending_requests: 'that is "pending" in "limits" of the backend here',
    max_retries: 'that is "retry_budget" of the backend here',
    thresholds: '"limits" of the backend bounds connections; a breaker opens on errors',
  },
} as const satisfies Section;

export const BACKEND_LIMITS = {
  keys: ["connections", "pending", "queue_timeout"],
  foreign: {
    connections: ["maxconn", "max_connections", "max_conns", "fullconn", "conns"],
    pending: ["maxqueue", "max_queue", "max_pending", "max_pending_requests", "queue"],
    queue_timeout: ["timeout_queue", "queue_wait", "timeout"],
  },
  later: ["requests", "max_requests"],
  advice: {
    max_retries: 'that is "retry_budget" of the backend here',
    connections_per_ip: 'that is in "limits" of a listener',
    connection_rate: 'that is in "limits" of a listener',
    connection_rate_per_ip: 'that is in "limits" of a listener',
  },
} as const satisfies Section;

export const REBALANCE = {
  keys: ["budget"],
  foreign: { budget: ["rate", "share", "percent", "percentage", "limit"] },
  later: [],
} as const satisfies Section;

function inBackend(section: string, key?: string): string {
  const outer = quote(section);
  return key === undefined
    ? `that is ${outer} of the backend here`
    : `that is ${quote(key)} in ${outer} of the backend here`;
}

function quote(word: string): string {
  return `"${word}"`;
}

/** What stands at a server elsewhere, and here at its backend. */
export const SERVER_ADVICE: Readonly<Record<string, string>> = {
  check: inBackend("health_check"),
  checks: inBackend("health_check"),
  health_check: inBackend("health_check"),
  healthcheck: inBackend("health_check"),
  inter: inBackend("health_check", "interval"),
  fastinter: inBackend("health_check", "fast_interval"),
  downinter: inBackend("health_check", "fast_interval"),
  rise: inBackend("health_check", "rise"),
  fall: inBackend("health_check", "fall"),
  init_state: inBackend("health_check", "initial"),
  port: 'write it in the address: "HOST:PORT"',
  agent_check: inBackend("agent_check"),
  agent_port: inBackend("agent_check", "port"),
  agent_addr: inBackend("agent_check", "address"),
  agent_send: inBackend("agent_check", "send"),
  agent_inter: inBackend("agent_check", "interval"),
  observe: inBackend("outlier_detection"),
  on_error: inBackend("outlier_detection"),
  outlier_detection: inBackend("outlier_detection"),
  error_limit: inBackend("outlier_detection", "errors"),
  max_fails: inBackend("outlier_detection", "errors"),
  fail_timeout: inBackend("outlier_detection", "eject"),
  slow_start: inBackend("slow_start"),
  slowstart: inBackend("slow_start"),
  on_down: inBackend("on_down"),
  on_marked_down: inBackend("on_down"),
  maxqueue: inBackend("limits", "pending"),
  limits: 'write connections: N for the server; "pending" is of the backend',
  send_proxy: inBackend("proxy_protocol"),
  send_proxy_v2: inBackend("proxy_protocol"),
  disabled: "a server of weight 0 gets nothing new",
  down: "a server of weight 0 gets nothing new",
};
