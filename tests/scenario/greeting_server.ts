/**
 * A server in a process of its own, a program, so that it can be killed and started again on the
 * same port while connections are open to it: it tells its name and sends back what it receives.
 *
 *   greeting_server.ts NAME PORT
 */
import { LoadProcess } from "./load_process.ts";
import { greet, MoodyServer } from "./moody_server.ts";
import { until } from "./until.ts";

const HOSTNAME = "127.0.0.2";

export class GreetingServer implements AsyncDisposable {
  #process: LoadProcess;

  private constructor(readonly name: string, process: LoadProcess, readonly port: number) {
    this.#process = process;
  }

  static async start(name: string, port = 0): Promise<GreetingServer> {
    const process = new LoadProcess(import.meta.url, [name, String(port)]);
    return new GreetingServer(name, process, await process.next<number>("its port"));
  }

  get address(): string {
    return `${HOSTNAME}:${this.port}`;
  }

  /** Kills it (SIGKILL); when that is done, in milliseconds since 1970. */
  async kill(): Promise<number> {
    await this.#process[Symbol.asyncDispose]();
    return performance.timeOrigin + performance.now();
  }

  /** Starts it again on its port. */
  async restart(): Promise<void> {
    this.#process = new LoadProcess(import.meta.url, [this.name, String(this.port)]);
    await this.#process.next<number>("its port");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

if (import.meta.main) {
  const [name, port] = Deno.args;
  const server = await MoodyServer.start(greet(name), { hostname: HOSTNAME, port: Number(port) });
  console.log(JSON.stringify(server.port));
  await until("it is killed", () => false, { withinMs: 600_000 });
}
