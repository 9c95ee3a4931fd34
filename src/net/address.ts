/**
 * Addresses as text: IPv4, IPv6, `host:port` or the unix socket of a server, the bind forms of a
 * listener.
 *
 * Strict on purpose. What inet_aton(3) accepts beyond four decimal numbers (octal, hexadecimal,
 * fewer parts) has let the same text mean two machines to two programs, so none of it is read.
 * IPv6 follows RFC 4291 and is written as RFC 5952 has it, so that one address has one text and
 * comparing texts compares addresses. Zone ids (`fe80::1%eth0`) are not read: an interface's name
 * means nothing to another process.
 *
 * Nothing here resolves a name. A text that does not fit gives an `AddressProblem`, whose message
 * goes on where a subject ("bind", "address") left off.
 */
import { assert } from "../base/assert.ts";
import { quoteText } from "../base/quoted_text.ts";

export const PORT_MAX = 65535;

/** Ports of one range: each is a socket in every worker. */
export const PORT_RANGE_MAX = 1024;

/** Bytes of a path that a socket address has room for (unix(7): 108 with the final zero). */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where a listener accepts. */
export type Bind =
  | {
    readonly kind: "ip";
    /** IP literal without brackets; "" is every address, IPv4 and IPv6. */
    readonly host: string;
    /** 0 lets the kernel pick. */
    readonly port: number;
    /** Of a range; otherwise the same as `port`. */
    readonly lastPort: number;
  }
  | {
    readonly kind: "unix";
    /** Absolute. */
    readonly path: string;
  }
  | {
    readonly kind: "systemd";
    /** What the unit that holds the socket calls it (FileDescriptorName, systemd.socket(5)). */
    readonly name: string;
  };

/** Where a server is. */
export interface HostPort {
  /** IP literal in canonical form without brackets, or a host name in lower case. */
  readonly host: string;
  /** 1..65535. */
  readonly port: number;
}

export interface AddressProblem {
  /** A predicate: `has no port: "10.0.0.1"`. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly problem: AddressProblem;
};

const IPV4_PART = /^(0|[1-9][0-9]{0,2})$/;
const IPV6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV6_GROUPS = 8;

/** 4 bytes, or null. Four decimal numbers, none with a leading zero. */
export function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4 || !parts.every((part) => IPV4_PART.test(part))) return null;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : null;
}

/** 16 bytes, or null. Without brackets and without a zone id. */
export function parseIpv6(text: string): Uint8Array | null {
  // The longest form, eight groups of which two are written as IPv4, has 45 characters.
  if (text.length > 45 || !text.includes(":")) return null;
  const halves = text.split("::", 3);
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === null || tail === null) return null;
  const rest = tail ?? [];
  const missing = IPV6_GROUPS - head.length - rest.length;
  // "::" stands for at least one group; without it all eight are written.
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...rest];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** @param mayEndInIpv4 whether this is the end of the address, where `::ffff:1.2.3.4` has IPv4. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4 !== null) groups.push(ipv4[0] << 8 | ipv4[1], ipv4[2] << 8 | ipv4[3]);
    else if (IPV6_GROUP.test(part)) groups.push(parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** The 4 or 16 bytes of an IP literal without brackets; null for anything else. */
export function parseIp(text: string): Uint8Array | null {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** The canonical text of 4 or 16 bytes (RFC 5952: lower case, the longest run of zeros as `::`). */
export function formatIp(bytes: Uint8Array): string {
  assert(bytes.length === 4 || bytes.length === 16, "an IP address has 4 or 16 bytes");
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: IPV6_GROUPS },
    (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1],
  );
  // RFC 5952 section 5: IPv4-mapped addresses show their IPv4 part.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join(".")}`;
  }
  let runStart = -1;
  // One zero group alone is written out.
  let runLength = 1;
  for (let start = 0; start < IPV6_GROUPS; start++) {
    let end = start;
    while (end < IPV6_GROUPS && groups[end] === 0) end++;
    if (end - start > runLength) [runStart, runLength] = [start, end - start];
  }
  const texts = groups.map((group) => group.toString(16));
  if (runStart < 0) return texts.join(":");
  return `${texts.slice(0, runStart).join(":")}::${texts.slice(runStart + runLength).join(":")}`;
}

/** `host:port`, an IPv6 literal in brackets; an empty host gives `:port`. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * RFC 1123 names and, as DNS allows and containers use, underscores. The last label is no number,
 * decimal or hexadecimal: such a text is a mistyped IPv4 address, or one that a resolver reads as
 * inet_aton(3) does.
 */
const HOST_LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const NUMBER_LABEL = /^([0-9]+|0[xX][0-9A-Fa-f]*)$/;
const HOST_LENGTH_MAX = 253;

export function isHostName(text: string): boolean {
  const name = text.replace(/\.$/, "");
  if (name.length > HOST_LENGTH_MAX) return false;
  const labels = name.split(".");
  return labels.every((label) => HOST_LABEL.test(label)) && !NUMBER_LABEL.test(labels.at(-1)!);
}

/** What stands for an address elsewhere. */
const BIND_WORDS = new Map([["*", ""], ["localhost", "127.0.0.1"]]);

/**
 * The forms `:8080`, `10.0.0.1:443` and `[::1]:443`, in which port 0 is allowed; the same with a
 * range of ports, `:8000-8010`; `unix:/path`; `systemd:NAME`.
 */
export function parseBind(text: string): Parsed<Bind> {
  if (/^[0-9]{1,5}$/.test(text)) {
    return refuse(`must be an address, found ${quoteText(text)}`, `write ":${text}"`);
  }
  if (isUnixLike(text)) {
    const path = parseUnixPath(text);
    return path.ok ? accept({ kind: "unix", path: path.value }) : path;
  }
  if (text.startsWith("systemd:")) return parseSystemd(text);
  const loose = LOOSE_RANGE.exec(text);
  if (loose !== null) {
    const hint = `write ${quoteText(`${loose[1]}${loose[2]}-${loose[3]}`)}`;
    return refuse(`has a range of ports in another form: ${quoteText(text)}`, hint);
  }
  const parts = splitHostPort(text, ":8080");
  if (!parts.ok) return parts;
  const { host, portText } = parts.value;
  const ports = parsePorts(portText, text);
  if (!ports.ok) return ports;
  if (host === "") return accept({ kind: "ip", host: "", ...ports.value });
  const bytes = parseIp(host);
  if (bytes === null) {
    const literal = BIND_WORDS.get(host.toLowerCase());
    const hint = literal === undefined
      ? explainIp(host) ?? 'a listener binds an IP address; ":PORT" is all of them'
      : `write ${quoteText(`${literal}:${portText}`)}`;
    return refuse(`has no valid IP address: ${quoteText(host)}`, hint);
  }
  return accept({ kind: "ip", host: formatIp(bytes), ...ports.value });
}

/** A range of ports that is not written as "FIRST-LAST". */
const LOOSE_RANGE =
  /^([^\s,]*:)\s*([0-9]{1,5})(?:\s*(?:\u2013|\.\.\.?|\bto\b)\s*|\s*-\s+|\s+-)([0-9]{1,5})$/;

/** The text that `parseBind` reads as `bind`. */
export function formatBind(bind: Bind): string {
  if (bind.kind === "unix") return `unix:${bind.path}`;
  if (bind.kind === "systemd") return `systemd:${bind.name}`;
  const first = formatHostPort(bind.host, bind.port);
  return bind.lastPort === bind.port ? first : `${first}-${bind.lastPort}`;
}

const SYSTEMD_NAME = /^[A-Za-z0-9._-]{1,255}$/;

function parseSystemd(text: string): Parsed<Bind> {
  const name = text.slice("systemd:".length);
  if (SYSTEMD_NAME.test(name)) return accept({ kind: "systemd", name });
  const hint = "the FileDescriptorName= of the socket unit: letters, digits and . _ -";
  return refuse(`has no valid name of a socket after systemd: ${quoteText(text)}`, hint);
}

/** A port, or the first and last of a range. */
function parsePorts(
  portText: string,
  text: string,
): Parsed<{ readonly port: number; readonly lastPort: number }> {
  const range = /^([0-9]+)-([0-9]+)$/.exec(portText);
  if (range === null) {
    const port = parsePort(portText, 0);
    return port.ok ? accept({ port: port.value, lastPort: port.value }) : port;
  }
  const [first, last] = [parsePort(range[1], 0), parsePort(range[2], 0)];
  if (!first.ok) return first;
  if (!last.ok) return last;
  const [port, lastPort] = [first.value, last.value];
  const shown = `the port range ${quoteText(portText)}`;
  if (port === 0) {
    const hint = "port 0 lets the kernel pick one, and is no part of a range";
    return refuse(`has ${shown}, which begins with 0`, hint);
  }
  const host = text.slice(0, -portText.length);
  if (port === lastPort) {
    return refuse(`has ${shown} of one port`, `write ${quoteText(`${host}${port}`)}`);
  }
  if (port > lastPort) {
    const hint = `write ${quoteText(`${host}${lastPort}-${port}`)}`;
    return refuse(`has ${shown}, whose first port is above its last`, hint);
  }
  const count = lastPort - port + 1;
  if (count <= PORT_RANGE_MAX) return accept({ port, lastPort });
  return refuse(
    `has ${shown} of ${count} ports; at most ${PORT_RANGE_MAX} are allowed`,
    "each port is a socket in every worker",
  );
}

/** `unix:` and what stands for it elsewhere. */
const UNIX_PREFIX = /^(unix[:@](?:\/\/(?=\/))?|(?=\/)|(?=\.{1,2}\/)|abns@)/i;

/** Whether `text` was meant as the path of a socket, so that `parseUnixPath` may judge it. */
export function isUnixLike(text: string): boolean {
  return UNIX_PREFIX.test(text);
}

/** The absolute path in `unix:/path`. */
export function parseUnixPath(text: string): Parsed<string> {
  const prefix = UNIX_PREFIX.exec(text)?.[0] ?? "";
  const path = text.slice(prefix.length);
  if (/^[@\0]/.test(path) || /^abns/i.test(prefix)) {
    return refuse(
      `names an abstract socket: ${quoteText(text)}`,
      'write a path such as "unix:/run/app.sock", which has permissions',
    );
  }
  if (!path.startsWith("/") || path.endsWith("/")) {
    const hint = path.endsWith("/") ? 'a path that ends in "/" is a folder' : undefined;
    return refuse(`must be an absolute path after "unix:", found ${quoteText(text)}`, hint);
  }
  if (/\p{Cc}/u.test(path)) {
    return refuse(`has a control character in its path: ${quoteText(text)}`);
  }
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    const message = `has a path of ${bytes} bytes; at most ${SOCKET_PATH_BYTES_MAX} are allowed`;
    return refuse(message, "use a shorter path: the kernel has room for no more");
  }
  if (prefix === "unix:") return accept(path);
  const hint = `write ${quoteText(`unix:${path}`)}`;
  return refuse(`must be written as "unix:/path", found ${quoteText(text)}`, hint);
}

/** The forms `10.0.0.1:80`, `[::1]:80` and `name:80`. */
export function parseServerAddress(text: string): Parsed<HostPort> {
  const range = /^[^\s/]*:[0-9]+-[0-9]+$/.test(text);
  if (range) return refuse(`has a range of ports: ${quoteText(text)}`, "write one server per port");
  const parts = splitHostPort(text, "10.0.0.1:80");
  if (!parts.ok) return parts;
  const { host, portText } = parts.value;
  const port = parsePort(portText, 1);
  if (!port.ok) return port;
  const bytes = parseIp(host);
  if (bytes !== null) return accept({ host: formatIp(bytes), port: port.value });
  if (host === "") {
    return refuse(`has no host: ${quoteText(text)}`, `write ${quoteText(`127.0.0.1${text}`)}`);
  }
  if (!isHostName(host)) {
    const hint = explainIp(host);
    const noun = hint === undefined ? "IP address or host name" : "IP address";
    return refuse(`has no valid ${noun}: ${quoteText(host)}`, hint ?? explainHostName(host));
  }
  return accept({ host: host.toLowerCase(), port: port.value });
}

/** What is wrong with a text that was meant as an IP address; undefined when it hardly was. */
function explainIp(host: string): string | undefined {
  if (NUMBER_LABEL.test(host.slice(host.lastIndexOf(".") + 1))) {
    return "IPv4 is four decimal numbers from 0 to 255, without zeros in front";
  }
  return /[[\]%]/.test(host) ? 'IPv6 is written as "[2001:db8::1]:PORT"' : undefined;
}

function explainHostName(host: string): string | undefined {
  if (host.includes("*")) return "a server is one machine; there are no wildcards here";
  return "a host name has letters, digits, - and _, parted by dots";
}

/** Cuts at the colon before the port, takes brackets off, and knows the usual slips. */
function splitHostPort(
  text: string,
  example: string,
): Parsed<{ readonly host: string; readonly portText: string }> {
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(text);
  if (scheme !== null) {
    const hint = scheme[1] === "" ? undefined : `write ${quoteText(scheme[1])}`;
    return refuse(`takes no scheme, found ${quoteText(text)}`, hint);
  }
  if (/^[^,\s]*:[0-9]+(,|\s+\S)/.test(text)) {
    return refuse(
      `holds more than one address: ${quoteText(text)}`,
      "write them one by one, as a list",
    );
  }
  if (/\s/.test(text)) return refuse(`holds a blank: ${quoteText(text)}`, "remove it");
  const path = /^(.*:[0-9]+)\//.exec(text);
  if (path !== null) {
    return refuse(`takes no path, found ${quoteText(text)}`, `write ${quoteText(path[1])}`);
  }
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host, portText] = bracketed;
    if (parseIpv6(host) === null) {
      const hint = explainBrackets(host, portText);
      return refuse(`has no valid IPv6 address in its brackets: ${quoteText(text)}`, hint);
    }
    return portText === undefined ? refuseWithoutPort(text, text) : accept({ host, portText });
  }
  const halfBracketed = /^\[([0-9A-Fa-f:.]+)\]?([0-9]*)$/.exec(text);
  if (halfBracketed !== null) {
    const [, host, port] = halfBracketed;
    const hint = parseIpv6(host) === null ? undefined : `write "[${host}]:${port || "PORT"}"`;
    return refuse(`is not of the form "[IPv6]:PORT": ${quoteText(text)}`, hint);
  }
  const colon = text.lastIndexOf(":");
  // 2001:db8::1:80 is an address as a whole, but whoever writes it means the port 80.
  if (parseIpv6(text) !== null && parseIpv6(text.slice(0, colon)) === null) {
    return refuseWithoutPort(text, `[${text}]`);
  }
  if (colon < 0) {
    if (text === "" || /^[0-9]+$/.test(text)) {
      return refuse(`must be an address such as ${quoteText(example)}, found ${quoteText(text)}`);
    }
    return refuseWithoutPort(text, text);
  }
  const host = text.slice(0, colon);
  const portText = text.slice(colon + 1);
  if (/^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%.*)?$/.test(host)) {
    const hint = parseIpv6(host) === null
      ? undefined
      : `write ${quoteText(`[${host}]:${portText}`)}`;
    return refuse(`has an IPv6 address without brackets: ${quoteText(text)}`, hint);
  }
  if (host.includes(":")) return refuse(`has more than one port: ${quoteText(text)}`);
  return accept({ host, portText });
}

function explainBrackets(host: string, portText: string | undefined): string | undefined {
  if (host.includes("%")) return "interface names (%eth0) are not read";
  const known = parseIpv4(host) !== null || isHostName(host);
  return known ? `write ${quoteText(`${host}:${portText ?? "PORT"}`)}` : undefined;
}

function refuseWithoutPort(text: string, host: string): Parsed<never> {
  return refuse(`has no port: ${quoteText(text)}`, `write ${quoteText(`${host}:PORT`)}`);
}

function parsePort(text: string, least: number): Parsed<number> {
  const port = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : -1;
  if (port >= least && port <= PORT_MAX) return accept(port);
  const variable = /^\$\{?(\w+)\}?$/.exec(text)?.[1];
  const hint = variable === undefined ? undefined : `a variable is written as "\${${variable}}"`;
  const message = `has port ${quoteText(text)}; a port is a number from ${least} to ${PORT_MAX}`;
  return refuse(message, hint);
}

function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function refuse(message: string, hint?: string): Parsed<never> {
  return { ok: false, problem: hint === undefined ? { message } : { message, hint } };
}
