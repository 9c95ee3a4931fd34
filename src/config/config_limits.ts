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
export const BACKENDS_MAX = 256;
/** Of one backend. */
export const SERVERS_MAX = 512;
/** Of all backends together. */
export const SERVERS_TOTAL_MAX = 1024;
export const WEIGHT_MAX = 256;
export const RETRIES_MAX = ATTEMPTS_MAX - 1;
/** A listener's own limit of connections; more than the fds of any process. */
export const CONNECTIONS_MAX = 1 << 24;
/** 24 days: the longest whole number of days whose milliseconds fit in 31 bits. */
export const DURATION_MS_MAX = 24 * 86_400_000;

/** UTF-16 code units, which for what people write is bytes: 1 MiB. */
export const TEXT_LENGTH_MAX = 1 << 20;
/** Lexical tokens of YAML, white space included; a server written over five lines has about 40. */
export const TOKENS_MAX = 100_000;
/** Open collections, about two per level that a reader sees; the deepest key needs 9. */
export const DEPTH_MAX = 40;
/** Keys, list items and scalars after aliases were followed. */
export const VALUES_MAX = 50_000;

assert(SERVERS_MAX <= SERVERS_TOTAL_MAX, "one backend may not hold more than all together");
assert(DURATION_MS_MAX < 2 ** 31, "durations fit in a signed 32-bit integer");
assert(SERVERS_TOTAL_MAX * 40 < TOKENS_MAX, "the largest configuration can be read");
