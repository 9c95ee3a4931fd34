/**
 * A client of Ringway: one TCP connection with the few verbs that scenarios need. Every wait is
 * bounded, so that a byte that never comes fails its test by name and not by a time-out of all.
 */
import { connect as connectNode } from "node:net";
import { writeAll } from "./origin.ts";
import { within } from "./until.ts";

const LOOPBACK = "127.0.0.1";

/** How a connection ended, as its peer sees it. */
export type End = "fin" | "reset";

export class Client implements Disposable {
  readonly #connection: Deno.TcpConn;
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(port: number, hostname = LOOPBACK): Promise<Client> {
    return new Client(await within("a client is connected", Deno.connect({ hostname, port })));
  }

  /** The port it comes from. */
  get port(): number {
    return this.#connection.localAddr.port;
  }

  async send(what: string | Uint8Array): Promise<void> {
    await within("all bytes are sent", writeAll(this.#connection, what));
  }

  /** Ends this half; the other may go on. */
  async endWriting(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Exactly `count` bytes. @throws Error when the connection ends before. */
  async receiveBytes(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    let got = 0;
    while (got < count) {
      const reading = this.#connection.read(bytes.subarray(got));
      const more = await within(`byte ${got} of ${count} has come`, reading);
      if (more === null) throw new Error(`the connection ended after ${got} of ${count} bytes`);
      got += more;
    }
    return bytes;
  }

  /** The same as text. */
  async receive(count: number): Promise<string> {
    return new TextDecoder().decode(await this.receiveBytes(count));
  }

  /** Sends a text and waits for the same from an echo. */
  async converse(text: string): Promise<string> {
    await this.send(text);
    return await this.receive(new TextEncoder().encode(text).length);
  }

  /** Everything until the end, and what kind of end it was. */
  async receiveRest(): Promise<{ text: string; end: End }> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (;;) {
        const count = await within("the connection has ended", this.#connection.read(buffer));
        if (count === null) return { text, end: "fin" };
        text += decoder.decode(buffer.subarray(0, count), { stream: true });
      }
    } catch (failure) {
      if (failure instanceof Deno.errors.ConnectionReset) return { text, end: "reset" };
      throw failure;
    }
  }

  /** Closes; does nothing when it is closed. */
  [Symbol.dispose](): void {
    if (!this.#isClosed) this.#connection.close();
    this.#isClosed = true;
  }
}

/**
 * What a connection gets without saying anything: the name of the server that took it, "" when none
 * did, "reset" when that was its end.
 */
export async function askName(port: number, hostname?: string): Promise<string> {
  try {
    using client = await Client.connect(port, hostname);
    const { text, end } = await client.receiveRest();
    return end === "fin" ? text : end;
  } catch (failure) {
    // Who is reset at once may be so before the connect has told, or while it asks who is there.
    const { ConnectionReset, NotConnected } = Deno.errors;
    if (failure instanceof ConnectionReset || failure instanceof NotConnected) return "reset";
    throw failure;
  }
}

/** The same from another address of this machine. */
export async function askNameFrom(localAddress: string, port: number): Promise<string> {
  const socket = connectNode({ host: LOOPBACK, port, localAddress });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (bytes) => text += bytes.toString());
  socket.on("error", reject);
  socket.on("close", () => resolve(text));
  return await within("a server has said its name", promise);
}

/** Whether nobody listens any more. Who is taken waits for a first byte, then goes. */
export async function isRefused(port: number): Promise<boolean> {
  try {
    using client = await Client.connect(port);
    await client.receive(1);
    return false;
  } catch (failure) {
    if (failure instanceof Deno.errors.ConnectionRefused) return true;
    // It came in the moment in which the listener was closed.
    if (failure instanceof Deno.errors.ConnectionReset) return false;
    throw failure;
  }
}

/** `count` answers, one connection after the other. */
export async function askNames(port: number, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(await askName(port));
  return names;
}

/** How often each text stands in `texts`. */
export function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
