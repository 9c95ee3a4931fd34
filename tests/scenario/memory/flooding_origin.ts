/**
 * The server of the memory scenario, a program. What its client says first decides: after "e" it
 * sends everything back, after "f" it sends without end, whether its client reads or not. Tells its
 * port.
 */
import { echo, type Handler, Origin, writeAll } from "../origin.ts";

const FLOOD = new Uint8Array(64 * 1024);

const serve: Handler = async (connection, stopped) => {
  const first = new Uint8Array(1);
  await connection.read(first);
  if (first[0] === "e".charCodeAt(0)) return await echo(connection, stopped);
  for (;;) await writeAll(connection, FLOOD);
};

const origin = new Origin(serve);
console.log(JSON.stringify(origin.port));
