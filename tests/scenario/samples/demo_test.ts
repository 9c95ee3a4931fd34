import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { launchRingway, type RingwayProcess, ROOT } from "../ringway_process.ts";
import { until } from "../until.ts";

/** What README promises is a quarter of that; the machine of a test may be busy. */
const START_MS_MAX = 2000;

function launchDemo(): RingwayProcess {
  return launchRingway("", {
    command: [Deno.execPath(), "task", "--quiet", "serve"],
    folder: ROOT,
    environment: { PORT: "0" },
  });
}

async function get(port: number): Promise<string> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch(`http://127.0.0.1:${port}/`, { client });
  strictEqual(response.status, 200);
  return await response.text();
}

Deno.test("the demonstration's three servers take turns, and Ctrl-C ends it", async () => {
  await using demo = launchDemo();
  await demo.untilServing();
  const names: string[] = [];
  for (let i = 0; i < 9; i++) {
    const text = await get(demo.port());
    match(text, /^hello from (one|two|three) \(you came from port \d+\)\n$/);
    names.push(text.split(" ")[2]);
  }
  const order = ["one", "two", "three"];
  const start = order.indexOf(names[0]);
  deepStrictEqual(names, Array.from({ length: 9 }, (_, i) => order[(start + i) % 3]));
  await demo.untilLogged(`curl 127.0.0.1:${demo.port()}`);

  demo.kill("SIGINT");
  await until("it has ended", () => demo.processes.length === 0, { state: () => demo.state });
  strictEqual(await demo.exitCode(), 0);
});

Deno.test("the demonstration answers within a second of its start", async (t) => {
  {
    await using first = launchDemo();
    await first.untilServing();
  }
  const startedMs = performance.now();
  await using demo = launchDemo();
  const line = await demo.untilLogged("curl 127.0.0.1:");
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)![1]);
  await until("it answers", async () => {
    try {
      return await get(port);
    } catch {
      return undefined; // its worker is starting
    }
  }, { state: () => demo.state });
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(`${t.name}: ${tookMs} ms`);
  strictEqual(tookMs < START_MS_MAX, true, `it took ${tookMs} ms`);
});
