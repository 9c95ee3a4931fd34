import { match, strictEqual } from "node:assert/strict";
import { converseBySocat, Network, untilListening } from "../real/network.ts";
import { Program } from "../real/program.ts";
import { startRingway } from "../ringway_process.ts";

/** RFC 5737: an address that no interface has. */
const LATER = "192.0.2.1";

Deno.test("an address that comes later is bound, with a warning, and answers then", async () => {
  await using network = new Network();
  const space = await network.addSpace();
  const servers = [
    "TCP4-LISTEN:7000,bind=127.0.0.2,fork",
    "UDP4-RECVFROM:7001,bind=127.0.0.2,fork",
  ];
  await using stack = new AsyncDisposableStack();
  for (const [i, serve] of servers.entries()) {
    const server = stack.use(new Program([...space.launcher, "socat", serve, "PIPE"]));
    await untilListening(space, server, 7000 + i);
  }
  await using ringway = await startRingway(
    `
workers: 2
listeners:
  web: { bind: "${LATER}:8000", backend: web }
  dns: { bind: "${LATER}:5300", protocol: udp, backend: dns }
  here: { bind: "127.0.0.1:8001", backend: web }
backends:
  web: ["127.0.0.2:7000"]
  dns: ["127.0.0.2:7001"]
`,
    { launcher: space.launcher },
  );
  const warnings = ringway.log.filter((line) => line.includes('"level":"warn"'));
  strictEqual(warnings.length, 2, warnings.join("\n"));
  match(warnings[0], /listener \\"web\\" .*192\.0\.2\.1:8000.*no interface/);
  match(warnings[1], /listener \\"dns\\" .*192\.0\.2\.1:5300.*no interface/);
  await converseBySocat(space, "TCP4:127.0.0.1:8001", "meanwhile", /^meanwhile$/m);

  await space.run("ip", "address", "add", `${LATER}/32`, "dev", "lo");
  await converseBySocat(space, `TCP4:${LATER}:8000`, "over TCP", /^over TCP$/m);
  await converseBySocat(space, `UDP4:${LATER}:5300`, "over UDP", /^over UDP$/m);
  const { listeners } = await ringway.snapshot();
  strictEqual(listeners.every(({ total }) => total === 1), true);
});
