import { deepStrictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { Origin, say } from "../origin.ts";
import { ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

const hostname = "127.0.0.1";

/** Answers with its name, and that it is well. */
function serveHttp(name: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
    const isCheck = new URL(request.url).pathname === "/healthz";
    const headers = { connection: "close" };
    return isCheck ? new Response(null, { status: 204 }) : new Response(name, { headers });
  });
}

async function askHttp(port: number, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    names.push(await (await fetch(`http://${hostname}:${port}/`)).text());
  }
  return names;
}

Deno.test("config/resilience.yaml: own zone first, a canary by label, a standby", async () => {
  await using web1 = serveHttp("web-1");
  await using web2 = serveHttp("web-2");
  await using web3 = serveHttp("web-3");
  await using primary = new Origin(say("primary"), { hostname });
  await using standby = new Origin(say("standby"), { hostname });
  await using ringway = await startRingway("", {
    command: [...RUN_MAIN, "serve", "-c", `${ROOT}/config/resilience.yaml`],
    environment: {
      WEB_PORT: "0",
      CANARY_PORT: "0",
      DATABASE_PORT: "0",
      WEB_1_PORT: String(web1.addr.port),
      WEB_2_PORT: String(web2.addr.port),
      WEB_3_PORT: String(web3.addr.port),
      PRIMARY_PORT: String(primary.port),
      STANDBY_PORT: String(standby.port),
    },
  });
  const web = tally(await askHttp(ringway.port("web"), 20));
  deepStrictEqual(Object.keys(web).sort(), ["web-1", "web-2"], "the other zone is not needed");
  deepStrictEqual(tally(await askHttp(ringway.port("canary"), 5)), { "web-3": 5 });
  deepStrictEqual(tally(await askNames(ringway.port("database"), 5)), { primary: 5 });
  await primary.stop();
  deepStrictEqual(tally(await askNames(ringway.port("database"), 5)), { standby: 5 });
});
