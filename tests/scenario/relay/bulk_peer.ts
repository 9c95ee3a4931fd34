/**
 * One end of the bulk scenario, a program: sends a stream and checks the one that it receives, both
 * at once. As "origin" it takes one connection and tells its port first; as "client" it connects.
 *
 *   bulk_peer.ts origin BYTES
 *   bulk_peer.ts client BYTES PORT
 */
import { receivePattern, sendPattern, StreamPattern } from "../stream_pattern.ts";

const [role, bytes, port] = Deno.args;

async function connect(): Promise<Deno.TcpConn> {
  if (role === "client") return await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(JSON.stringify(listener.addr.port));
  const connection = await listener.accept();
  listener.close();
  return connection;
}

const [mine, other] = role === "client" ? [1, 2] : [2, 1];
const connection = await connect();
const [received] = await Promise.all([
  receivePattern(connection, new StreamPattern(other)),
  sendPattern(connection, new StreamPattern(mine), Number(bytes))
    .then(() => connection.closeWrite()),
]);
connection.close();
console.log(JSON.stringify(received));
