/**
 * What can be wrong with a ClientHello, each once: its number for counters, its text for the log,
 * and the alert that its client is told (RFC 8446 section 6.2).
 *
 * The alerts follow one rule. What cannot be taken apart, because a length is wrong or out of its
 * range, is a decode_error. What can, but holds a value that must not be there, is an
 * illegal_parameter; so a server name that is no host name is one. What does not belong here at all
 * is an unexpected_message.
 */
import {
  DECODE_ERROR,
  ILLEGAL_PARAMETER,
  PROTOCOL_VERSION,
  RECORD_OVERFLOW,
  UNEXPECTED_MESSAGE,
} from "./tls_alert.ts";

const texts: string[] = [];
const alerts: number[] = [];

function define(alert: number, text: string): number {
  alerts.push(alert);
  return texts.push(text) - 1;
}

export const NOT_TLS = define(UNEXPECTED_MESSAGE, "does not begin as TLS");
export const RECORD_VERSION = define(PROTOCOL_VERSION, "record of no known TLS version");
export const RECORD_TYPE = define(UNEXPECTED_MESSAGE, "another record within the ClientHello");
export const RECORD_EMPTY = define(DECODE_ERROR, "empty record within the ClientHello");
export const RECORD_TOO_LONG = define(RECORD_OVERFLOW, "record longer than TLS allows");
export const NOT_CLIENT_HELLO = define(UNEXPECTED_MESSAGE, "handshake without a ClientHello");
export const HELLO_TOO_LONG = define(ILLEGAL_PARAMETER, "ClientHello too long");
export const HELLO_GOES_ON = define(UNEXPECTED_MESSAGE, "record goes on after the ClientHello");
export const HELLO_VERSION = define(PROTOCOL_VERSION, "ClientHello of no known TLS version");
export const HELLO_LENGTHS = define(DECODE_ERROR, "lengths within the ClientHello do not add up");
export const SESSION_ID = define(DECODE_ERROR, "session id longer than 32 bytes");
export const CIPHER_SUITES = define(DECODE_ERROR, "no whole list of cipher suites");
export const COMPRESSION = define(DECODE_ERROR, "no compression method");
export const EXTENSION_TWICE = define(ILLEGAL_PARAMETER, "server_name or ALPN stands twice");
export const SERVER_NAME_LIST = define(DECODE_ERROR, "malformed server_name extension");
export const SERVER_NAME_TWICE = define(ILLEGAL_PARAMETER, "more than one server name");
export const SERVER_NAME = define(ILLEGAL_PARAMETER, "server name is not a host name");
export const ALPN_LIST = define(DECODE_ERROR, "malformed ALPN extension");

/** Texts by number: what follows on "refused:". */
export const VIOLATIONS: readonly string[] = texts;
/** Alert descriptions by number. */
export const VIOLATION_ALERTS: readonly number[] = alerts;
