/**
 * The fatal alert with which a client is told that its ClientHello leads nowhere: seven bytes in
 * the clear, which every TLS client understands before anything was agreed on (RFC 8446 section 6).
 *
 * Whoever gets it shows a reason instead of "connection reset". Nothing else of TLS is ever sent by
 * a listener that passes TLS through, so there are only the alerts that are used here.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";

export const ALERT_RECORD_BYTES = 7;

export const UNEXPECTED_MESSAGE = 10;
export const RECORD_OVERFLOW = 22;
export const HANDSHAKE_FAILURE = 40;
export const ILLEGAL_PARAMETER = 47;
export const DECODE_ERROR = 50;
export const PROTOCOL_VERSION = 70;
/** RFC 6066 section 3: no route leads where the client wants to go. */
export const UNRECOGNIZED_NAME = 112;
/** RFC 7301 section 3.2: a route does, but not with what the client speaks. */
export const NO_APPLICATION_PROTOCOL = 120;

const CONTENT_TYPE_ALERT = 21;
const LEVEL_FATAL = 2;

/**
 * Writes the record at `at`.
 *
 * @param description one of the constants above.
 * @returns its length, `ALERT_RECORD_BYTES`.
 */
export function writeAlert(into: Uint8Array, at: number, description: number): number {
  assert(at >= 0 && at + ALERT_RECORD_BYTES <= into.length, "an alert has room");
  assert(description >= 0 && description <= 255, "an alert description is one byte");
  into[at] = CONTENT_TYPE_ALERT;
  // TLS 1.0 on the record: before a version is agreed on, this is what all clients take.
  into[at + 1] = 3;
  into[at + 2] = 1;
  into[at + 3] = 0;
  into[at + 4] = 2;
  into[at + 5] = LEVEL_FATAL;
  into[at + 6] = description;
  return ALERT_RECORD_BYTES;
}
