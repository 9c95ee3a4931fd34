import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Agent } from "../agent.ts";
import { askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import {
  changesOf,
  command,
  named,
  serverStatus,
  untilElapsed,
  untilState,
} from "../health_status.ts";
import { greet, type Mood, MoodyServer, tell } from "../moody_server.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const QUICK = "interval: 100ms, timeout: 100ms";
/** A host without an agent: its checks fail, and that must change nothing. */
const OTHER_HOST = "127.0.0.3";

interface Scene extends AsyncDisposable {
  readonly ringway: RingwayProcess;
  readonly agent: Agent;
  readonly a: MoodyServer;
}

/** Servers a, which has an agent, and b. */
async function startScene(moods: (name: string) => Mood, backend: string): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const a = stack.use(await MoodyServer.start(moods("a")));
  const b = stack.use(await MoodyServer.start(moods("b"), { hostname: OTHER_HOST }));
  const agent = stack.use(await Agent.start("up ready 100%\n"));
  const ringway = stack.use(
    await startRingway(configText({
      workers: 2,
      servers: named({ a, b }),
      backend:
        `${backend}, agent_check: { port: ${agent.port}, ${QUICK}, send: "how are you?\\n" }`,
    })),
  );
  await agent.untilAsked(2);
  return { ringway, agent, a, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("an agent drains its server, takes it out or down, and gives it back", async () => {
  await using scene = await startScene(greet, "balance: least_conn");
  const { ringway, agent } = scene;
  using clients = new DisposableStack();
  const held: Client[] = [];
  for (let i = 0; i < 4; i++) {
    held.push(clients.use(await Client.connect(ringway.port())));
    await held[i].receive(1);
  }
  for (
    const [line, state, reason] of [
      ["drain\n", "drain", /drain/],
      ["ready\n", "up", /(?:)/],
      ["maint\n", "maint", /maint/],
      ["up, ready\r\n", "up", /(?:)/],
      ["down#disk full\n", "down", /disk full/],
      ["up\n", "up", /(?:)/],
      ["failed\n", "down", /failed/],
      ["up 100%\tready\n", "up", /(?:)/],
      ["stopped#by hand\n", "down", /by hand/],
      ["up maxconn:30\n", "up", /(?:)/],
    ] as const
  ) {
    agent.line = line;
    await untilState(ringway, "a", state, reason);
    strictEqual(serverStatus(await ringway.snapshot(), "b").state, "up");
    if (state === "up") continue;
    // Two that end at once, so that b never has fewer than a: only what a says keeps them away.
    for (let i = 0; i < 3; i++) {
      using client = await Client.connect(ringway.port());
      strictEqual(await client.receive(1), "b", line);
    }
  }
  for (const client of held) strictEqual(await client.converse("still here"), "still here");
  strictEqual(agent.heard[0], "how are you?\n");
});

Deno.test("an agent's percentage is what is left of the weight, and leaves states", async () => {
  await using scene = await startScene(tell, "balance: round_robin");
  const { ringway, agent } = scene;
  const share = (wanted: number) =>
    ringway.until(`a has a share of ${wanted}`, (snapshot) => {
      return Math.abs(serverStatus(snapshot, "a").share - wanted) < 0.005;
    });
  agent.line = "50%\n";
  await share(0.5);
  const counts = tally(await askNames(ringway.port(), 60));
  // A third, by turns of two workers of their own.
  strictEqual(counts.a >= 17 && counts.a <= 23, true, JSON.stringify(counts));
  agent.line = "drain\n";
  await untilState(ringway, "a", "drain");
  await agent.say("25%\n");
  await share(0.25);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "drain");
  agent.line = "ready 100%\n";
  await untilState(ringway, "a", "up");
  await share(1);
  agent.line = "0%\n";
  await share(0);
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { b: 10 });
});

Deno.test("an agent that says nothing, nonsense or too much is reported, not obeyed", async () => {
  await using scene = await startScene(tell, "balance: round_robin");
  const { ringway, agent } = scene;
  agent.line = "50%\n";
  await ringway.until("half", (snapshot) => serverStatus(snapshot, "a").share === 0.5);
  const before = changesOf(await ringway.snapshot(), "a");
  const unchanged = async (what: string) => {
    const { state, share } = serverStatus(await ringway.snapshot(), "a");
    deepStrictEqual([state, share], ["up", 0.5], what);
  };
  for (
    const line of [
      "down and out\n",
      "downwards\n",
      "drain;maint\n",
      "\n",
      "",
      "-5%\n",
      "1e3%\n",
      "%\n",
      "\0\0\0down\n",
      "maint" + " ".repeat(300) + "\n",
      "x".repeat(1 << 20) + "\n",
      "down ".repeat(1 << 18) + "\n",
      null,
    ]
  ) {
    await agent.say(line);
    await unchanged(JSON.stringify(line)?.slice(0, 30));
  }
  await agent.rave();
  await unchanged("it raves");
  await agent.refuse();
  await untilElapsed(300);
  await unchanged("nobody there");
  await agent.comeBack();
  await agent.say("75%\n");
  await ringway.until("it is heard again", (snapshot) => {
    return serverStatus(snapshot, "a").share === 0.75;
  });
  const changes = changesOf(await ringway.snapshot(), "a");
  deepStrictEqual(changes, [...before, "share 50% to share 75%"]);
});

Deno.test("an operator counts for more than an agent, an agent for more than probes", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"), { hostname: OTHER_HOST });
  await using agent = await Agent.start("ready\n");
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: `agent_check: { port: ${agent.port}, ${QUICK} },
      health_check: { tcp: true, ${QUICK}, fall: 1, rise: 1 }`,
  }));
  await agent.untilAsked(1);
  await a.refuse();
  await untilState(ringway, "a", "down", /probe/);
  agent.line = "drain\n";
  await untilState(ringway, "a", "drain", /agent/);
  agent.line = "maint\n";
  await untilState(ringway, "a", "maint", /agent/);
  await command(ringway, "drain", "app/a");
  await untilState(ringway, "a", "drain", /operator/);
  await agent.say("ready\n");
  await a.comeBack();
  await command(ringway, "maint", "app/a");
  await untilState(ringway, "a", "maint", /operator/);
  await command(ringway, "ready", "app/a");
  await untilState(ringway, "a", "up");
});
