/**
 * Servers for Ringway to connect to: each a listener on a loopback address of its own, so that no
 * outgoing connection can take its port by chance while it is away.
 */
import { untilRefusing } from "./refusal.ts";
import { until } from "./until.ts";

const ORIGIN_HOST = "127.0.0.2";
const ENCODER = new TextEncoder();

/** @param stopped settles when the origin ends; before that nobody closes the connection. */
export type Handler = (connection: Deno.TcpConn, stopped: Promise<void>) => Promise<void>;

export interface OriginOptions {
  /** 0 lets the kernel choose. */
  readonly port?: number;
  readonly hostname?: string;
}

export class Origin implements AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** Connections taken so far. */
  acceptedCount = 0;
  /** Connections whose handler has not ended. */
  readonly open = new Set<Deno.TcpConn>();
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #stopped = Promise.withResolvers<void>();

  constructor(handler: Handler, { port = 0, hostname = ORIGIN_HOST }: OriginOptions = {}) {
    this.#listener = Deno.listen({ hostname, port });
    this.hostname = hostname;
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept(handler);
  }

  /** As the configuration names it. */
  get address(): string {
    return this.hostname.includes(":")
      ? `[${this.hostname}]:${this.port}`
      : `${this.hostname}:${this.port}`;
  }

  async #accept(handler: Handler): Promise<void> {
    for await (const connection of this.#listener) {
      this.acceptedCount++;
      this.open.add(connection);
      handler(connection, this.#stopped.promise)
        .catch(() => {}) // broken by its client, or closed by `stop`
        .finally(() => {
          close(connection);
          this.open.delete(connection);
        });
    }
  }

  /** Waits until `count` connections have been taken. */
  async untilAccepted(count: number): Promise<void> {
    await until(`origin ${this.address} has taken ${count} connections`, () => {
      return this.acceptedCount >= count;
    }, { state: () => `it has taken ${this.acceptedCount}` });
  }

  /** Refuses new connections from now on; those it has go on. */
  async stop(): Promise<void> {
    await this.#stopAccepting();
    await untilRefusing(this.hostname, this.port);
  }

  async #stopAccepting(): Promise<void> {
    close(this.#listener);
    await this.#accepting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopAccepting();
    this.#stopped.resolve();
    for (const connection of this.open) close(connection);
    await until("its handlers have ended", () => this.open.size === 0);
  }
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // Closed already.
  }
}

/** Sends back what it receives; its end comes when the client's has come. */
export const echo: Handler = async (connection) => {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    await writeAll(connection, buffer.subarray(0, count));
  }
};

/** Speaks first, ends its half, and waits for the client's end. */
export function say(text: string): Handler {
  return async (connection) => {
    await writeAll(connection, text);
    await connection.closeWrite();
    await readToEnd(connection);
  };
}

/** Tells its name, then sends back what it receives. */
export function sayThenEcho(text: string): Handler {
  return async (connection, stopped) => {
    await writeAll(connection, text);
    await echo(connection, stopped);
  };
}

/** Reads and answers nothing until its client has ended. */
export const swallow: Handler = async (connection) => {
  await readToEnd(connection);
};

/** Never reads and never writes. */
export const ignore: Handler = (_connection, stopped) => stopped;

/** Everything until the peer's end, as text; the connection stays open for writing. */
export async function readToEnd(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

export async function writeAll(
  connection: Deno.TcpConn,
  what: string | Uint8Array,
): Promise<void> {
  const bytes = typeof what === "string" ? ENCODER.encode(what) : what;
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

/**
 * A listener that never answers: its accept queue is full and nobody takes from it, so the kernel
 * drops what else wants to connect.
 */
export class SilentServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: ORIGIN_HOST, port: 0, tcpBacklog: 1 });
  readonly #waiting: Deno.TcpConn[] = [];

  static async start(): Promise<SilentServer> {
    const server = new SilentServer();
    const { hostname, port } = server.#listener.addr;
    // The kernel holds one more than the backlog says.
    for (let i = 0; i < 2; i++) server.#waiting.push(await Deno.connect({ hostname, port }));
    return server;
  }

  get address(): string {
    return `${ORIGIN_HOST}:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#waiting) connection.close();
    this.#listener.close();
  }
}

/** Addresses that refuse connections: their port is below all that the kernel gives to anybody. */
export function refusingAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `127.0.1.${i + 1}:1`);
}
