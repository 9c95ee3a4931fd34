/**
 * What datagrams of the simulation carry: whose request this is or answers, which one, from which
 * server, and how long it has to be; then bytes that are a function of all that. So a datagram that
 * was cut, joined with another, overwritten or sent to somebody else is seen where it arrives.
 */
import { promise } from "./promise.ts";

export interface Payload {
  /** Number of the client. */
  readonly client: number;
  /** Number of the request among those of its client. */
  readonly request: number;
  /** 0: the request itself; else which of its answers. */
  readonly answer: number;
  /** Who answers; 0 in a request. */
  readonly server: number;
}

export const PAYLOAD_BYTES_MIN = 12;

function mix({ client, request, answer, server }: Payload): number {
  return (client * 7919 + request * 104_729 + answer * 1299 + server * 31) & 0xffff;
}

export function writePayload(payload: Payload, length: number): Uint8Array {
  promise(length >= PAYLOAD_BYTES_MIN, "a datagram has room to say what it is");
  const bytes = new Uint8Array(length);
  const seed = mix(payload);
  const words = [payload.client, payload.request, payload.server, length];
  bytes[0] = seed;
  bytes[1] = payload.answer;
  words.forEach((word, i) => {
    bytes[2 + i * 2] = word >> 8;
    bytes[3 + i * 2] = word;
  });
  for (let i = 2 + words.length * 2; i < length; i++) bytes[i] = seed + i * 37 + (i >> 8);
  return bytes;
}

/** @throws BrokenPromise unless every byte is one that `writePayload` has written. */
export function readPayload(bytes: Uint8Array): Payload {
  promise(bytes.length >= PAYLOAD_BYTES_MIN, `a datagram is whole: ${bytes.length} bytes`);
  const wordAt = (i: number) => (bytes[2 + i * 2] << 8) | bytes[3 + i * 2];
  const payload = {
    client: wordAt(0),
    request: wordAt(1),
    server: wordAt(2),
    answer: bytes[1],
  };
  promise(wordAt(3) === bytes.length, `a datagram is whole: ${bytes.length} of ${wordAt(3)} bytes`);
  const expected = writePayload(payload, bytes.length);
  const at = bytes.findIndex((byte, i) => byte !== expected[i]);
  promise(at < 0, `byte ${at} of a datagram is the one that was sent`);
  return payload;
}
