/**
 * Runs in the network of a container (see container_process.ts): a server that sends back what it
 * gets, and a client that goes through the load balancer to it. Says a line when something has come
 * of it, and waits for one before it goes on with the same connection.
 */
const LISTENER = { hostname: "127.0.0.1", port: 8080 };
const SERVER = { hostname: "127.0.0.1", port: 9000 };
const BYTES = 1 << 20;

async function serve(): Promise<void> {
  for await (const connection of Deno.listen(SERVER)) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

/** @throws Error when what comes back is not what was sent. */
async function exchange(connection: Deno.TcpConn, seed: number): Promise<void> {
  const sent = Uint8Array.from({ length: BYTES }, (_, at) => at * seed >> 3);
  const writing = (async () => {
    for (let at = 0; at < BYTES;) at += await connection.write(sent.subarray(at));
  })();
  const got = new Uint8Array(BYTES);
  for (let at = 0; at < BYTES;) {
    const count = await connection.read(got.subarray(at));
    if (count === null) throw new Error(`it ended after ${at} bytes`);
    at += count;
  }
  await writing;
  if (sent.some((byte, at) => byte !== got[at])) throw new Error("other bytes came back");
}

async function isAccepted(): Promise<boolean> {
  try {
    (await Deno.connect(LISTENER)).close();
    return true;
  } catch {
    return false;
  }
}

void serve();
const connection = await Deno.connect(LISTENER);
await exchange(connection, 7);
console.log("relayed");
await Deno.stdin.read(new Uint8Array(1));
console.log(await isAccepted() ? "accepted" : "refused");
await exchange(connection, 13);
console.log("relayed");
connection.close();
Deno.exit(0);
