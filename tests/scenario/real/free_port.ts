/**
 * A port for a program that must be told one: the kernel picks it, and it is given back at once, so
 * that somebody else may have it when the program starts. Who starts programs tries again then.
 */
import { DatagramSocket } from "../datagram_socket.ts";

/** On the loopback address of the scenarios' servers, which no client comes from by chance. */
export const PROGRAM_HOST = "127.0.0.2";

/** Free for TCP and UDP both: name servers want that, and nobody else minds. */
export async function freePort(hostname = PROGRAM_HOST): Promise<number> {
  for (;;) {
    const listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    try {
      using _socket = await DatagramSocket.bind({ hostname, port });
      return port;
    } catch (failure) {
      if (!/EADDRINUSE|in use/.test(String(failure))) throw failure;
    } finally {
      listener.close();
    }
  }
}
