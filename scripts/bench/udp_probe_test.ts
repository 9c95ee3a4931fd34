import { strictEqual } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { findFreeUdpPort } from "../free_port.ts";
import { isUdpAnswered } from "./udp_probe.ts";

Deno.test("a port that sends anything back is answered, one where nobody is is not", async () => {
  const port = await findFreeUdpPort();
  strictEqual(await isUdpAnswered(port, 20), false);
  const { promise, resolve } = Promise.withResolvers<void>();
  const echo = createSocket("udp4");
  echo.on("message", (query, { port }) => echo.send(query, port, "127.0.0.1"));
  echo.bind(port, "127.0.0.1", resolve);
  await promise;
  strictEqual(await isUdpAnswered(port, 5000), true);
  echo.close();
});
