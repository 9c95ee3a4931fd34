/**
 * Servers whose health is one thing and whose work another: each has a loopback address of its own,
 * and there, on a port that is the same for all, somebody who answers probes. So a test decides
 * what Ringway thinks of a server that works as before, and sees who gets connections.
 */
import { type Mood, MoodyServer, tell } from "./moody_server.ts";
import { type RingwayProcess } from "./ringway_process.ts";
import { serverStatus } from "./health_status.ts";

/** Addresses from 127.0.2.1 on. */
const NETWORK = "127.0.2.";
/** For `health_check: { ... }`, with the port. */
const QUICK = "interval: 100ms, timeout: 100ms, rise: 1, fall: 1";

export class CheckedServers implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #servers = new Map<string, MoodyServer>();
  readonly #checks = new Map<string, MoodyServer>();
  #port = 0;

  /** Servers of these names, which behave as `moods` says, and all pass their checks. */
  static async start(
    names: readonly string[],
    moods: (name: string) => Mood = tell,
  ): Promise<CheckedServers> {
    const all = new CheckedServers();
    for (const [i, name] of names.entries()) {
      const hostname = `${NETWORK}${i + 1}`;
      const server = await MoodyServer.start(moods(name), { hostname });
      const check = await MoodyServer.start(tell("fine"), { hostname, port: all.#port });
      all.#port = check.port;
      all.#servers.set(name, all.#stack.use(server));
      all.#checks.set(name, all.#stack.use(check));
    }
    return all;
  }

  /** The key of a backend that has them checked. */
  get check(): string {
    return `health_check: { tcp: true, port: ${this.#port}, ${QUICK} }`;
  }

  /** By name, as `named` of health_status.ts takes them. */
  get addresses(): Record<string, string> {
    return Object.fromEntries(Array.from(this.#servers, ([name, { address }]) => [name, address]));
  }

  get(name: string): MoodyServer {
    return this.#servers.get(name)!;
  }

  /** Has exactly these servers down, and waits until Ringway knows it. */
  async setDown(ringway: RingwayProcess, ...names: string[]): Promise<void> {
    for (const [name, check] of this.#checks) {
      if (names.includes(name)) await check.refuse();
      else await check.comeBack();
    }
    await ringway.until(`down are: ${names.join(", ")}`, (snapshot) => {
      return Array.from(this.#checks.keys()).every((name) => {
        const state = serverStatus(snapshot, name).state;
        return state === (names.includes(name) ? "down" : "up");
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
