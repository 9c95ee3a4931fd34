/**
 * Servers on loopback that behave as badly as a test wants, for the tests of checks.
 *
 * Each waits in the end until its clients have closed: a check that leaves a socket open makes its
 * test hang, and with it fail.
 */
import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { ProbeTarget } from "./probe_outcome.ts";

type Use<T> = (target: ProbeTarget) => Promise<T>;

/** Waits until `emitter` emits `event`. */
function once(emitter: { once(event: string, listener: () => void): unknown }, event: string) {
  return new Promise<void>((resolve) => emitter.once(event, () => resolve()));
}

async function listen(server: Server, where: string | number): Promise<ProbeTarget> {
  const listening = once(server, "listening");
  if (typeof where === "string") server.listen(where);
  else server.listen(where, "127.0.0.1");
  await listening;
  if (typeof where === "string") return { host: "", port: 0, unixPath: where };
  const { port } = server.address() as AddressInfo;
  return { host: "127.0.0.1", port, unixPath: null };
}

/** @param onConnection gets each connection as it is accepted. */
export async function serveTcp<T>(
  onConnection: (socket: Socket) => void,
  use: Use<T>,
  unixPath?: string,
): Promise<T> {
  const closed: Promise<void>[] = [];
  const server = createServer((socket) => {
    closed.push(once(socket, "close"));
    // A reset is what some of them deserve.
    socket.on("error", () => {});
    socket.resume();
    onConnection(socket);
  });
  const target = await listen(server, unixPath ?? 0);
  const result = await use(target);
  await Promise.all(closed);
  server.close();
  await once(server, "close");
  return result;
}

/** A server that speaks when it is spoken to: `answer` gets what came first. */
export function serveRequests<T>(
  answer: (socket: Socket, request: string) => void,
  use: Use<T>,
  unixPath?: string,
): Promise<T> {
  const onConnection = (socket: Socket) => {
    socket.once("data", (request) => answer(socket, request.toString("latin1")));
  };
  return serveTcp(onConnection, use, unixPath);
}

export async function serveDatagrams<T>(
  onMessage: (message: Uint8Array, from: RemoteInfo, socket: DatagramSocket) => void,
  use: Use<T>,
  host = "127.0.0.1",
): Promise<T> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (message, from) => onMessage(message, from, socket));
  const listening = once(socket, "listening");
  socket.bind(0, host);
  await listening;
  const { port } = socket.address() as AddressInfo;
  const result = await use({ host, port, unixPath: null });
  const closed = once(socket, "close");
  socket.close();
  await closed;
  return result;
}

/** An address where nobody listens. */
export function closedTarget(): ProbeTarget {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return { host: "127.0.0.1", port, unixPath: null };
}

/** Writes `piece` for as long as the other side takes it. */
export function writeForEver(socket: Socket, piece: Uint8Array): void {
  const go = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", go);
  go();
}

/** Writes `piece` again and again, slowly. */
export function drip(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 5);
  socket.on("close", () => clearInterval(timer));
}
