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
  gauge("ringway_worker_buffers_leased", "receive buffers held by tunnels"),
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

export const LISTENER_METRICS: readonly Metric[] = [
  gauge("ringway_listener_connections_open", "connections of clients now"),
  counter("ringway_listener_connections_total", "connections accepted"),
  counter("ringway_listener_connections_refused_total", "closed: no server would take them"),
  counter("ringway_listener_limit_waits_total", "accepting paused at the connections limit"),
  counter("ringway_listener_accept_errors_total", "accepts that failed"),
  counter("ringway_listener_received_bytes_total", "bytes from clients"),
  counter("ringway_listener_sent_bytes_total", "bytes to clients"),
];
export const LISTENER_OPEN = 0;
export const LISTENER_CONNECTIONS = 1;
export const LISTENER_REFUSED = 2;
export const LISTENER_LIMIT_WAITS = 3;
export const LISTENER_ACCEPT_ERRORS = 4;
export const LISTENER_RECEIVED_BYTES = 5;
export const LISTENER_SENT_BYTES = 6;

export const SERVER_METRICS: readonly Metric[] = [
  gauge("ringway_server_connections_open", "connections to the server now, connecting ones too"),
  counter("ringway_server_connections_total", "connections established"),
  counter("ringway_server_connect_failures_total", "connects refused or failed, timeouts too"),
  counter("ringway_server_retries_total", "connects that went on to another server"),
  counter("ringway_server_resets_total", "connections that the server reset"),
  counter("ringway_server_sent_bytes_total", "bytes to the server"),
  counter("ringway_server_received_bytes_total", "bytes from the server"),
];
export const SERVER_OPEN = 0;
export const SERVER_CONNECTIONS = 1;
export const SERVER_CONNECT_FAILURES = 2;
export const SERVER_RETRIES = 3;
export const SERVER_RESETS = 4;
export const SERVER_SENT_BYTES = 5;
export const SERVER_RECEIVED_BYTES = 6;
