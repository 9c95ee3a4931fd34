/**
 * Every bound of the data plane, in one place, with the relations between them asserted below.
 *
 * A limit is a promise: memory is bounded by construction, because each queue, pool and table
 * below has a size, reaching it pauses the source or refuses, and is counted (the counter is
 * named at each limit). What a user may change is in the configuration; this is what holds anyway.
 */
import { assert } from "./base/assert.ts";

/** Submission entries of a worker's ring; the queue is flushed when full, so this is not a cap. */
export const SUBMISSIONS_MAX = 512;

/** Accepts that a listener keeps armed: new connections taken per turn without another wait. */
export const ACCEPTS_ARMED_MAX = 32;

/**
 * Connections that the kernel may hold for a listening socket before they are accepted, unless the
 * file says otherwise; its own maximum (net.core.somaxconn) is as large.
 */
export const BACKLOG_DEFAULT = 4096;

/**
 * The fast lane: buffers handed to the kernel for multishot receives. Large, because the size of a
 * receive is what makes bulk cheap; few are offered at a time, because they take turns (the
 * kernel's list is first in, first out) and a small set stays in the cache. The rest wait as a
 * reserve: a burst that finds too few offered doubles the offer (receives_starved_total), and what
 * was not needed for a while is taken back by halves.
 */
export const FAST_BUFFER_BYTES = 256 * 1024;
export const FAST_BUFFERS_MAX = 256;
export const FAST_BUFFERS_OFFERED = 16;
export const OFFER_NARROW_MS = 1000;

/**
 * The gated lane: used by a tunnel once the fast lane has run dry (counted as
 * receives_starved_total), and only after its destination said that it can take data. So these
 * buffers come back within the turn, however many peers never read.
 */
export const GATED_BUFFER_BYTES = 16 * 1024;
export const GATED_BUFFERS_MAX = 256;

/** A tunnel returns to the fast lane when this many of its buffers are free again. */
export const FAST_BUFFERS_RECOVERED = FAST_BUFFERS_MAX / 2;

/**
 * The datagram lane: what listeners and flows of UDP receive. A buffer has room for the largest
 * datagram there is and what comes with it, because the rest of one that does not fit is lost. Its
 * own lane, so that no stuck reader of TCP holds what a datagram needs.
 */
export const DATAGRAM_BUFFER_BYTES = 68 * 1024;
export const DATAGRAM_BUFFERS_MAX = 256;
export const DATAGRAM_BUFFERS_OFFERED = 32;
/** Payload of the largest datagram: IPv6 without its header; IPv4 has 20 bytes less. */
export const DATAGRAM_BYTES_MAX = 65_527;

/**
 * One receive operation takes at most this many bytes before it must be asked for again: the most
 * by which a queue can exceed its high mark.
 */
export const RECEIVE_ALLOWANCE_BYTES = 256 * 1024;

/** Bytes waiting for one destination: reading pauses at the high mark (receive_pauses_total). */
export const QUEUE_BYTES_HIGH = 128 * 1024;
/** and goes on at the low mark. */
export const QUEUE_BYTES_LOW = 32 * 1024;

/** Bytes of a send that waits for room in its socket: progress shows after each. */
export const SEND_BYTES_MAX = 32 * 1024;

/** Deadlines handled in one turn. */
export const EXPIRIES_PER_TURN_MAX = 1024;

/**
 * Bytes of datagrams sent to servers lately, kept for those that meet a closed port. More than all
 * sends between two calls can fill: what was kept last is still there when its send is submitted.
 */
export const JOURNAL_BYTES = 2 << 20;
/** Larger ones are not kept: bulk, whose sender waits for an answer and sends it again. */
export const JOURNAL_DATAGRAM_BYTES_MAX = 2048;
/** Flows of a worker, whatever the limit of open files says: sizes the state arrays. */
export const FLOWS_MAX = 1 << 17;
/** Free slots at which each new flow costs an old one its place: as many as a turn can bring. */
export const FLOWS_HEADROOM = 512;
/** While draining a flow ends that rested so long; who still speaks gets the time that is left. */
export const FLOW_DRAIN_MS = 1000;
/** A server whose port was closed is passed over for so long, if there is another one. */
export const UNREACHABLE_MS = 5000;
/** What a socket of a UDP listener may hold in either direction, unless the file says otherwise. */
export const DATAGRAM_SOCKET_BYTES = 4 << 20;

/** And what the socket of a flow may hold whose answers are not counted. */
export const FLOW_SOCKET_BYTES = 1 << 20;

/** Clients that a limit per client can tell apart at a time, in a table of a worker or listener. */
export const SHARED_CLIENTS = 1 << 14;
/** Floats of a worker's table of QUIC connection ids: the 16382 learned last, more or less. */
export const QUIC_DIRECTORY_FLOATS = 16_384;

/** Bytes looked at for a PROXY header or a ClientHello: what a buffer of the gated lane holds. */
export const PEEK_BYTES_MAX = GATED_BUFFER_BYTES;
/** A socket that cannot wake us for more of a header is looked at so often, then ever less. */
export const PEEK_AGAIN_MS = 20;
export const PEEK_AGAIN_MS_MAX = 640;
/** How long after a cut a worker may still wait for what it has cancelled. */
export const CUT_GRACE_MS = 2000;

/** Open files a process keeps for itself: ring, pipes, runtime; listeners come on top. */
export const FDS_RESERVED = 64;

/** Tunnels of a worker, whatever the limit of open files says: sizes the state arrays. */
export const TUNNELS_MAX = 1 << 18;

/** What a worker has room for. */
export interface Capacity {
  /** Two files each. */
  readonly tunnels: number;
  /** One file each. */
  readonly flows: number;
}

/**
 * Room within the limit of open files, besides what a worker needs itself. Where there are
 * listeners of both kinds each gets half of the files: a flood of one must not starve the other.
 */
export function capacityWithin(fdsMax: number, tcpSockets: number, udpSockets: number): Capacity {
  const files = Math.max(0, fdsMax - FDS_RESERVED - tcpSockets - udpSockets);
  const shares = tcpSockets > 0 && udpSockets > 0 ? 2 : 1;
  const share = Math.floor(files / shares);
  return {
    tunnels: tcpSockets > 0 ? Math.min(TUNNELS_MAX, share >> 1) : 0,
    flows: udpSockets > 0 ? Math.min(FLOWS_MAX, share) : 0,
  };
}

/**
 * Open files without which nothing starts: the supervisor holds the sockets of all workers, and a
 * worker needs room for a connection at each of its own.
 */
export function filesNeeded(sockets: number, workers: number): number {
  return FDS_RESERVED + sockets * Math.max(3, workers);
}

/** Servers tried for one connection: the first and `retries` more. */
export const ATTEMPTS_MAX = 11;

/** A worker with connections that wait for a place looks so often whether there is one. */
export const PENDING_LOOK_MS = 2;
/** A worker that has not turned for so long loses its turn to those of others that wait. */
export const PENDING_STALLED_MS = 100;

/** A connection that is moved to another server has rested for so long. */
export const QUIET_MS = 100;
/** A latency is taken for no longer than this: some protocols never answer. */
export const LATENCY_MS_MAX = 10_000;

/** How often a worker looks whether it is overloaded. */
export const OVERLOAD_LOOK_MS = 250;
/** While it is, a connection may rest for one part in so many of its idle timeout. */
export const OVERLOAD_IDLE_PARTS = 10;

/** Workers that shared memory has rows for. */
export const WORKERS_MAX = 256;

/** A worker turns at least this often, which is what its heartbeat promises. */
export const TURN_WAIT_MS_MAX = 500;
/** A worker whose heartbeat is older than this is replaced. */
export const HEARTBEAT_MS_MAX = 4000;

/** How long workers go on accepting when their supervisor is gone, before they drain away. */
export const ORPHAN_ACCEPT_MS = 5000;

/** Accepting rests this long after the process has run out of fds (accept_pauses_total). */
export const ACCEPT_PAUSE_MS = 100;

/** Lines of log a worker may write per second; what is more is counted (log_dropped_total). */
export const LOG_LINES_PER_SECOND = 20;
/** A line of the worker's pipe; at most PIPE_BUF, so that it is written whole or not at all. */
export const LOG_LINE_BYTES_MAX = 4000;

/** Bytes read at once from the supervisor's pipe. */
export const CONTROL_BYTES_MAX = 4096;

assert(FAST_BUFFERS_OFFERED <= FAST_BUFFERS_MAX, "the reserve is what is not offered");
assert(RECEIVE_ALLOWANCE_BYTES >= FAST_BUFFER_BYTES, "a receive may fill a buffer");
assert(
  FAST_BUFFERS_MAX + GATED_BUFFERS_MAX + DATAGRAM_BUFFERS_MAX <= 65536,
  "buffer ids are 16 bits wide",
);
assert(DATAGRAM_BUFFERS_MAX <= FLOWS_HEADROOM, "a turn opens no more flows than there are slots");
assert(DATAGRAM_BYTES_MAX + 1024 < DATAGRAM_BUFFER_BYTES, "no datagram is cut by its buffer");
assert(QUEUE_BYTES_LOW < QUEUE_BYTES_HIGH, "a queue resumes below the mark that paused it");
assert(TURN_WAIT_MS_MAX * 4 < HEARTBEAT_MS_MAX, "a late turn is not a stuck worker");
assert(PENDING_LOOK_MS * 10 < PENDING_STALLED_MS, "who waits turns often enough to be believed");
assert((FAST_BUFFERS_MAX & (FAST_BUFFERS_MAX - 1)) === 0, "buffer rings are powers of two");
assert(
  (DATAGRAM_BUFFERS_MAX & (DATAGRAM_BUFFERS_MAX - 1)) === 0,
  "buffer rings are powers of two",
);
assert((JOURNAL_BYTES & (JOURNAL_BYTES - 1)) === 0, "the journal wraps by a mask");
assert(
  SUBMISSIONS_MAX * (JOURNAL_DATAGRAM_BYTES_MAX + 64) < JOURNAL_BYTES,
  "what is kept outlives its submission",
);
assert((GATED_BUFFERS_MAX & (GATED_BUFFERS_MAX - 1)) === 0, "buffer rings are powers of two");
