import assert from "node:assert/strict";
import { openShim } from "../../ffi/shim.ts";
import { EAGAIN } from "../base/errno.ts";
import type { Shim } from "../../ffi/shim.ts";
import { Notifier, type Variables } from "./notify.ts";
import { NotifyReceiver } from "./test_notify_receiver.ts";

const PID = 4711;

function variables(entries: Record<string, string>): Variables & Map<string, string> {
  return new Map(Object.entries(entries));
}

function unheard(text: string): void {
  assert.fail(`warned: ${text}`);
}

async function withReceiver(
  address: string,
  body: (receiver: NotifyReceiver) => Promise<void>,
): Promise<void> {
  await using receiver = await NotifyReceiver.open(address);
  await body(receiver);
}

Deno.test("a path and an abstract name are told that it is ready, and that it stops", async () => {
  const folder = await Deno.makeTempDir({ prefix: "ringway-notify-" });
  try {
    for (const address of [`${folder}/notify`, `@ringway-notify-${crypto.randomUUID()}`]) {
      await withReceiver(address, async (receiver) => {
        const given = variables({ NOTIFY_SOCKET: address });
        const notifier = Notifier.open(openShim(), unheard, given, PID);
        const stopped = receiver.next("STOPPING");
        notifier.ready("serving");
        notifier.stopping("draining\nREADY=1");
        await stopped;
        assert.deepEqual(receiver.received, [
          "READY=1|STATUS=serving",
          "STOPPING=1|STATUS=draining READY=1",
        ]);
        notifier.close();
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("signs of life come twice in the time of the watchdog, if it is ours", async () => {
  const address = `@ringway-notify-${crypto.randomUUID()}`;
  await withReceiver(address, async (receiver) => {
    const asked = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "40000", WATCHDOG_PID: String(PID) };
    const other = variables({ ...asked, WATCHDOG_PID: "1" });
    const silent = Notifier.open(openShim(), unheard, other, PID);
    const first = receiver.next("");
    const startedMs = performance.now();
    const notifier = Notifier.open(openShim(), unheard, variables(asked), PID);
    await first;
    assert.ok(performance.now() - startedMs >= 15, "not before half of the time");
    await receiver.next("WATCHDOG=1");
    notifier.close();
    silent.close();
    assert.deepEqual(new Set(receiver.received), new Set(["WATCHDOG=1"]));
  });
});

Deno.test("what concerns the supervisor alone is taken out of the environment", () => {
  const given = variables({
    ...{ NOTIFY_SOCKET: "", WATCHDOG_USEC: "1", WATCHDOG_PID: "1", LISTEN_FDS: "1" },
  });
  const notifier = Notifier.open(openShim(), unheard, given, PID);
  assert.deepEqual([...given.keys()], ["LISTEN_FDS"]);
  notifier.ready("told nobody");
  notifier.close();
});

Deno.test("a service manager that cannot be reached is warned of once", () => {
  for (const address of ["/nowhere/notify", "notify", "vsock:2:1", "/", `/${"x".repeat(108)}`]) {
    const warnings: string[] = [];
    const given = variables({ NOTIFY_SOCKET: address });
    const notifier = Notifier.open(openShim(), (text) => warnings.push(text), given, PID);
    notifier.ready("serving");
    notifier.stopping("draining");
    notifier.close();
    assert.equal(warnings.length, 1, address);
    assert.match(warnings[0], /^the service manager cannot be told that we run: .* \(NOTIFY_/);
  }
});

Deno.test("what a full queue does not take is sent again, in order", async () => {
  const sent: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let refusals = 2;
  let open = 0;
  const scratch = new Uint8Array(1024);
  const library = {
    rw_socket: () => (open++, 7),
    rw_connect: () => 0,
    rw_close: () => open--,
    rw_send: (_fd: number, bytes: number) => {
      if (refusals-- > 0) return -EAGAIN;
      sent.push(new TextDecoder().decode(scratch.subarray(0, bytes)));
      if (sent.length === 2) resolve();
      return bytes;
    },
  };
  const shim = { library, scratch } as unknown as Shim;
  const notifier = Notifier.open(shim, unheard, variables({ NOTIFY_SOCKET: "/n" }), PID);
  notifier.ready("x".repeat(5000));
  notifier.stopping("draining");
  await promise;
  assert.match(sent[0], /^READY=1\nSTATUS=x{193}$/);
  assert.equal(sent[1], "STOPPING=1\nSTATUS=draining");
  assert.equal(open, 0);
  notifier.close();
});
