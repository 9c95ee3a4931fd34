/**
 * Clients for PROXY protocol tests: from an address of choice, with control over how their bytes
 * are cut into segments.
 */
import { connect, type Socket } from "node:net";
import { until } from "../until.ts";

const LOOPBACK = "127.0.0.1";

/** A TCP client that comes from another address of this machine. */
export class ClientFrom implements Disposable {
  /** What has come so far, as text. */
  text = "";
  /** How the connection ended, as far as it has. */
  end: "fin" | "reset" | "refused" | null = null;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.text += bytes.toString());
    socket.on("end", () => this.end ??= "fin");
    socket.on("error", (failure: Error & { code?: string }) => {
      this.end = failure.code === "ECONNREFUSED" ? "refused" : "reset";
    });
  }

  /** Who is reset at once may be so before the connect has told; that is an end, no failure. */
  static async connect(
    port: number,
    { from, hostname = LOOPBACK }: { from?: string; hostname?: string } = {},
  ): Promise<ClientFrom> {
    const socket = connect({ host: hostname, port, localAddress: from });
    const client = new ClientFrom(socket);
    await until("a client is connected", () => {
      if (client.end === "refused") throw new Error(`no connection to port ${port}`);
      return client.end !== null || !socket.connecting;
    });
    return client;
  }

  get port(): number {
    return this.socket.localPort!;
  }

  send(what: string | Uint8Array): void {
    this.socket.write(what);
  }

  /** Each byte in a segment of its own. */
  async sendByByte(what: Uint8Array): Promise<void> {
    for (const byte of what) {
      await new Promise((resolve) => this.socket.write(new Uint8Array([byte]), resolve));
    }
  }

  async untilReceived(text: string): Promise<void> {
    await until(`${JSON.stringify(text)} has come`, () => {
      if (this.text.includes(text)) return true;
      if (this.end !== null) throw new Error(`it ended (${this.end}) after ${this.text}`);
      return false;
    }, { state: () => `only this has: ${JSON.stringify(this.text)}` });
  }

  /** Waits for the end; what has come, and how it ended. */
  async untilEnded(): Promise<{ text: string; end: string }> {
    const end = await until("the connection has ended", () => this.end ?? undefined);
    return { text: this.text, end };
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** The body of the answer to a GET request, and the address it was sent from. */
export async function get(
  port: number,
  places: { from?: string; hostname?: string } = {},
): Promise<{ body: string; from: string }> {
  using client = await ClientFrom.connect(port, places);
  client.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  const from = `${client.socket.localAddress}:${client.port}`;
  const { text } = await client.untilEnded();
  return { body: text.slice(text.indexOf("\r\n\r\n") + 4), from };
}
