/**
 * A server whose mood a test changes at any moment: it answers, is silent, breaks off half-way,
 * answers late, refuses, comes back on the same port. A change is for connections that come after
 * it; what is open goes on as it began.
 *
 * On sockets of Node's kind, because the runtime's own cannot be reset. In the process of the test:
 * server_process.ts has those that are to be killed.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { untilRefusing } from "./refusal.ts";
import { until, within } from "./until.ts";

/** The loopback address of origins: no outgoing connection takes a port of it by chance. */
const SERVER_HOST = "127.0.0.2";
const DECODER = new TextDecoder("latin1");

/** What is done with a connection that was taken. It may be broken by its peer at any time. */
export type Mood = (socket: Socket) => void;

export class MoodyServer implements AsyncDisposable {
  /** Connections taken so far. */
  acceptedCount = 0;
  /** Most that were open at one time. */
  openMost = 0;
  readonly open = new Set<Socket>();
  /** What came first on each connection on which anything came, in order. */
  readonly heard: string[] = [];
  #server: Server | null = null;
  #port = 0;

  private constructor(public mood: Mood, readonly hostname: string) {}

  static async start(
    mood: Mood,
    { hostname = SERVER_HOST, port = 0 }: { hostname?: string; port?: number } = {},
  ): Promise<MoodyServer> {
    const server = new MoodyServer(mood, hostname);
    server.#port = port;
    await server.comeBack();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** As the configuration names it. */
  get address(): string {
    return `${this.hostname}:${this.#port}`;
  }

  /** Connections are refused from now on; those that are open go on. */
  async refuse(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.close();
    await untilRefusing(this.hostname, this.#port);
  }

  /** Takes connections again, on its port. */
  async comeBack(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#take(socket));
    const listening = once(server, "listening");
    server.listen(this.#port, this.hostname);
    await within(`a server listens on ${this.address}`, listening);
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  #take(socket: Socket): void {
    this.acceptedCount++;
    this.open.add(socket);
    this.openMost = Math.max(this.openMost, this.open.size);
    socket.on("error", () => {}); // it is the peer's right to go
    socket.on("close", () => this.open.delete(socket));
    socket.once("data", (bytes: Uint8Array) => this.heard.push(DECODER.decode(bytes)));
    this.mood(socket);
  }

  async untilAccepted(count: number): Promise<void> {
    await until(`${this.address} has taken ${count} connections`, () => {
      return this.acceptedCount >= count;
    }, { state: () => `it has taken ${this.acceptedCount}` });
  }

  /** Resets what is open. */
  resetAll(): void {
    for (const socket of this.open) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.open) socket.destroy();
    await until("its connections have ended", () => this.open.size === 0);
  }
}

/** Tells its name, then sends back what it receives. */
export function greet(name: string): Mood {
  return (socket) => {
    socket.write(name);
    socket.pipe(socket);
  };
}

/** Speaks first and ends its half; goes when the client has gone. */
export function tell(text: string): Mood {
  return (socket) => {
    socket.resume();
    socket.end(text);
  };
}

/** Sends back what it receives. */
export const echoBack: Mood = (socket) => {
  socket.pipe(socket);
};

/** Takes the connection, and that is all. */
export const beSilent: Mood = (socket) => {
  socket.resume();
  socket.on("end", () => socket.end());
};

/** Resets at once. */
export const resetAtOnce: Mood = (socket) => {
  socket.resetAndDestroy();
};

/** Answers a part of what it should, and resets then. */
export function resetAfter(part: string): Mood {
  return (socket) => {
    socket.write(part, () => socket.resetAndDestroy());
  };
}

/** As `mood`, but so much later; what has come until then waits for it. */
export function late(mood: Mood, byMs: number): Mood {
  return (socket) => {
    socket.pause();
    const timer = setTimeout(() => {
      mood(socket);
      socket.resume();
    }, byMs);
    socket.on("close", () => clearTimeout(timer));
  };
}

/** Waits for anything, then speaks and ends its half. */
export function answer(text: string): Mood {
  return (socket) => {
    socket.once("data", () => socket.end(text));
    socket.on("end", () => socket.end());
  };
}

/** Speaks without end, whoever reads; `chunk` again and again. */
export function speakForever(chunk: Uint8Array): Mood {
  return (socket) => {
    const speak = () => {
      while (!socket.destroyed && socket.write(chunk)) { /* until its buffer is full */ }
    };
    socket.on("drain", speak);
    socket.resume();
    speak();
  };
}

/** Answers one request of HTTP/1 and ends. */
export function answerHttp(
  status: number,
  { body = "", headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Mood {
  const fields = Object.entries({ "Content-Length": String(body.length), ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return (socket) => {
    let head = "";
    const listen = (bytes: Uint8Array) => {
      head += DECODER.decode(bytes);
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", listen);
      socket.end(`HTTP/1.1 ${status} As Set\r\n${lines}\r\n${body}`);
    };
    socket.on("data", listen);
    socket.on("end", () => socket.end());
  };
}
