/**
 * The clients of the memory scenario, a program: opens many connections, says "f" on each, and
 * reads nothing of what comes back but a sip on each for every line that it is told. Tells when all
 * are open, and how many bytes it has had so far after each sip; holds them until it is killed.
 *
 *   slow_readers.ts PORT COUNT
 */
const [port, count] = Deno.args.map(Number);
/** Connecting at the same time. */
const CONNECTING = 200;
const FLOOD_ME = new TextEncoder().encode("f");
/** Less than a socket of Ringway's holds, so that it then has room for a part of what waits. */
const SIP_BYTES = 4096;
const held: Deno.TcpConn[] = [];
/** Connections on which a sip has not come yet. */
const thirsty = new Set<Deno.TcpConn>();
let drunk = 0;
let started = 0;

async function connectSome(): Promise<void> {
  while (started < count) {
    started++;
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(FLOOD_ME);
    held.push(connection);
  }
}

async function sip(connection: Deno.TcpConn): Promise<void> {
  if (thirsty.has(connection)) return;
  thirsty.add(connection);
  drunk += await connection.read(new Uint8Array(SIP_BYTES)) ?? 0;
  thirsty.delete(connection);
}

await Promise.all(Array.from({ length: CONNECTING }, connectSome));
console.log(JSON.stringify(held.length));
for await (const _line of Deno.stdin.readable) {
  for (const connection of held) void sip(connection);
  console.log(JSON.stringify(drunk));
}
