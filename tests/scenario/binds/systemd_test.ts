import { match, strictEqual } from "node:assert/strict";
import { askName, Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { askDatagram } from "../datagram_socket.ts";
import { Origin, say } from "../origin.ts";
import { freePort } from "../real/free_port.ts";
import { Program } from "../real/program.ts";
import { launchRingway, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { withSockets } from "./activation.ts";

const HOST = "127.0.4.40";

Deno.test("sockets of systemd are used by name, for TCP, UDP and unix", async () => {
  await using origin = new Origin(say("over TCP"));
  using server = await DatagramServer.start(echoDatagrams);
  const folder = Deno.makeTempDirSync({ prefix: "ringway-sockets-" });
  using _removal = { [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
  const [web, dns] = [await freePort(HOST), await freePort(HOST)];
  await using ringway = await startRingway(
    `
workers: 2
listeners:
  web: { bind: "systemd:web.socket", backend: app }
  dns: { bind: "systemd:dns", protocol: udp, backend: names }
  local: { bind: "systemd:local", backend: app }
backends:
  app: ["${origin.address}"]
  names: ["${server.address}"]
`,
    {
      launcher: withSockets([
        { name: "dns", kind: "udp", at: `${HOST}:${dns}` },
        { name: "local", kind: "unix", at: `${folder}/local.sock` },
        { name: "web.socket", kind: "tcp", at: `${HOST}:${web}` },
      ]),
    },
  );
  for (let i = 0; i < 10; i++) {
    strictEqual(await askName(web, HOST), "over TCP");
    strictEqual(await askDatagram(dns, `${i}`, { hostname: HOST }), `${i}`);
  }
  await using client = new Program(["socat", "-", `UNIX-CONNECT:${folder}/local.sock`]);
  await client.untilWritten(/over TCP/);
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
  strictEqual(Deno.lstatSync(`${folder}/local.sock`).isSocket, true, "the file is systemd's");
});

Deno.test("UDP sockets of every address answer from the one that was asked", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  const [four, six] = [await freePort("0.0.0.0"), await freePort("::")];
  await using ringway = await startRingway(
    `
workers: 2
listeners:
  four: { bind: "systemd:four", protocol: udp, backend: app }
  six: { bind: "systemd:six", protocol: udp, backend: app }
backends:
  app: ["${server.address}"]
`,
    {
      launcher: withSockets([
        { name: "four", kind: "udp", at: `0.0.0.0:${four}` },
        { name: "six", kind: "udp", at: `[::]:${six}` },
      ]),
    },
  );
  strictEqual(ringway.port("six"), six);
  // Sockets that are connected take nothing from elsewhere.
  for (const hostname of ["127.0.0.1", "127.0.4.41"]) {
    for (const port of [four, six]) {
      strictEqual(await askDatagram(port, hostname, { hostname, from: "127.0.0.1" }), hostname);
    }
  }
  strictEqual(await askDatagram(six, "over six", { hostname: "::1" }), "over six");
});

Deno.test("who connects before the program is up is served when it is", async () => {
  await using origin = new Origin(say("served"));
  const port = await freePort(HOST);
  await using ringway = launchRingway(
    configText({ bind: "systemd:web", servers: [origin] }),
    { launcher: withSockets([{ name: "web", kind: "tcp", at: `${HOST}:${port}` }]) },
  );
  using client = await until("the socket is there", async () => {
    try {
      return await Client.connect(port, HOST);
    } catch {
      return false; // perl is starting
    }
  }, { state: () => ringway.state });
  strictEqual((await client.receiveRest()).text, "served");
});

Deno.test("a name that systemd has not passed: which there are, and 1", async () => {
  const port = await freePort(HOST);
  await using ringway = launchRingway(
    configText({ bind: "systemd:wbe", servers: ["127.0.0.2:1"] }),
    { launcher: withSockets([{ name: "web", kind: "tcp", at: `${HOST}:${port}` }]) },
  );
  const status = await ringway.exitCode();
  const said = ringway.log.join("\n");
  strictEqual(status, 1, said);
  match(
    said,
    /cannot bind "systemd:wbe" .*: systemd passed "web"; bind that, or set FileDescriptorName=wbe/,
  );
});

Deno.test("without systemd a bind to its socket is an error that says so", async () => {
  await using ringway = launchRingway(
    configText({ bind: "systemd:web", servers: ["127.0.0.2:1"] }),
  );
  const status = await ringway.exitCode();
  const said = ringway.log.join("\n");
  strictEqual(status, 1, said);
  match(said, /cannot bind "systemd:web" .*: nothing was passed by systemd .*, or bind an address/);
});
