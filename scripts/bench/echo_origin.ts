/**
 * An origin that sends back what it gets, on a port of the kernel's choice, which it prints. Runs
 * until it is ended. Only for idle connections: it is not made to be fast.
 */
async function serve(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      await connection.write(buffer.subarray(0, count));
    }
  } catch {
    // Reset by the proxy at its end.
  }
  connection.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
console.log(`port ${listener.addr.port}`);
for await (const connection of listener) void serve(connection);
