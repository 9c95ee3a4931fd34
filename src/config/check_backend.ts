/**
 * Keys of one backend that need each other, and what its servers and the listeners that use it have
 * to agree on: a backend is written once, and may be used by listeners of several protocols.
 *
 * A backend for TCP and UDP at once is fine (DNS is asked over both), as long as each listener can
 * work with what is written. So an error names the listener that cannot. Hashing, health,
 * resilience and priorities have files of their own.
 */
import { quoteText } from "../base/quoted_text.ts";
import { isUnixLike } from "../net/address.ts";
import { checkHashing } from "./check_hashing.ts";
import { checkHealth } from "./check_health.ts";
import { tcpKeysOf } from "./check_listener.ts";
import { checkPriorities } from "./check_priorities.ts";
import { checkResilience } from "./check_resilience.ts";
import { childOf, type ConfigTree, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import {
  addressOf,
  describeUser,
  holds,
  itemsOf,
  type ListenerTree,
  serversOf,
} from "./listener_tree.ts";
import { parseDemoAddress } from "./server_name.ts";

/** @param users the listeners that use the backend. */
export function checkBackend(
  backend: ConfigTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  if (backend.kind === "map") {
    checkHashing(backend, users, diagnostics);
    checkProxyProtocol(backend, users, diagnostics);
    checkSocket(backend, users, diagnostics);
    checkHealth(backend, diagnostics);
    checkResilience(backend, users, diagnostics);
  }
  checkPriorities(backend, diagnostics);
  checkServerKinds(backend, users, diagnostics);
}

function checkProxyProtocol(
  backend: MapTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const proxyProtocol = backend.entries.get("proxy_protocol");
  if (proxyProtocol === undefined) return;
  const udp = users.find(({ protocol }) => protocol === "udp");
  if (stringOf(proxyProtocol.value) === "v1" && udp !== undefined) {
    const message = `proxy_protocol: v1 is for connections only, ` +
      `and ${describeUser(udp)} uses this backend`;
    diagnostics.error(proxyProtocol.value.span, message, "write v2");
  }
  const servers = itemsOf(serversOf(backend));
  if (servers.some((server) => parseDemoAddress(stringOf(addressOf(server)) ?? "") !== null)) {
    const message = "proxy_protocol is sent to servers that expect it, and demo servers do not";
    diagnostics.error(proxyProtocol.keySpan, message, "remove proxy_protocol");
  }
}

function checkSocket(
  backend: MapTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  if (users.length === 0 || users.some(({ protocol }) => protocol !== "udp")) return;
  for (const [key, { keySpan }] of tcpKeysOf(childOf(backend, "socket"))) {
    const message = `${key} is an option of TCP, and only udp listeners use this backend`;
    diagnostics.error(keySpan, message, `remove ${key}`);
  }
}

/** Servers that cannot be reached in the way that is asked for. */
function checkServerKinds(
  backend: ConfigTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const isTransparent = holds(childOf(backend, "transparent"), true);
  const udp = users.find(({ protocol }) => protocol === "udp");
  for (const server of itemsOf(serversOf(backend))) {
    const address = addressOf(server);
    const text = stringOf(address);
    if (address === undefined || text === undefined) continue;
    const isDemo = parseDemoAddress(text) !== null;
    const isUnix = isUnixLike(text);
    const subject = `server ${quoteText(text)}`;
    if (udp !== undefined && (isDemo || isUnix)) {
      const what = isUnix ? "is a unix socket" : "speaks TCP only";
      const message = `${subject} ${what}, and ${describeUser(udp)} uses its backend`;
      diagnostics.error(address.span, message, "write the address of a UDP server, HOST:PORT");
    }
    if (isTransparent && isUnix) {
      const message = `transparent: true needs IP addresses, and ${subject} is a unix socket`;
      diagnostics.error(address.span, message, "remove transparent, or write HOST:PORT");
    }
  }
}
