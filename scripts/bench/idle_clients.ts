/**
 * Opens connections to a port, exchanges five bytes on each, says so, and holds them until it is
 * ended: `idle_clients.ts PORT COUNT`. A program of its own, because one process may not open as
 * many files as the proxy's two sides and the origin need together.
 */
const PARALLEL = 64;
const MESSAGE = new TextEncoder().encode("hello");

async function open(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(MESSAGE);
  const answer = new Uint8Array(MESSAGE.length);
  for (let received = 0; received < answer.length;) {
    const count = await connection.read(answer.subarray(received));
    if (count === null) throw new Error("a connection was closed before it had an answer");
    received += count;
  }
  return connection;
}

const [port, count] = Deno.args.map(Number);
const held: Deno.TcpConn[] = [];
let opened = 0;
await Promise.all(Array.from({ length: PARALLEL }, async () => {
  while (opened++ < count) held.push(await open(port));
}));
console.log(`holding ${held.length}`);
// Until it is ended from outside; a pending promise alone would not keep the program alive.
setInterval(() => {}, 60_000);
