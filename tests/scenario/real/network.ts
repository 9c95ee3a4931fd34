/**
 * Networks that a test makes for itself: network namespaces, each as good as a machine of its own,
 * with cables between them. Each is held by a process that waits for the end of its input, so that
 * nothing is left of it however the test ends; and nothing outside is touched.
 *
 * Who is not root makes them inside a user namespace, which the first of them belongs to.
 */
import { Program, runProgram } from "./program.ts";

const READY = "ready";
/** Addresses at once, not after asking whether somebody has them; and no filter of return paths. */
const PREPARE = `
  ip link set lo up
  for name in all default; do echo 0 > /proc/sys/net/ipv4/conf/$name/rp_filter; done
  echo ${READY}
  exec cat
`;

/** One network namespace. */
export class NetworkSpace {
  constructor(
    readonly keeper: Program,
    /** Put before a command line to run it in there. */
    readonly launcher: readonly string[],
  ) {}

  /** Runs a command in there. */
  async run(...command: readonly string[]): Promise<string> {
    return await runProgram([...this.launcher, ...command]);
  }

  /** Gives a device addresses with their prefixes, IPv4 or IPv6, for use at once. */
  async addAddresses(device: string, addresses: readonly string[]): Promise<void> {
    const lines = addresses.map((address) => {
      return `ip address add ${address} dev ${device} ${address.includes(":") ? "nodad" : ""}`;
    });
    await this.run("sh", "-ec", lines.join("\n"));
  }
}

export class Network implements AsyncDisposable {
  readonly #spaces: NetworkSpace[] = [];

  async addSpace(): Promise<NetworkSpace> {
    const isRoot = Deno.uid() === 0;
    const [first] = this.#spaces;
    const [user, inUser] = isRoot
      ? [[], []]
      : first === undefined
      ? [["--map-root-user"], []]
      : [[], [...first.launcher]];
    const keeper = new Program([...inUser, "unshare", "--net", ...user, "sh", "-ec", PREPARE]);
    const enter = ["nsenter", `--target=${keeper.pid}`, "--net"];
    const asUser = isRoot ? [] : ["--user", "--preserve-credentials"];
    const space = new NetworkSpace(keeper, [...enter, ...asUser, "--"]);
    this.#spaces.push(space);
    await keeper.untilWritten(new RegExp(READY));
    return space;
  }

  /** Lays a cable: a device `toB` in `a`, and a device `toA` in `b`. */
  async connect(a: NetworkSpace, toB: string, b: NetworkSpace, toA: string): Promise<void> {
    const pair = ["type", "veth", "peer", "name", toA, "netns", String(b.keeper.pid)];
    await a.run("ip", "link", "add", toB, ...pair);
    await a.run("ip", "link", "set", toB, "up");
    await b.run("ip", "link", "set", toA, "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { keeper } of this.#spaces.toReversed()) await keeper[Symbol.asyncDispose]();
  }
}

/** Waits until a program in there listens: `ss` knows a socket on that port. */
export async function untilListening(space: NetworkSpace, server: Program, port: number) {
  for (;;) {
    const sockets = await space.run("ss", "-Hlntu", "sport", "=", String(port));
    if (sockets.includes(`:${port}`)) return;
    if (server.hasEnded) throw new Error(`it ended instead of listening\n${server.state}`);
  }
}

/**
 * Sends a line by socat to `address`, in socat's words, and waits for an answer that `pattern`
 * matches. Its sockets are connected: what comes from somewhere else is not seen.
 */
export async function converseBySocat(
  space: NetworkSpace,
  address: string,
  line: string,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  await using client = new Program([...space.launcher, "socat", "-", address]);
  await client.tell(`${line}\n`);
  return await client.untilWritten(pattern);
}
