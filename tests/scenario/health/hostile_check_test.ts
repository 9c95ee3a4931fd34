import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { changesOf, named, serverStatus, untilState } from "../health_status.ts";
import {
  answerHttp,
  beSilent,
  late,
  type Mood,
  MoodyServer,
  resetAfter,
  resetAtOnce,
  speakForever,
  tell,
} from "../moody_server.ts";
import { cpuShare, openFileCount, privateBytes } from "../process_table.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const QUICK = "interval: 100ms, timeout: 100ms, rise: 1, fall: 1";
const NOISE = Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 7919) >> 3);
const HEADERS = new TextEncoder().encode("X-Filler: " + "x".repeat(1000) + "\r\n");
const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");
const MEMORY_MORE_MAX = 48 << 20;

/** Speaks the start of an answer, and then more of the same without end. */
function answerForever(start: string, chunk: Uint8Array): Mood {
  const forever = speakForever(chunk);
  return (socket) => {
    socket.write(start);
    forever(socket);
  };
}

/** What any check may meet, */
const RUDE: Record<string, Mood> = {
  "endless noise": speakForever(NOISE),
  "resets": resetAtOnce,
  "resets within the answer": resetAfter("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi"),
  "silence": beSilent,
  "an answer that comes too late": late(answerHttp(200, { body: "fine" }), 400),
};
/** and what only HTTP has a mind for. */
const CUNNING: Record<string, Mood> = {
  "endless headers": answerForever("HTTP/1.1 200 OK\r\n", HEADERS),
  "endless interim answers": speakForever(CONTINUE),
  "a length beyond all numbers": tell(
    `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(400)}\r\n\r\nfine`,
  ),
  "a chunk of a negative size": tell("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"),
  "a body that never ends": answerForever("HTTP/1.1 200 OK\r\n\r\n", NOISE),
};

/** Clients are served, no file stays open, no memory is taken: all that must not suffer. */
async function isUnharmed(ringway: RingwayProcess, memory: number, client: Client): Promise<void> {
  strictEqual(await client.converse("unharmed"), "unharmed");
  const more = privateBytes(ringway.pid) - memory;
  strictEqual(more < MEMORY_MORE_MAX, true, `${more} bytes more`);
}

for (
  const { kind, probe, good, moods } of [
    {
      kind: "http",
      probe: `path: /, body: "never"`,
      good: answerHttp(200, { body: "never" }),
      moods: { ...RUDE, ...CUNNING },
    },
    { kind: "tcp", probe: `tcp: { expect: "never" }`, good: tell("never"), moods: RUDE },
  ]
) {
  Deno.test(`${kind}: whatever a checked server says, it is down and does no harm`, async () => {
    await using a = await MoodyServer.start((socket) => socket.pipe(socket));
    await using check = await MoodyServer.start(good);
    await using ringway = await startRingway(configText({
      servers: named({ a }),
      backend: `health_check: { ${probe}, port: ${check.port}, ${QUICK} }`,
    }));
    using client = await Client.connect(ringway.port());
    await check.untilAccepted(2);
    const memory = privateBytes(ringway.pid);
    const files = openFileCount(ringway.pid);
    for (const [name, mood] of Object.entries(moods)) {
      check.mood = good;
      await untilState(ringway, "a", "up");
      check.mood = mood;
      await untilState(ringway, "a", "down");
      const taken = check.acceptedCount;
      await until(`${name}: it was probed again`, () => check.acceptedCount >= taken + 2);
      strictEqual(serverStatus(await ringway.snapshot(), "a").state, "down", name);
      await isUnharmed(ringway, memory, client);
    }
    const changes = changesOf(await ringway.snapshot(), "a");
    strictEqual(changes.at(-1), "up to down");
    await check.refuse();
    check.resetAll();
    await until("no probe is left", () => openFileCount(ringway.pid) <= files + 2, {
      state: () => `${files} files before, ${openFileCount(ringway.pid)} now`,
    });
    strictEqual(await cpuShare(ringway.pid) < 0.3, true, "the supervisor rests");
  });
}

Deno.test("many servers that are silent to probes hold up neither probes nor clients", async () => {
  await using good = await MoodyServer.start(tell("good"));
  await using silent = await MoodyServer.start(beSilent, { hostname: "0.0.0.0" });
  const others = Array.from({ length: 60 }, (_, i) => {
    return `{ name: s${i}, address: "127.0.1.${i + 1}:${silent.port}" }`;
  });
  await using ringway = await startRingway(`
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app:
    servers: [{ name: good, address: "${good.address}" }]
    health_check: { tcp: true, ${QUICK} }
  many:
    servers: [${others.join(", ")}]
    health_check: { tcp: { expect: x }, ${QUICK} }
`);
  await until("all are down", async () => {
    const snapshot = await ringway.snapshot();
    return others.every((_, i) => serverStatus(snapshot, `s${i}`, "many").state === "down");
  }, { state: () => ringway.state });
  const before = good.acceptedCount;
  await good.untilAccepted(before + 5);
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { good: 10 });
  await good.refuse();
  await untilState(ringway, "good", "down");
});
