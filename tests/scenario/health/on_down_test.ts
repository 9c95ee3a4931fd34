import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { named, untilState } from "../health_status.ts";
import { greet, MoodyServer } from "../moody_server.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const CLIENTS = 12;
const QUICK = "interval: 100ms, timeout: 100ms, rise: 2, fall: 2";

/** Clients with a server each. */
async function connectMany(
  ringway: RingwayProcess,
  clients: DisposableStack,
): Promise<{ client: Client; name: string }[]> {
  const held: { client: Client; name: string }[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    held.push({ client, name: await client.receive(1) });
  }
  return held;
}

for (const onDown of ["keep", "close"]) {
  Deno.test(`on_down: ${onDown} is what becomes of the connections of a server`, async () => {
    await using a = await MoodyServer.start(greet("a"));
    await using b = await MoodyServer.start(greet("b"));
    await using ringway = await startRingway(configText({
      workers: 2,
      servers: named({ a, b }),
      backend: `balance: least_conn, on_down: ${onDown}, health_check: { tcp: true, ${QUICK} }`,
    }));
    using clients = new DisposableStack();
    const held = await connectMany(ringway, clients);
    // It takes no more connections, but goes on with those it has.
    await a.refuse();
    await untilState(ringway, "a", "down");
    await ringway.untilTurned(1);
    let kept = 0;
    for (const { client, name } of held) {
      if (name === "b" || onDown === "keep") {
        strictEqual(await client.converse("still here"), "still here");
        kept++;
      } else {
        strictEqual((await client.receiveRest()).text, "");
      }
    }
    strictEqual(kept, onDown === "keep" ? CLIENTS : CLIENTS / 2);
    await ringway.until("as many are open", ({ listeners, backends }) => {
      return listeners[0].open === kept &&
        backends[0].servers[0].open === (onDown === "keep" ? CLIENTS / 2 : 0);
    });
    await a.comeBack();
    await untilState(ringway, "a", "up");
    // What was open has been closed once; who comes now stays.
    using later = await Client.connect(ringway.port());
    strictEqual((await later.receive(1)).length, 1);
    await ringway.untilTurned(2);
    strictEqual(await later.converse("it stays"), "it stays");
  });
}
