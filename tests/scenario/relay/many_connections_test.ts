import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { Origin, writeAll } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { receivePattern, sendPattern, StreamPattern } from "../stream_pattern.ts";
import { within } from "../until.ts";

const CONNECTIONS = 200;
const BYTES = 512 * 1024;
/** Each connection has a stream of its own: the same pattern from another place on. */
const START_STEP = 4999;

Deno.test("many connections at once, both ways: every byte arrives where it belongs", async () => {
  const toServer = new StreamPattern(1);
  const toClient = new StreamPattern(2);
  await using origin = new Origin(async (connection) => {
    const start = await readStart(connection);
    const [received] = await Promise.all([
      receivePattern(connection, toServer, start),
      sendPattern(connection, toClient, BYTES, start),
    ]);
    await writeAll(connection, new Uint8Array(new Int32Array([received]).buffer));
  });
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));

  const run = async (start: number): Promise<number> => {
    const { hostname, port } = { hostname: "127.0.0.1", port: ringway.port() };
    using connection = await Deno.connect({ hostname, port });
    await writeAll(connection, new Uint8Array(new Int32Array([start]).buffer));
    const [atServer] = await Promise.all([
      receiveAnswer(connection, toClient, start),
      sendPattern(connection, toServer, BYTES, start).then(() => connection.closeWrite()),
    ]);
    return atServer;
  };
  const runs = Array.from({ length: CONNECTIONS }, (_, i) => run(i * START_STEP));
  const received = await within("all have got everything", Promise.all(runs), {
    state: () => ringway.state,
    withinMs: 60_000,
  });
  deepStrictEqual(received, new Array(CONNECTIONS).fill(BYTES));
  const { workers, listeners } = await ringway.until("all is over", ({ workers }) => {
    return workers.every(({ tunnels, buffers_leased }) => tunnels + buffers_leased === 0);
  });
  strictEqual(
    workers.every(({ counters }) => counters["ringway_worker_completions_total"] > 0),
    true,
  );
  strictEqual(listeners[0].received_bytes, CONNECTIONS * (BYTES + 4));
  strictEqual(listeners[0].sent_bytes, CONNECTIONS * (BYTES + 4));
});

/** Where the connection's streams start: what its client says first. */
async function readStart(connection: Deno.TcpConn): Promise<number> {
  const bytes = new Uint8Array(4);
  for (let got = 0; got < 4;) {
    const count = await connection.read(bytes.subarray(got));
    if (count === null) throw new Error("the client ended before it said where it starts");
    got += count;
  }
  return new Int32Array(bytes.buffer)[0];
}

/** Checks the server's stream; what stands behind it is how much the server has received. */
async function receiveAnswer(
  connection: Deno.TcpConn,
  pattern: StreamPattern,
  start: number,
): Promise<number> {
  const bytes = new Uint8Array(BYTES + 5);
  let got = 0;
  for (;;) {
    const count = await connection.read(bytes.subarray(got));
    if (count === null) break;
    got += count;
  }
  strictEqual(got, BYTES + 4);
  strictEqual(pattern.fits(start, bytes.subarray(0, BYTES)), true, "the stream is what was sent");
  return new DataView(bytes.buffer).getInt32(BYTES, true);
}
