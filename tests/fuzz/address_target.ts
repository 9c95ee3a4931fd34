/**
 * The promises of addresses: no text makes parsing throw, what is accepted is written in one way
 * only and read back as the same, and what is refused is told why in words that fit on a line.
 */
import {
  formatHostPort,
  formatIp,
  parseBind,
  parseIp,
  parseServerAddress,
} from "../../src/net/address.ts";
import { promise } from "./target.ts";

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

export const ADDRESS_WORDS = [
  ...[":", "::", ".", "[", "]", "%", "/", "://", "-", "_", "*", ",", "@", "$", " ", "0", "00"],
  ...["80", "8080", "65535", "65536", "10.0.0.1", "255", "256", "ffff", "::1", "::ffff:1.2.3.4"],
  ...["fe80::1%eth0", "[::]:443", "localhost", "a.b-c_d", "xn--bcher-kva", "0x7f", "constructor"],
];

export function runAddress(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  for (const parse of [parseBind, parseServerAddress]) {
    const parsed = parse(text);
    if (!parsed.ok) {
      const { message, hint = "" } = parsed.problem;
      promise(message !== "" && !UNPRINTABLE.test(message + hint), "told in words");
      continue;
    }
    const { host, port } = parsed.value;
    promise(port >= 0 && port <= 65535, "a port");
    const again = parse(formatHostPort(host, port));
    promise(again.ok && again.value.host === host && again.value.port === port, "one form");
  }
  const ip = parseIp(text);
  if (ip !== null) promise(String(parseIp(formatIp(ip))) === String(ip), "the same address");
}
