import assert from "node:assert/strict";

/**
 * A simulation that finds nothing may be blind. So single lines of the data plane are broken, in a
 * copy, each as a slip might break it, and the simulation has to notice within some seeds.
 */
interface Slip {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const SLIPS: readonly Slip[] = [
  {
    what: "a FIN overtakes the bytes before it",
    file: "src/connection/relay.ts",
    from: "if ((tunnels.flags[endpoint ^ 1] & SENDING) === 0) this.#finish(endpoint ^ 1);",
    to: "this.#finish(endpoint ^ 1);",
  },
  {
    what: "the rest of a short send is forgotten",
    file: "src/connection/relay.ts",
    from: "if (result < pool.bytes[buffer]) {",
    to: "if (result < 0) {",
  },
  {
    what: "a buffer is not given back after its send",
    file: "src/connection/relay.ts",
    from: "    tunnels.sending[endpoint] = -1;\n    pool.release(buffer);\n    const head",
    to: "    tunnels.sending[endpoint] = -1;\n    const head",
  },
  {
    what: "a buffer is given back before its send is over",
    file: "src/connection/relay.ts",
    from: "    this.#sends.add(endpoint);\n",
    to: "    this.#sends.add(endpoint);\n    pool.release(buffer);\n    pool.place[buffer] = 2;\n",
  },
  {
    what: "a full queue does not pause reading",
    file: "src/connection/relay.ts",
    from: "tunnels.queueBytes[destination] >= QUEUE_BYTES_HIGH",
    to: "tunnels.queueBytes[destination] < 0",
  },
  {
    what: "paused reading is not resumed",
    file: "src/connection/relay.ts",
    from: "    this.#resume(endpoint ^ 1);\n",
    to: "",
  },
  {
    what: "a reset is passed on as a clean end",
    file: "src/connection/relay.ts",
    from: "tunnels.resets[slot] = reset ? 1 : 0;",
    to: "tunnels.resets[slot] = 0;",
  },
  {
    what: "fds are closed while operations are in flight",
    file: "src/connection/relay.ts",
    from: "    if (tunnels.inFlight(slot)) return;\n",
    to: "",
  },
  {
    what: "a receive without a buffer is asked for again at once",
    file: "src/socket/failure.ts",
    from: "[ENOBUFS, SHORT], [ECANCELED, AGAIN]",
    to: "[ENOBUFS, AGAIN], [ECANCELED, AGAIN]",
  },
  {
    what: "merged bytes land one byte off",
    file: "src/buffer/buffer_pool.ts",
    from: "this.slab.copyWithin(bufferOffset(to) + end, source",
    to: "this.slab.copyWithin(bufferOffset(to) + end, source + 1",
  },
  {
    what: "the queue is sent newest first",
    file: "src/connection/send_queue.ts",
    from: "      this.#pool.next[last] = buffer;\n",
    to: "      this.#pool.next[buffer] = tunnels.queueHead[endpoint];\n" +
      "      tunnels.queueHead[endpoint] = buffer;\n      return;\n",
  },
  {
    what: "bytes that were only looked at are not taken out of their socket",
    file: "src/connection/relay.ts",
    from: "if (this.#ring.discard(tunnels.fd[source], result) !== result) {",
    to: "if (result < 0) {",
  },
  {
    what: "a send of the next turn counts as over",
    file: "src/connection/unsettled_sends.ts",
    from: "if ((flags & SETTLING) !== 0) {",
    to: "if ((flags & SENDING_NOW) !== 0) {",
  },
  {
    what: "a late connect is not cancelled",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "this.#ring.cancel(CONNECT, slot * 2 + 1, this.tunnels.generation[slot]);",
    to: "",
  },
  {
    what: "a server's open connections are not counted down",
    file: "src/proxy/tcp/tcp_proxy.ts",
    from: "    this.#row[at + metric.SERVER_OPEN]--;\n    this.#log",
    to: "    this.#log",
  },
  {
    what: "half-closed tunnels have no deadline",
    file: "src/connection/relay.ts",
    from: "    this.#row[half ? metric.HALF_CLOSE_TIMEOUTS : metric.IDLE_TIMEOUTS]++;",
    to: "    if (half) return;\n    this.#row[metric.IDLE_TIMEOUTS]++;",
  },
];

const ROOT = new URL("../../", import.meta.url).pathname;
const SEEDS = 120;

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

async function simulate(folder: string): Promise<{ success: boolean; text: string }> {
  const { success, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check", `${folder}/scripts/simulate.ts`],
      ...["--seed", "1", "--seeds", String(SEEDS)],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return { success, text: new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout) };
}

Deno.test("a broken build is caught by the simulation", async (test) => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-broken-" });
  try {
    for (const part of ["src", "ffi", "tests/simulation"]) {
      copyTree(`${ROOT}${part}`, `${folder}/${part}`);
    }
    Deno.mkdirSync(`${folder}/scripts`);
    for (const file of ["scripts/simulate.ts", "deno.json", ".deno.lock"]) {
      Deno.copyFileSync(`${ROOT}${file}`, `${folder}/${file}`);
    }
    for (const { what, file, from, to } of SLIPS) {
      await test.step(what, async () => {
        const text = Deno.readTextFileSync(`${ROOT}${file}`);
        assert.equal(text.split(from).length, 2, `${file} has the line to break once:\n${from}`);
        Deno.writeTextFileSync(`${folder}/${file}`, text.replace(from, () => to));
        const run = await simulate(folder);
        Deno.writeTextFileSync(`${folder}/${file}`, text);
        assert.equal(run.success, false, `not noticed in ${SEEDS} seeds`);
        assert.match(run.text, /^seed \d+, turn \d+: /m, "the failing seed is named");
      });
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
