/**
 * Whether a UDP port answers, asked with one datagram: a query for a name, which a name server
 * answers and an echo sends back.
 */
import { createSocket } from "node:dgram";

/** RFC 1035: number 0, recursion desired, one question: probe.test, A, IN. */
const QUERY = Uint8Array.of(
  ...[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...[5, 0x70, 0x72, 0x6f, 0x62, 0x65, 4, 0x74, 0x65, 0x73, 0x74, 0],
  ...[0, 1, 0, 1],
);

/** @returns whether anything came back within `patienceMs`. */
export async function isUdpAnswered(port: number, patienceMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createSocket("udp4")
    .once("message", () => resolve(true))
    .once("error", () => resolve(false));
  const timer = setTimeout(() => resolve(false), patienceMs);
  try {
    socket.send(QUERY, port, "127.0.0.1");
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}
