/**
 * What the proxy notes at a flow besides what the table knows: bits of FlowTable.flags, whose
 * lowest is ESTABLISHED.
 */

/** A receive is in flight on its socket. */
export const RECEIVING = 2;
/** The limit per client has counted it. */
export const COUNTED = 4;
/** It has moved here from a closed port, and its server has not answered yet. */
export const MOVED = 8;
/** Its server has yet to get a PROXY header. */
export const HEADER_DUE = 16;
/** Its path to the server, to the client, does not take bursts (segmented_sends.ts). */
export const NO_BURSTS_FORTH = 32;
export const NO_BURSTS_BACK = 64;
/** Something went to its server after the last answer. */
export const UNANSWERED = 128;
/** Its path to the server, to the client, has taken a burst. */
export const BURSTS_FORTH = 256;
export const BURSTS_BACK = 512;
