import { strictEqual } from "node:assert/strict";
import { withoutIpv6Addresses } from "../launcher.ts";
import { startRingway } from "../ringway_process.ts";
import { within } from "../until.ts";

const CLIENTS = 8;

/** What a client of the unix socket at `path` is told; "" when it is refused. */
async function ask(path: string): Promise<string> {
  using client = await Deno.connect({ transport: "unix", path });
  const answer = new Uint8Array(4096);
  try {
    await client.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    const count = await within("there is an answer, or an end", client.read(answer));
    return new TextDecoder().decode(answer.subarray(0, count ?? 0));
  } catch (failure) {
    // Refused before it could send, or before that was read.
    const { BrokenPipe, ConnectionReset } = Deno.errors;
    if (failure instanceof BrokenPipe || failure instanceof ConnectionReset) return "";
    throw failure;
  }
}

Deno.test("IPv6 switched off: its servers are passed over, and nobody waits for them", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-scenario-" });
  await using ringway = await startRingway(
    `
workers: 1
listeners:
  mixed: { bind: "unix:${folder}/mixed.sock", backend: mixed }
  lost: { bind: "unix:${folder}/lost.sock", backend: lost }
backends:
  mixed: ["[::1]:1", demo:one]
  lost: ["[::1]:1"]
`,
    { launcher: withoutIpv6Addresses() },
  );
  for (let i = 0; i < CLIENTS; i++) {
    strictEqual(await ask(`${folder}/lost.sock`), "");
    strictEqual((await ask(`${folder}/mixed.sock`)).includes("hello from one"), true);
  }
  const { listeners } = await ringway.snapshot();
  strictEqual(listeners.find(({ name }) => name === "lost")!.refused, CLIENTS);
  Deno.removeSync(folder, { recursive: true });
});
