/**
 * PROXY protocol headers as the specification of HAProxy has them, written and read by the tests on
 * their own, so that the program's reading is not judged by itself. IPv4 and TCP unless said.
 */
import { type Handler, writeAll } from "../origin.ts";

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const FIXED_BYTES = 16;
const VERSION_2 = 0x20;
const CRC32C = 0x03;
const COMMANDS = { local: 0, proxy: 1 };
const FAMILIES = { tcp4: 0x11, udp4: 0x12, tcp6: 0x21, udp6: 0x22 };

export interface Ends {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

/** RFC 5737: addresses that nobody has. */
export const ENDS: Ends = { from: "198.51.100.7", fromPort: 4711, to: "203.0.113.1", toPort: 443 };

export function headerV1(ends: Ends = ENDS): string {
  return `PROXY TCP4 ${ends.from} ${ends.to} ${ends.fromPort} ${ends.toPort}\r\n`;
}

function bytesOf16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

/** A field behind the addresses: type, length, value. */
export function field(type: number, value: readonly number[]): number[] {
  return [type, ...bytesOf16(value.length), ...value];
}

export function headerV2(
  ends: Ends = ENDS,
  { command = "proxy", fields = [] }: {
    readonly command?: keyof typeof COMMANDS;
    readonly fields?: readonly number[];
  } = {},
): Uint8Array {
  const octets = (address: string) => address.split(".").map(Number);
  const addresses = command === "local" ? [] : [
    ...octets(ends.from),
    ...octets(ends.to),
    ...bytesOf16(ends.fromPort),
    ...bytesOf16(ends.toPort),
  ];
  const family = command === "local" ? 0 : FAMILIES.tcp4;
  const rest = [...addresses, ...fields];
  const start = [...SIGNATURE, VERSION_2 | COMMANDS[command], family];
  return new Uint8Array([...start, ...bytesOf16(rest.length), ...rest]);
}

/** CRC-32C (RFC 3720, section 12.1) bit by bit, so that it has nothing of the program's. */
function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A header with its checksum, the last field; `error` is what the checksum is wrong by. */
export function headerV2WithChecksum(
  { fields = [], error = 0 }: { readonly fields?: readonly number[]; readonly error?: number },
): Uint8Array {
  const header = headerV2(ENDS, { fields: [...fields, ...field(CRC32C, [0, 0, 0, 0])] });
  new DataView(header.buffer).setUint32(header.length - 4, crc32c(header) ^ error);
  return header;
}

/** What a header says, in words, and where it ends. */
export interface HeaderText {
  /** `v1 TCP4 from:port to:port`, `v2 TCP4 ...`, `v2 UDP4 ...`, `v2 TCP6 [from]:port ...`. */
  readonly text: string;
  readonly bytes: number;
}

/** The header at the start of `bytes`; null when it is not complete. @throws Error if it is none */
export function readHeader(bytes: Uint8Array): HeaderText | null {
  if (bytes.length === 0) return null;
  if (bytes[0] !== SIGNATURE[0]) return readV1(bytes);
  if (bytes.length < FIXED_BYTES) return null;
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw new Error("no signature");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = FIXED_BYTES + view.getUint16(14);
  if (bytes.length < length) return null;
  if (bytes[12] === (VERSION_2 | COMMANDS.local)) return { text: "v2 LOCAL", bytes: length };
  if (bytes[12] !== (VERSION_2 | COMMANDS.proxy)) throw new Error("no version 2");
  const name = Object.entries(FAMILIES).find(([, family]) => family === bytes[13])?.[0];
  if (name === undefined) throw new Error(`family ${bytes[13]}`);
  const wide = name.endsWith("6");
  const addressBytes = wide ? 16 : 4;
  const portsAt = FIXED_BYTES + 2 * addressBytes;
  const place = (side: number) => {
    const at = FIXED_BYTES + side * addressBytes;
    const address = bytes.subarray(at, at + addressBytes);
    return `${wide ? textOfV6(address) : address.join(".")}:${view.getUint16(portsAt + 2 * side)}`;
  };
  return { text: `v2 ${name.toUpperCase()} ${place(0)} ${place(1)}`, bytes: length };
}

function textOfV6(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => {
    return ((address[2 * i] << 8) | address[2 * i + 1]).toString(16);
  });
  return new URL(`http://[${groups.join(":")}]`).hostname;
}

function readV1(bytes: Uint8Array): HeaderText | null {
  const text = new TextDecoder().decode(bytes);
  const end = text.indexOf("\r\n");
  if (end < 0 && bytes.length < 107) return null;
  const found = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d+) (\d+)$/.exec(text.slice(0, end));
  if (found === null) throw new Error(`no header: ${JSON.stringify(text.slice(0, 107))}`);
  const [, family, from, to, fromPort, toPort] = found;
  const place = (address: string, port: string) => {
    return family === "TCP6" ? `[${address}]:${port}` : `${address}:${port}`;
  };
  return { text: `v1 ${family} ${place(from, fromPort)} ${place(to, toPort)}`, bytes: end + 2 };
}

/** A server that wants a header: tells what it has read in a line, then sends back what comes. */
export const tellHeader: Handler = async (connection) => {
  const buffer = new Uint8Array(64 * 1024);
  let length = 0;
  let header: HeaderText | null = null;
  while (header === null) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return;
    length += count;
    header = readHeader(buffer.subarray(0, length));
  }
  await writeAll(connection, `${header.text}\n`);
  await writeAll(connection, buffer.slice(header.bytes, length));
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    await writeAll(connection, buffer.subarray(0, count));
  }
};
