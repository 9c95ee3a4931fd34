/**
 * Sockets that another process has made, and that others hold open as well: what is done with them
 * here must not change what those others see, nor what they do reach us.
 */
import assert from "node:assert/strict";
import { bufferOffset } from "../buffer/buffer_pool.ts";
import { AF_INET, encodeSocketAddress } from "../net/socket_address.ts";
import { openShim } from "../../ffi/shim.ts";
import { ACCEPT, DATAGRAM, DATAGRAM_SOCKET, FORWARDED, STREAM } from "./ring.ts";
import { LOOPBACK, makeBenches, type RingBench, SPARE } from "./test_bench.ts";

const { onEachEngine } = makeBenches();

/** A socket that was made elsewhere, and that others hold open as well. */
function inherit(type: number): number {
  return openShim().library.rw_socket(AF_INET, type);
}

/** False: the closed socket's number was taken by another thread, and nothing was seen. */
async function closeWhileHeld(bench: RingBench): Promise<boolean> {
  const { ring, shim } = bench;
  const fd = inherit(DATAGRAM_SOCKET);
  const port = bench.bind(fd, encodeSocketAddress(LOOPBACK, 0));
  shim.library.rw_close_on_exec(fd, 0);
  const holder = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
  bench.offerDatagrams(2);
  ring.receiveMessages(fd, DATAGRAM, 0, 0);
  const client = bench.connectDatagrams(port);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 1, 0);
  assert.equal(bench.collect(1)[0].result, 1);
  ring.cancelAll(fd);
  bench.collect(1);
  ring.closeNow(fd);
  const again = ring.openSocket(AF_INET, DATAGRAM_SOCKET);
  bench.bind(again, encodeSocketAddress(LOOPBACK, 0));
  ring.receiveMessages(again, DATAGRAM, 1, 0);
  // To the socket that only the other process has now.
  for (let i = 0; i < 3; i++) ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 1, 0);
  bench.expectSilence();
  ring.turn(20);
  assert.equal(ring.next(), false);
  ring.cancelAll(again);
  bench.collect(1);
  bench.closeAll(client, again);
  await holder.stdin.close();
  await holder.status;
  return again === fd;
}

onEachEngine("a socket that others hold open is not heard of after its close", async (bench) => {
  let isSeen = false;
  for (let i = 0; i < 10 && !isSeen; i++) isSeen = await closeWhileHeld(bench);
  assert.ok(isSeen, "the number is used again");
});

onEachEngine("a listener that was inherited is accepted from without changing it", (bench) => {
  const { ring, shim } = bench;
  const fd = inherit(STREAM);
  const port = bench.bind(fd, encodeSocketAddress(LOOPBACK, 0));
  assert.equal(shim.library.rw_listen(fd, 16), 0);
  ring.accept(fd, 2, ACCEPT, 0, 0);
  bench.expectSilence();
  const flags = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`).match(/flags:\s*(\d+)/)![1];
  assert.equal(parseInt(flags, 8) & 0o4000, 0, "it still blocks");
  const client = bench.startConnect(port);
  const accepted = bench.collect(2).find(({ kind }) => kind === ACCEPT)!.result;
  ring.closeNow(fd);
  bench.closeAll(client, accepted);
});
