import { deepStrictEqual, strictEqual } from "node:assert/strict";
import * as limits from "../../../src/limits.ts";
import { withSmallSockets } from "../launcher.ts";
import { LoadProcess } from "../load_process.ts";
import type { SceneResult } from "./scene_result.ts";

const READERS = 10_000;
const SIPS = 10;
const MEBIBYTE = 1024 * 1024;
/** Both lanes of buffers for streams, 68 MiB. */
const SLAB_BYTES = limits.FAST_BUFFERS_MAX * limits.FAST_BUFFER_BYTES +
  limits.GATED_BUFFERS_MAX * limits.GATED_BUFFER_BYTES;
const STATE_BYTES_EACH = 200;
/** What the runtime takes meanwhile, its compiler above all: 3 to 7 MiB, by smaps. */
const RUNTIME_BYTES_MAX = 10 * MEBIBYTE;
const OTHER_BYTES_MAX = READERS * STATE_BYTES_EACH + RUNTIME_BYTES_MAX;
const TALK_MS_MAX = 2000;

Deno.test("10,000 clients that never read cost a worker its slab and no more", async (t) => {
  await play(t.name, 0);
});

Deno.test("10,000 clients that read a sip now and then do not stop others", async (t) => {
  await play(t.name, SIPS);
});

async function play(name: string, sips: number): Promise<void> {
  await using scene = new LoadProcess(
    import.meta.resolve("./slow_readers_scene.ts"),
    [String(READERS), String(sips)],
    withSmallSockets(),
  );
  const result = await scene.next<SceneResult>("what it has measured", 120_000);
  const { readers, grownBytes, starved, oldTalksMs, newTalksMs, leasedAtEnd } = result;
  const grown = grownBytes.map((bytes) => Math.round(bytes / MEBIBYTE)).join(" and ");
  const slowest = Math.round(Math.max(...oldTalksMs, ...newTalksMs));
  console.log(`${name}: workers grew by ${grown} MiB, slowest other answer ${slowest} ms`);
  strictEqual(readers, READERS);
  strictEqual(starved > 0, true, "buffers have run out");
  strictEqual(Math.max(...grownBytes) < SLAB_BYTES + OTHER_BYTES_MAX, true, grown);
  strictEqual(slowest < TALK_MS_MAX, true, `${oldTalksMs.join(" ")}, ${newTalksMs.join(" ")}`);
  deepStrictEqual(leasedAtEnd, [0, 0]);
}
