/**
 * Answers to DNS questions, byte by byte (RFC 1035): enough to be asked by a health check, and to
 * be wrong in the ways in which a server is.
 */
import type { Answers } from "../datagram_server.ts";

const HEADER_BYTES = 12;
/** QR, and RA. */
const RESPONSE = 0x80;
const RECURSION_AVAILABLE = 0x80;
export const NOERROR = 0;
export const SERVFAIL = 2;
export const REFUSED = 5;
/** A pointer to the name of the question, type A, class IN, 60 s, four bytes. */
const ADDRESS_RECORD = [0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];

/** Where the question ends: after its name, type and class. */
function questionEnd(bytes: Uint8Array): number {
  let at = HEADER_BYTES;
  while (bytes[at] !== 0) at += bytes[at] + 1;
  return at + 5;
}

/** The name asked for, without the dot at the end. */
export function questionName(bytes: Uint8Array): string {
  const labels: string[] = [];
  for (let at = HEADER_BYTES; bytes[at] !== 0; at += bytes[at] + 1) {
    labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at])));
  }
  return labels.join(".");
}

export function questionType(bytes: Uint8Array): number {
  const end = questionEnd(bytes);
  return (bytes[end - 4] << 8) | bytes[end - 3];
}

/** Answers with a code; with one address when that is NOERROR. The id is `idOffset` off. */
export function answerDns(code: number, idOffset = 0): Answers {
  return ({ bytes }) => {
    const end = questionEnd(bytes);
    const records = code === NOERROR ? ADDRESS_RECORD : [];
    const answer = new Uint8Array(end + records.length);
    answer.set(bytes.subarray(0, end));
    answer[1] += idOffset;
    answer[2] = RESPONSE | (bytes[2] & 1);
    answer[3] = RECURSION_AVAILABLE | code;
    answer.fill(0, 6, HEADER_BYTES);
    answer[7] = records.length > 0 ? 1 : 0;
    answer.set(records, end);
    return [answer];
  };
}
