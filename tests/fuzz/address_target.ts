/**
 * The promises of addresses: no text makes parsing throw, what is accepted is written in one way
 * only and read back as the same, and what is refused is told why in words that fit on a line.
 */
import {
  formatBind,
  formatHostPort,
  formatIp,
  parseBind,
  type Parsed,
  parseIp,
  parseServerAddress,
  parseUnixPath,
  PORT_RANGE_MAX,
} from "../../src/net/address.ts";
import { promise } from "./target.ts";

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

export const ADDRESS_WORDS = [
  ...[":", "::", ".", "[", "]", "%", "/", "://", "-", "_", "*", ",", "@", "$", " ", "0", "00"],
  ...["80", "8080", "65535", "65536", "10.0.0.1", "255", "256", "ffff", "::1", "::ffff:1.2.3.4"],
  ...["unix:", "unix:/", "systemd:", "web.socket", "80-90", ":1-1024", "@", "abns@", "to", ".."],
  ...["fe80::1%eth0", "[::]:443", "localhost", "a.b-c_d", "xn--bcher-kva", "0x7f", "constructor"],
];

export function runAddress(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  const bind = readOrRefuse(parseBind(text));
  if (bind !== null) {
    const again = parseBind(formatBind(bind));
    promise(again.ok && formatBind(again.value) === formatBind(bind), "one form of a bind");
    const ports = bind.kind === "ip" ? bind.lastPort - bind.port + 1 : 1;
    promise(ports >= 1 && ports <= PORT_RANGE_MAX, "a bounded range");
  }
  const server = readOrRefuse(parseServerAddress(text));
  if (server !== null) {
    const { host, port } = server;
    promise(port >= 1 && port <= 65535, "a port");
    const again = parseServerAddress(formatHostPort(host, port));
    promise(again.ok && again.value.host === host && again.value.port === port, "one form");
  }
  const path = readOrRefuse(parseUnixPath(text));
  promise(path === null || text === `unix:${path}`, "a path is taken as it is");
  const ip = parseIp(text);
  if (ip !== null) promise(String(parseIp(formatIp(ip))) === String(ip), "the same address");
}

function readOrRefuse<T>(parsed: Parsed<T>): T | null {
  if (parsed.ok) return parsed.value;
  const { message, hint = "" } = parsed.problem;
  promise(message !== "" && !UNPRINTABLE.test(message + hint), "told in words");
  return null;
}
