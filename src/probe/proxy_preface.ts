/**
 * The PROXY header of a check: one that says that the connection is the sender's own. A server that
 * expects the header of a client would otherwise close on every check.
 */
import type { ProxyProtocol } from "../config/config.ts";
import {
  PROXY_V2_BYTES_MAX,
  ProxyExtras,
  writeProxyV1,
  writeProxyV2,
} from "../proxy_protocol/proxy_header_writer.ts";

/** UNKNOWN of version 1, LOCAL of version 2. */
export function makePreface(version: ProxyProtocol): Uint8Array {
  const bytes = new Uint8Array(PROXY_V2_BYTES_MAX);
  const none = new Int32Array(0);
  const length = version === "v1"
    ? writeProxyV1(bytes, 0, none, 0, 0, none, 0, 0, false)
    : writeProxyV2(bytes, 0, none, 0, 0, none, 0, 0, false, true, new ProxyExtras());
  return bytes.slice(0, length);
}
