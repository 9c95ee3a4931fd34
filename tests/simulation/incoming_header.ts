/**
 * PROXY headers that simulated clients send, right and wrong ones, with what a right one tells.
 */
import type { Random } from "../../src/base/random.ts";
import { parseIp } from "../../src/net/address.ts";
import { AF_INET } from "../../src/net/socket_address.ts";
import { bytesOf, makeBlock, makeTlv, sign } from "../../src/proxy_protocol/test_headers.ts";
import { type Address, drawIp, FAMILIES, type Pool } from "./address.ts";
import type { ShownHeader } from "./shown_header.ts";

const TLV_ALPN = 1;
const TLV_AUTHORITY = 2;
const TLV_CRC32C = 3;
const TLV_UNIQUE_ID = 5;
const V2_FIXED_BYTES = 16;

export interface IncomingHeader {
  readonly bytes: Uint8Array;
  readonly tells: ShownHeader;
}

const SILENT: ShownHeader = {
  source: null,
  destination: null,
  authority: "",
  alpn: "",
  uniqueId: "",
};

/** A header that names a client of `pool`, whose port tells who it is, or nobody. */
export function drawHeader(
  random: Random,
  pool: Pool,
  port: number,
  isStream: boolean,
): IncomingHeader {
  const isSecond = !isStream || random.oneIn(2);
  if (random.oneIn(6)) return isSecond ? drawLocal(random) : drawUnknown(random);
  const family = FAMILIES[random.below(2)];
  const source: Address = { ip: drawIp(random, family, pool), port };
  const destination: Address = { ip: drawIp(random, family, "good"), port: 7000 };
  if (isSecond) return drawBlock(random, source, destination, family, isStream);
  const word = family === AF_INET ? "TCP4" : "TCP6";
  const line =
    `PROXY ${word} ${source.ip} ${destination.ip} ${source.port} ${destination.port}\r\n`;
  return { bytes: bytesOf(line), tells: { ...SILENT, source, destination } };
}

function drawUnknown(random: Random): IncomingHeader {
  const line = random.oneIn(2) ? "PROXY UNKNOWN\r\n" : "PROXY UNKNOWN 1.2.3.4 rest of it\r\n";
  return { bytes: bytesOf(line), tells: SILENT };
}

function drawLocal(random: Random): IncomingHeader {
  const addresses = random.oneIn(2) ? [] : [1, 2, 3, 4, 5];
  return { bytes: makeBlock({ command: 0, family: 0, addresses }), tells: SILENT };
}

function drawBlock(
  random: Random,
  source: Address,
  destination: Address,
  family: number,
  isStream: boolean,
): IncomingHeader {
  const ports = [source.port, destination.port].flatMap((port) => [port >> 8, port & 255]);
  const addresses = [...parseIp(source.ip)!, ...parseIp(destination.ip)!, ...ports];
  const authority = random.oneIn(3) ? `host${random.below(9)}.test` : "";
  const alpn = random.oneIn(4) ? "h2" : "";
  const uniqueId = random.oneIn(4) ? `id-${random.below(1000)}` : "";
  const isSigned = random.oneIn(3);
  const tlvs = [
    ...(isSigned ? makeTlv(TLV_CRC32C, [0, 0, 0, 0]) : []),
    ...(authority === "" ? [] : makeTlv(TLV_AUTHORITY, authority)),
    ...(alpn === "" ? [] : makeTlv(TLV_ALPN, alpn)),
    // Of a type that nobody knows.
    ...(random.oneIn(4) ? makeTlv(0xe7, new Uint8Array(random.below(300))) : []),
    ...(uniqueId === "" ? [] : makeTlv(TLV_UNIQUE_ID, uniqueId)),
  ];
  const block = makeBlock({
    family: (family === AF_INET ? 0x10 : 0x20) | (isStream ? 1 : 2),
    addresses,
    tlvs,
  });
  const bytes = isSigned ? sign(block, V2_FIXED_BYTES + addresses.length + 3) : block;
  return { bytes, tells: { source, destination, authority, alpn, uniqueId } };
}

/** Bytes that are no header, whatever follows. */
export function drawBrokenHeader(random: Random): Uint8Array {
  switch (random.below(5)) {
    case 0:
      return bytesOf("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    case 1:
      return bytesOf("PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n");
    case 2:
      return bytesOf("PROXY TCP4 10.0.0.1 10.0.0.2 1 65536\r\n");
    case 3:
      return makeBlock({ version: 3 });
    default:
      // A checksum that is not the header's.
      return makeBlock({ tlvs: makeTlv(TLV_CRC32C, [1, 2, 3, 4]) });
  }
}
