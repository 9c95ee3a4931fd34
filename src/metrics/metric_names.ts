/**
 * Every metric, spelled once: its name in the field's form `ringway_<noun>_<what>_<unit|total>`,
 * its kind and what it tells. The order inside a group is the order in shared memory, so that a
 * metric is also the index of its counter (see shared_state.ts).
 */
export interface Metric {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly help: string;
}

const counter = (name: string, help: string): Metric => ({ name, kind: "counter", help });
const gauge = (name: string, help: string): Metric => ({ name, kind: "gauge", help });

export const WORKER_METRICS: readonly Metric[] = [
  gauge("ringway_worker_heartbeat_milliseconds", "monotonic time of the last turn"),
  gauge("ringway_worker_state", "0 starting, 1 serving, 2 draining, 3 done"),
  counter("ringway_worker_turns_total", "turns of the loop, one system call each"),
  counter("ringway_worker_completions_total", "completions handled"),
  counter("ringway_worker_completions_stale_total", "completions of an older generation, dropped"),
  gauge("ringway_worker_tunnels_open", "tunnels of this worker"),
  gauge("ringway_worker_buffers_leased", "receive buffers held by tunnels and flows"),
  counter("ringway_worker_receives_starved_total", "receives that found their buffer lane dry"),
  counter("ringway_worker_receive_pauses_total", "reading paused at the queue's high mark"),
  counter("ringway_worker_accept_pauses_total", "accepting paused: out of fds or at a limit"),
  counter("ringway_worker_connect_timeouts_total", "connects that took longer than allowed"),
  counter("ringway_worker_idle_timeouts_total", "tunnels ended because nothing moved"),
  counter("ringway_worker_half_close_timeouts_total", "tunnels ended half closed"),
  counter("ringway_worker_resets_total", "tunnels ended by a reset, passed on as a reset"),
  counter("ringway_worker_tunnels_cut_total", "tunnels cut at the end of a drain"),
  counter("ringway_worker_log_dropped_total", "log lines not written: too many, or the pipe full"),
  counter("ringway_worker_bugs_total", "things that cannot happen, survived"),
  gauge("ringway_worker_flows_open", "flows of this worker"),
  counter("ringway_worker_flow_timeouts_total", "flows ended because nothing passed"),
  counter("ringway_worker_clients_uncounted_total", "clients for whom the table had no place"),
  gauge("ringway_worker_busy_ratio", "share of a core that the worker uses"),
  gauge("ringway_worker_shedding", "1 while new clients are refused for overload"),
  gauge("ringway_worker_io_uring", "1 when io_uring completes its operations, 0: epoll"),
];
export const HEARTBEAT = 0;
export const STATE = 1;
export const TURNS = 2;
export const COMPLETIONS = 3;
export const COMPLETIONS_STALE = 4;
export const TUNNELS_OPEN = 5;
export const BUFFERS_LEASED = 6;
export const RECEIVES_STARVED = 7;
export const RECEIVE_PAUSES = 8;
export const ACCEPT_PAUSES = 9;
export const CONNECT_TIMEOUTS = 10;
export const IDLE_TIMEOUTS = 11;
export const HALF_CLOSE_TIMEOUTS = 12;
export const RESETS = 13;
export const TUNNELS_CUT = 14;
export const LOG_DROPPED = 15;
export const BUGS = 16;
export const FLOWS_OPEN = 17;
export const FLOW_TIMEOUTS = 18;
export const CLIENTS_UNCOUNTED = 19;
export const BUSY = 20;
export const SHEDDING = 21;
export const IO_URING = 22;

export const LISTENER_METRICS: readonly Metric[] = [
  gauge("ringway_listener_connections_open", "connections or flows of clients now"),
  counter("ringway_listener_connections_total", "connections accepted, flows opened"),
  counter("ringway_listener_connections_refused_total", "closed: no server would take them"),
  counter("ringway_listener_limit_waits_total", "accepting paused at the connections limit"),
  counter("ringway_listener_accept_errors_total", "accepts that failed"),
  counter("ringway_listener_received_bytes_total", "bytes from clients"),
  counter("ringway_listener_sent_bytes_total", "bytes to clients"),
  counter("ringway_listener_denied_total", "refused by allow and deny lists"),
  counter("ringway_listener_client_limit_total", "refused: the client has its connections"),
  counter("ringway_listener_rate_limited_total", "refused: the listener's rate was used up"),
  counter("ringway_listener_client_rate_limited_total", "refused: the client's rate was used up"),
  counter("ringway_listener_untrusted_total", "refused: a PROXY header from whom none is believed"),
  counter("ringway_listener_proxy_header_errors_total", "refused: no valid PROXY header in time"),
  counter("ringway_listener_client_hello_errors_total", "refused: no valid ClientHello in time"),
  counter("ringway_listener_unrouted_total", "refused: no route and no default backend"),
  counter("ringway_listener_limited_total", "flows refused at a limit of connections"),
  counter("ringway_listener_datagrams_received_total", "datagrams from clients"),
  counter("ringway_listener_datagrams_sent_total", "datagrams to clients"),
  counter("ringway_listener_datagrams_dropped_total", "datagrams not passed on, either way"),
  counter("ringway_listener_flows_evicted_total", "flows ended to make room for others"),
  counter("ringway_listener_shed_total", "refused: the worker was overloaded"),
];
export const LISTENER_OPEN = 0;
export const LISTENER_CONNECTIONS = 1;
export const LISTENER_REFUSED = 2;
export const LISTENER_LIMIT_WAITS = 3;
export const LISTENER_ACCEPT_ERRORS = 4;
export const LISTENER_RECEIVED_BYTES = 5;
export const LISTENER_SENT_BYTES = 6;
export const LISTENER_DENIED = 7;
export const LISTENER_CLIENT_LIMIT = 8;
export const LISTENER_RATE_LIMITED = 9;
export const LISTENER_CLIENT_RATE_LIMITED = 10;
export const LISTENER_UNTRUSTED = 11;
export const LISTENER_PROXY_HEADER_ERRORS = 12;
export const LISTENER_CLIENT_HELLO_ERRORS = 13;
export const LISTENER_UNROUTED = 14;
export const LISTENER_LIMITED = 15;
export const LISTENER_DATAGRAMS_RECEIVED = 16;
export const LISTENER_DATAGRAMS_SENT = 17;
export const LISTENER_DATAGRAMS_DROPPED = 18;
export const LISTENER_FLOWS_EVICTED = 19;
export const LISTENER_SHED = 20;

export const SERVER_METRICS: readonly Metric[] = [
  gauge("ringway_server_connections_open", "connections to the server now, connecting ones too"),
  counter("ringway_server_connections_total", "connections established"),
  counter("ringway_server_connect_failures_total", "connects refused or failed, timeouts too"),
  counter("ringway_server_retries_total", "connects that went on to another server"),
  counter("ringway_server_resets_total", "connections that the server reset"),
  counter("ringway_server_sent_bytes_total", "bytes to the server"),
  counter("ringway_server_received_bytes_total", "bytes from the server"),
  counter("ringway_server_datagrams_sent_total", "datagrams to the server"),
  counter("ringway_server_datagrams_received_total", "datagrams from the server"),
];
export const SERVER_OPEN = 0;
export const SERVER_CONNECTIONS = 1;
export const SERVER_CONNECT_FAILURES = 2;
export const SERVER_RETRIES = 3;
export const SERVER_RESETS = 4;
export const SERVER_SENT_BYTES = 5;
export const SERVER_RECEIVED_BYTES = 6;
export const SERVER_DATAGRAMS_SENT = 7;
export const SERVER_DATAGRAMS_RECEIVED = 8;

export const BACKEND_METRICS: readonly Metric[] = [
  gauge("ringway_backend_pending", "connections that wait for a place at a server"),
  counter("ringway_backend_queue_timeouts_total", "refused: waited too long for a place"),
  counter("ringway_backend_pending_refused_total", "refused: too many waited already"),
  counter("ringway_backend_breaker_refused_total", "refused: the circuit breaker was open"),
  counter("ringway_backend_retries_refused_total", "not tried again: the retry budget was used up"),
  counter("ringway_backend_connections_total", "connections and flows that asked for a server"),
];
export const BACKEND_PENDING = 0;
export const BACKEND_QUEUE_TIMEOUTS = 1;
export const BACKEND_PENDING_REFUSED = 2;
export const BACKEND_BREAKER_REFUSED = 3;
export const BACKEND_RETRIES_REFUSED = 4;
export const BACKEND_CONNECTIONS = 5;

/** A line of connections that wait; a backend has one for each subset of its servers. */
export const LINE_METRICS: readonly Metric[] = [
  gauge("ringway_line_oldest_milliseconds", "monotonic time since when the first one waits, or 0"),
];
export const LINE_OLDEST = 0;
