/**
 * Bounds of a configuration: of what it may ask for, and of what is read at all.
 *
 * The first group sizes tables of the data plane (a listener has a socket in every worker, a server
 * a row in shared memory). The second keeps reading cheap whatever the file holds: it is checked
 * while reading, so that a hostile or damaged file costs milliseconds, not minutes. Each allows
 * several times what the largest configuration of the first group needs.
 */
import { ATTEMPTS_MAX } from "../limits.ts";
import { assert } from "../base/assert.ts";

export const LISTENERS_MAX = 128;
/** Forms of `bind` that one listener lists; each may be a range of ports. */
export const BINDS_MAX = 64;
/** Listening sockets of all listeners together, in each worker. */
export const SOCKETS_TOTAL_MAX = 4096;
/** Of one listener. */
export const ROUTES_MAX = 512;
/** Of all listeners together. */
export const ROUTES_TOTAL_MAX = 1024;
/** Server names, or protocols, of one route. */
export const MATCHES_MAX = 256;
/** Address ranges of one list, such as `allow`. */
export const RANGES_MAX = 4096;
/** Of all lists together. */
export const RANGES_TOTAL_MAX = 8192;
export const BACKENDS_MAX = 256;
/** Of one backend. */
export const SERVERS_MAX = 512;
/** Of all backends together. */
export const SERVERS_TOTAL_MAX = 1024;
export const WEIGHT_MAX = 256;
export const RETRIES_MAX = ATTEMPTS_MAX - 1;
/** Of limits of connections and flows; more than the fds of any process. */
export const CONNECTIONS_MAX = 1 << 24;
export const RATE_PER_SECOND_MAX = 1_000_000;
export const BACKLOG_MAX = 65_535;
/** TCP_KEEPIDLE and TCP_KEEPINTVL take no more (linux/tcp.h: MAX_TCP_KEEPIDLE). */
export const SOCKET_SECONDS_MAX = 32_767;
/** TCP_KEEPCNT takes no more (linux/tcp.h: MAX_TCP_KEEPCNT). */
export const KEEPALIVE_COUNT_MAX = 127;
export const SOCKET_BUFFER_BYTES_MIN = 4 * 1024;
export const SOCKET_BUFFER_BYTES_MAX = 64 * 1024 * 1024;
/** Responses after which a flow may end. */
export const RESPONSES_MAX = 65_535;
/** 24 days: the longest whole number of days whose milliseconds fit in 31 bits. */
export const DURATION_MS_MAX = 24 * 86_400_000;

/** Of the shortest interval of checks: what is faster measures the checks. */
export const CHECK_INTERVAL_MS_MIN = 10;
/** Checks in a row that a change of state takes. */
export const CHECKS_IN_A_ROW_MAX = 100;
export const CHECK_HEADERS_MAX = 32;
/** What a check sends, or looks for; of UDP it must fit in a datagram that is not divided. */
export const CHECK_TEXT_BYTES_MAX = 1024;
export const STATUSES_MAX = 32;
/** Of windows in which errors are counted; the counters are read every 100 ms. */
export const WINDOW_MS_MIN = 100;
export const ERRORS_MAX = 1000;
export const TRIALS_MAX = 1000;
/** Groups of preference are 0 to this. */
export const PRIORITY_MAX = 15;
/** Of one server, or asked for by one listener or route. */
export const LABELS_MAX = 32;
export const LOAD_FACTOR_MIN = 1.05;
export const LOAD_FACTOR_MAX = 10;
export const PENDING_DEFAULT = 128;

/** UTF-16 code units, which for what people write is bytes: 1 MiB. */
export const TEXT_LENGTH_MAX = 1 << 20;
/**
 * Lexical tokens of YAML, white space included: a server written over ten lines has about 80, a
 * route over three lines 40, an item of a list 5.
 */
export const TOKENS_MAX = 250_000;
/** Open collections, about two per level that a reader sees; the deepest key needs 15. */
export const DEPTH_MAX = 40;
/** Keys, list items and scalars after aliases were followed. */
export const VALUES_MAX = 50_000;

assert(SERVERS_MAX <= SERVERS_TOTAL_MAX, "one backend may not hold more than all together");
assert(ROUTES_MAX <= ROUTES_TOTAL_MAX, "one listener may not hold more than all together");
assert(RANGES_MAX <= RANGES_TOTAL_MAX, "one list may not hold more than all together");
assert(BINDS_MAX * LISTENERS_MAX >= SOCKETS_TOTAL_MAX, "sockets are bounded by their total");
assert(DURATION_MS_MAX < 2 ** 31, "durations fit in a signed 32-bit integer");
assert(
  SERVERS_TOTAL_MAX * 80 + ROUTES_TOTAL_MAX * 40 + RANGES_TOTAL_MAX * 5 < TOKENS_MAX,
  "the largest configuration can be read",
);
