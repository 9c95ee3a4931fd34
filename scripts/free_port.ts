/**
 * Ports that the kernel considers free. nginx and HAProxy do not tell which port they got when they
 * leave the choice to the kernel, so it is asked in advance; somebody else might take the port in
 * between, which then shows as a proxy that cannot start.
 */
import { createSocket } from "node:dgram";

export function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

export async function findFreeUdpPort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket("udp4").once("error", reject);
  socket.bind(0, "127.0.0.1", resolve);
  await promise;
  const { port } = socket.address();
  socket.close();
  return port;
}
