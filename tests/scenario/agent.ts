/**
 * An agent as HAProxy has them: it tells in a line what should become of a server, to whoever
 * connects. The line may be changed at any time, also to what no agent should say.
 */
import { beSilent, MoodyServer, speakForever } from "./moody_server.ts";
import { until } from "./until.ts";

const KIBIBYTE = new TextEncoder().encode("up ".repeat(341) + "\n");

export class Agent implements AsyncDisposable {
  /** What it says to who connects next; null: nothing, until the other end goes. */
  line: string | null;
  readonly #server: MoodyServer;

  private constructor(server: MoodyServer, line: string | null) {
    this.#server = server;
    this.line = line;
    server.mood = (socket) => {
      if (this.line === null) return beSilent(socket);
      socket.on("data", () => {}); // what it is told first, if anything
      socket.end(this.line);
    };
  }

  static async start(line: string | null): Promise<Agent> {
    return new Agent(await MoodyServer.start(beSilent), line);
  }

  get port(): number {
    return this.#server.port;
  }

  /** What came first on each connection. */
  get heard(): readonly string[] {
    return this.#server.heard;
  }

  /** Says this from now on, and waits until somebody has surely heard it. */
  async say(line: string | null): Promise<void> {
    this.line = line;
    await this.untilAsked(2);
  }

  /** Speaks without end. */
  async rave(): Promise<void> {
    const calm = this.#server.mood;
    this.#server.mood = speakForever(KIBIBYTE);
    await this.untilAsked(2);
    this.#server.mood = calm;
  }

  /** Waits until it was asked so many times more. */
  async untilAsked(times: number): Promise<void> {
    const before = this.#server.acceptedCount;
    await until(`the agent was asked ${times} times more`, () => {
      return this.#server.acceptedCount >= before + times;
    });
  }

  async refuse(): Promise<void> {
    await this.#server.refuse();
  }

  async comeBack(): Promise<void> {
    await this.#server.comeBack();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
