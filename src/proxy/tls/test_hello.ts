/**
 * Builds ClientHellos for tests, right ones and wrong ones: every part of the message can be given
 * as bytes of one's own, and lengths are written for what is really there. Parts are plain arrays
 * of numbers, since tests cut and join them.
 */

const latin1 = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

export interface HelloParts {
  readonly version?: readonly number[];
  readonly sessionId?: readonly number[];
  readonly suites?: readonly number[];
  readonly compression?: readonly number[];
  /** Each with its header; null: not even the length of the extensions. */
  readonly extensions?: readonly (readonly number[])[] | null;
}

/** `bytes` with their length in front. */
export function sized(lengthBytes: number, bytes: readonly number[]): number[] {
  const length = Array.from(
    { length: lengthBytes },
    (_, i) => (bytes.length >>> (8 * (lengthBytes - 1 - i))) & 255,
  );
  return [...length, ...bytes];
}

export function extension(type: number, body: readonly number[]): number[] {
  return [type >> 8, type & 255, ...sized(2, body)];
}

/** An entry of a server name list; type 0 is a host name. */
export function nameEntry(name: string, type = 0): number[] {
  return [type, ...sized(2, latin1(name))];
}

export function serverName(...names: readonly string[]): number[] {
  return extension(0, sized(2, names.flatMap((name) => nameEntry(name))));
}

export function alpn(...protocols: readonly string[]): number[] {
  return extension(16, sized(2, protocols.flatMap((text) => sized(1, latin1(text)))));
}

/** The handshake message, not yet in records. */
export function makeMessage(parts: HelloParts = {}): number[] {
  const { version = [3, 3], sessionId = [], suites = [0x13, 0x01], compression = [0] } = parts;
  const { extensions = [] } = parts;
  const body = [
    ...version,
    ...Array.from({ length: 32 }, (_, i) => i),
    ...sized(1, sessionId),
    ...sized(2, suites),
    ...sized(1, compression),
    ...(extensions === null ? [] : sized(2, extensions.flat())),
  ];
  return [1, ...sized(3, body)];
}

export function record(fragment: readonly number[], version: readonly number[] = [3, 1]): number[] {
  return [22, ...version, ...sized(2, fragment)];
}

/** Cuts the message into records of these many bytes; what is left over makes one more. */
export function toRecords(message: readonly number[], sizes: readonly number[] = []): Uint8Array {
  const records: number[][] = [];
  let at = 0;
  for (const size of [...sizes, message.length]) {
    if (at >= message.length) break;
    records.push(record(message.slice(at, at + size)));
    at += size;
  }
  return Uint8Array.from(records.flat());
}

/** A whole ClientHello in one record. */
export function makeHello(...extensions: readonly (readonly number[])[]): Uint8Array {
  return toRecords(makeMessage({ extensions }));
}
