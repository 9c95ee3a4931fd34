/**
 * Connections of checks: node:net, because it tells errors by number, can be closed while it still
 * connects, and serves unix sockets and the HTTP of the runtime alike.
 *
 * They are closed with a FIN: a server that meets a reset logs an error for each check, and one
 * that has said something unasked (a banner) gets a reset from the kernel anyway. What it costs us
 * is a local port for a minute.
 */
import { connect, type Socket } from "node:net";
import { formatHostPort } from "../net/address.ts";
import type { ProbeTarget } from "./probe_outcome.ts";

/**
 * Emits "connect" or "error"; an error is already listened to, so that none is ever uncaught.
 *
 * @param preface what goes out first; null: nothing.
 */
export function openStream(target: ProbeTarget, preface: Uint8Array | null): Socket {
  const { host, port, unixPath } = target;
  const socket = unixPath === null ? connect({ host, port }) : connect({ path: unixPath });
  // Waits for the connection by itself.
  if (preface !== null) socket.write(preface);
  return socket.on("error", () => {});
}

/** Settles when its file is closed. */
export function closeStream(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("close", () => resolve());
  socket.destroy();
  return promise;
}

/** The target as HTTP names it: port 80 goes without saying, and a unix socket has no name. */
export function authorityOf(target: ProbeTarget): string {
  const { host, port, unixPath } = target;
  if (unixPath !== null) return "localhost";
  const name = formatHostPort(host, port);
  return port === 80 ? name.slice(0, -":80".length) : name;
}
