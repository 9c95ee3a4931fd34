/**
 * The two messages of grpc.health.v1, by hand: one string one way and one number back do not need a
 * compiler for protocol buffers.
 *
 *     message HealthCheckRequest  { string service = 1; }
 *     message HealthCheckResponse { ServingStatus status = 1; }
 *
 * gRPC puts five bytes before each: whether it is compressed, and its length.
 */
import { Buffer } from "node:buffer";

export const SERVING_STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
export type ServingStatus = typeof SERVING_STATUSES[number];

const PREFIX_BYTES = 5;
const FIELD_STATUS = 1;
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
/** Longer ones hold more than 64 bits. */
const VARINT_BYTES_MAX = 10;

export function encodeHealthRequest(service: string): Uint8Array<ArrayBuffer> {
  const name = Buffer.from(service);
  // The default of a field is not sent.
  const message = name.length === 0
    ? []
    : [FIELD_STATUS << 3 | WIRE_BYTES, ...encodeVarint(name.length), ...name];
  const prefixed = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(prefixed.buffer).setUint32(1, message.length);
  prefixed.set(message, PREFIX_BYTES);
  return prefixed;
}

/** The status in `body`, which is all that came. Null: it is no such message. */
export function decodeHealthResponse(body: Uint8Array): ServingStatus | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0) return null;
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (length !== body.length - PREFIX_BYTES) return null;
  const reader = new Reader(body, PREFIX_BYTES);
  let status = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const wire = tag & 7;
    if (tag >>> 3 === 0) return null;
    if (wire === WIRE_VARINT) {
      const value = reader.varint();
      if (tag >>> 3 === FIELD_STATUS) status = value;
    } else if (wire === WIRE_FIXED64) reader.skip(8);
    else if (wire === WIRE_BYTES) reader.skip(reader.varint());
    else if (wire === WIRE_FIXED32) reader.skip(4);
    else return null;
  }
  if (reader.isBroken) return null;
  return SERVING_STATUSES[status] ?? null;
}

/** Once something did not fit it is broken, at its end, and reads zeros. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  #isBroken = false;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  get isAtEnd(): boolean {
    return this.#isBroken || this.#at >= this.#bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) this.#isBroken = true;
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX && this.#at < this.#bytes.length; i++) {
      const byte = this.#bytes[this.#at++];
      // By multiplication: what exceeds 32 bits must not wrap to a number that has a meaning.
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    this.#isBroken = true;
    return 0;
  }
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value];
}
