/**
 * The memory scenario as a program, because it plays in a network of its own: there sockets are
 * small, so that the bytes that nobody reads pile up in Ringway and not in the kernel. Tells what
 * it has measured.
 *
 *   slow_readers_scene.ts READERS SIPS
 */
import { FAST_BUFFERS_MAX } from "../../../src/limits.ts";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { LoadProcess } from "../load_process.ts";
import { privateBytes } from "../process_table.ts";
import { startRingway, workerCount } from "../ringway_process.ts";
import { within } from "../until.ts";
import type { SceneResult } from "./scene_result.ts";

/** Sips: how often each reader reads a little. */
const [readerCount, sipCount] = Deno.args.map(Number);
const WORKERS = 2;
/** A worker whose fast lane has run dry holds nearly all of its buffers. */
const BUFFERS_OF_A_DRY_LANE = 0.95 * FAST_BUFFERS_MAX;
const TALKS = 20;
const TALK_MS_MAX = 8000;
const LOAD_MS_MAX = 60_000;

await using origin = new LoadProcess(import.meta.resolve("./flooding_origin.ts"), []);
const originPort = await origin.next<number>("its port");
await using ringway = await startRingway(configText({
  workers: WORKERS,
  servers: [`127.0.0.2:${originPort}`],
  backend: "timeouts: { connect: 1m }",
}));
const port = ringway.port();

async function talk(client: Client): Promise<number> {
  const startedMs = performance.now();
  const text = "x".repeat(1000);
  const answer = await within("another connection gets its answer", client.converse(text), {
    state: () => ringway.state,
    withinMs: TALK_MS_MAX,
  });
  if (answer !== text) throw new Error("an echo is not what was said");
  return performance.now() - startedMs;
}

const before = ringway.workerPids.map(privateBytes);
using old = await Client.connect(port);
await old.send("e");
await talk(old);

let measured: Omit<SceneResult, "leasedAtEnd">;
{
  await using readers = new LoadProcess(import.meta.resolve("./slow_readers.ts"), [
    String(port),
    String(readerCount),
  ]);
  await readers.next("that all are open", LOAD_MS_MAX);
  const dry = await ringway.until("all are open and the lane is dry", ({ workers, backends }) => {
    const [server] = backends[0].servers;
    return server.open === readerCount + 1 && server.total === server.open &&
      workers.every(({ buffers_leased }) => buffers_leased >= BUFFERS_OF_A_DRY_LANE);
  }, LOAD_MS_MAX);
  // A few seconds of standing still, in which others go on.
  const oldTalksMs: number[] = [];
  const newTalksMs: number[] = [];
  for (let i = 0; i < TALKS; i++) {
    if (i < sipCount) {
      await readers.tell("sip");
      await readers.next("how much it has had");
    }
    oldTalksMs.push(await talk(old));
    using client = await Client.connect(port);
    await client.send("e");
    newTalksMs.push(await talk(client));
    await ringway.untilTurned(2);
  }
  const snapshot = await ringway.snapshot();
  const after = ringway.workerPids.map(privateBytes);
  measured = {
    readers: dry.listeners[0].open - 1,
    grownBytes: after.map((bytes, worker) => bytes - before[worker]),
    starved: workerCount(snapshot, "ringway_worker_receives_starved_total"),
    oldTalksMs,
    newTalksMs,
  };
}
const { workers } = await ringway.until("they have gone", ({ listeners }) => {
  return listeners[0].open === 1;
}, LOAD_MS_MAX);
const leasedAtEnd = workers.map(({ buffers_leased }) => buffers_leased);
await talk(old);
const result: SceneResult = { ...measured, leasedAtEnd };
console.log(JSON.stringify(result));
