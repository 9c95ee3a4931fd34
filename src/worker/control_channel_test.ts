import assert from "node:assert/strict";
import { ControlChannel } from "./control_channel.ts";

const encoder = new TextEncoder();
const DRAIN = { type: "drain", timeoutMs: 500 } as const;
const ADDRESS = { type: "address", server: 1, address: [2, 0] } as const;

Deno.test("messages are lines, however they are cut on their way", () => {
  const bytes = encoder.encode(`${JSON.stringify(DRAIN)}\n${JSON.stringify(ADDRESS)}\n`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const channel = new ControlChannel();
    const messages = [
      ...channel.parse(bytes.slice(0, cut), cut),
      ...channel.parse(bytes.slice(cut), bytes.length - cut),
    ];
    assert.deepEqual(messages, [DRAIN, ADDRESS], `cut at ${cut}`);
  }
});

Deno.test("only the bytes that were read count", () => {
  const bytes = encoder.encode(`${JSON.stringify(DRAIN)}\nleft from before\n`);
  const channel = new ControlChannel();
  assert.deepEqual(channel.parse(bytes, bytes.indexOf(10) + 1), [DRAIN]);
});
