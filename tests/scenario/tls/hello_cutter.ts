/**
 * Stands between a TLS client and Ringway and cuts the client's first record into pieces, as slow
 * links and odd clients do; everything after it goes through as it comes.
 */
import { type Handler, Origin, writeAll } from "../origin.ts";

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE = 0x16;

/** @param cut gives what is written, one write each. */
export function cutHello(port: number, cut: (record: Uint8Array) => Uint8Array[]): Origin {
  const handler: Handler = async (client) => {
    using server = await Deno.connect({ hostname: "127.0.0.1", port });
    server.setNoDelay(true);
    const header = await readBytes(client, RECORD_HEADER_BYTES);
    const body = await readBytes(client, (header[3] << 8) | header[4]);
    const pieces = cut(new Uint8Array([...header, ...body]));
    const answers = copy(server, client);
    for (const piece of pieces) await writeAll(server, piece);
    await Promise.all([copy(client, server), answers]);
  };
  return new Origin(handler);
}

async function readBytes(connection: Deno.TcpConn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let got = 0; got < count;) {
    const more = await connection.read(bytes.subarray(got));
    if (more === null) throw new Error(`it ended after ${got} of ${count} bytes`);
    got += more;
  }
  return bytes;
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) break;
    await writeAll(to, buffer.subarray(0, count));
  }
  await to.closeWrite();
}

/** Each byte in a write of its own. */
export function byByte(record: Uint8Array): Uint8Array[] {
  return Array.from(record, (byte) => new Uint8Array([byte]));
}

/** The same handshake in many records, each with `count` bytes of it (RFC 8446, section 5.1). */
export function inRecordsOf(count: number): (record: Uint8Array) => Uint8Array[] {
  return (record) => {
    const body = record.subarray(RECORD_HEADER_BYTES);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < body.length; at += count) {
      const part = body.subarray(at, at + count);
      const header = [HANDSHAKE, record[1], record[2], part.length >> 8, part.length & 0xff];
      pieces.push(new Uint8Array([...header, ...part]));
    }
    return pieces;
  };
}
