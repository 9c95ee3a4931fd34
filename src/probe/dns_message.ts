/**
 * A question to a name server and as much of its answer as says whether it works (RFC 1035).
 *
 * By hand, because the runtime's resolvers do not tell a name that does not exist from a server
 * that does not answer, ask again on their own, and cache. Records themselves are not read: a
 * server that answered without an error works, also when the answer was too long for a datagram.
 */
import { Buffer } from "node:buffer";
import { quoteText } from "../base/quoted_text.ts";

/** The types that a configuration may name (config/dns_question.ts). */
const TYPE_NUMBERS: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};

const RESPONSE_CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

const HEADER_BYTES = 12;
const CLASS_IN = 1;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;
/** In the flags. */
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;

export interface DnsAnswer {
  /** Such as "NXDOMAIN"; one without a name is its number. */
  readonly code: string;
  /** Records of the answer, as many as fitted. */
  readonly records: number;
}

/**
 * @param name without a dot at its end; "." is the root.
 * @throws Error when name or type cannot be asked for.
 */
export function encodeDnsQuery(id: number, name: string, type: string): Uint8Array {
  const number = Object.hasOwn(TYPE_NUMBERS, type) ? TYPE_NUMBERS[type] : null;
  const labels = name === "." ? [] : name.split(".").map((label) => Buffer.from(label));
  const bytes = labels.reduce((sum, { length }) => sum + 1 + length, 1);
  const fits = labels.every(({ length }) => length >= 1 && length <= LABEL_BYTES_MAX);
  if (number === null || !fits || bytes > NAME_BYTES_MAX) {
    throw new Error(`cannot ask a name server for ${quoteText(`${name} ${type}`)}`);
  }
  const questions = 1;
  return Uint8Array.of(
    ...[id >> 8, id, RECURSION_DESIRED >> 8, RECURSION_DESIRED],
    ...[0, questions, 0, 0, 0, 0, 0, 0],
    ...labels.flatMap((label) => [label.length, ...label]),
    ...[0, 0, number, 0, CLASS_IN],
  );
}

/**
 * Null for what is no answer to `query`: of another query, forged, or rubbish. A server that cannot
 * read the question answers with its header alone.
 */
export function decodeDnsAnswer(query: Uint8Array, message: Uint8Array): DnsAnswer | null {
  if (message.length < HEADER_BYTES) return null;
  const header = new DataView(message.buffer, message.byteOffset, message.length);
  const flags = header.getUint16(2);
  const isAnswer = header.getUint16(0) === (query[0] << 8 | query[1]) && (flags & RESPONSE) !== 0 &&
    (flags & OPCODE) === 0;
  if (!isAnswer) return null;
  const code = flags & 15;
  const isBare = header.getUint16(4) === 0 && code !== 0;
  if (!isBare && !repeatsQuestion(query, message)) return null;
  return {
    code: RESPONSE_CODES[code] ?? `code ${code}`,
    records: header.getUint16(6),
  };
}

/** Whether the question of `message` is that of `query`; servers may change the case of names. */
function repeatsQuestion(query: Uint8Array, message: Uint8Array): boolean {
  if (message.length < query.length || message[4] !== 0 || message[5] !== 1) return false;
  return query.every((byte, i) => i < HEADER_BYTES || toLower(byte) === toLower(message[i]));
}

function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
