/**
 * One UDP socket for tests: sends, and keeps what comes until somebody asks for it. What is waited
 * for is bounded in time; that something does not come is shown by what comes after it.
 *
 * Its buffer is the kernel's default, which 250 datagrams fill however small they are: tests have
 * fewer under way, so that nothing is lost but by whom they test.
 */
import { createSocket, type Socket } from "node:dgram";
import { Buffer } from "node:buffer";
import { within } from "./until.ts";

export interface Place {
  readonly hostname: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Place;
}

export class DatagramSocket implements Disposable {
  /** What has come and was not taken. */
  readonly received: Datagram[] = [];
  /** Of a connected one: what has come from elsewhere, which a client never sees. */
  readonly strays: Datagram[] = [];
  readonly #socket: Socket;
  #peer: Place | null = null;
  /** One datagram after the other: the runtime does not keep the order of sends. */
  #sending: Promise<void> = Promise.resolve();
  /** Who waits for the next datagrams. */
  readonly #waiting: ((datagram: Datagram) => void)[] = [];
  /** Is called instead of keeping, when there is one. */
  #onDatagram: ((datagram: Datagram) => void) | null = null;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, { address, port }) => {
      const datagram = { bytes: new Uint8Array(message), from: { hostname: address, port } };
      const peer = this.#peer;
      const isStray = peer !== null && (peer.hostname !== address || peer.port !== port);
      if (isStray) this.strays.push(datagram);
      else if (this.#onDatagram !== null) this.#onDatagram(datagram);
      else if (this.#waiting.length > 0) this.#waiting.shift()!(datagram);
      else this.received.push(datagram);
    });
    // A refusal (ICMP) of something sent before; who waits for an answer waits in vain and says so.
    socket.on("error", () => {});
  }

  /** Takes datagrams from everybody. */
  static async bind({ hostname, port }: Place): Promise<DatagramSocket> {
    const socket = createSocket({ type: hostname.includes(":") ? "udp6" : "udp4" });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    socket.bind({ port, address: hostname, exclusive: true }, resolve);
    try {
      await within(`a UDP socket is bound to ${hostname} port ${port}`, promise);
    } catch (failure) {
      socket.close();
      throw failure;
    }
    socket.off("error", reject);
    return new DatagramSocket(socket);
  }

  /**
   * Takes datagrams only from where it sends to, as clients do. It is told apart here, because
   * what the runtime calls connected is not so to the kernel.
   */
  static async connect(to: Place, from?: string): Promise<DatagramSocket> {
    const anyone = to.hostname.includes(":") ? "::" : "0.0.0.0";
    const socket = await DatagramSocket.bind({ hostname: from ?? anyone, port: 0 });
    socket.#peer = to;
    return socket;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** @param to only where it is not connected. */
  send(what: string | Uint8Array, to = this.#peer): Promise<void> {
    if (to === null) throw new Error("send to whom?");
    const bytes = typeof what === "string" ? Buffer.from(what) : what;
    const sent = this.#sending.then(async () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#socket.send(bytes, to.port, to.hostname, (failure: unknown) => {
        if (failure) reject(failure);
        else resolve();
      });
      await within("a datagram is sent", promise);
    });
    this.#sending = sent.catch(() => {}); // whoever has sent it is told
    return sent;
  }

  /** Has `handler` take what comes from now on. */
  onDatagram(handler: (datagram: Datagram) => void): void {
    this.#onDatagram = handler;
  }

  /** The next datagram. */
  async receiveBytes(what = "a datagram has come"): Promise<Uint8Array> {
    const kept = this.received.shift();
    if (kept !== undefined) return kept.bytes;
    const { promise, resolve } = Promise.withResolvers<Datagram>();
    this.#waiting.push(resolve);
    return (await within(what, promise)).bytes;
  }

  /** The same as text. */
  async receive(what?: string): Promise<string> {
    return new TextDecoder().decode(await this.receiveBytes(what));
  }

  /** Sends, and waits for the next datagram. */
  async ask(text: string): Promise<string> {
    await this.send(text);
    return await this.receive(`"${text}" is answered`);
  }

  /** Everything that has come and was not taken, as text. */
  takeAll(): string[] {
    return this.received.splice(0).map(({ bytes }) => new TextDecoder().decode(bytes));
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) this.#socket.close();
    this.#isClosed = true;
  }
}

/** A client of a Ringway of this machine. */
export async function datagramClient(
  port: number,
  { hostname = "127.0.0.1", from }: { hostname?: string; from?: string } = {},
): Promise<DatagramSocket> {
  return await DatagramSocket.connect({ hostname, port }, from);
}

/** The answer to one datagram of a client of its own. */
export async function askDatagram(
  port: number,
  text = "who is there?",
  places: { hostname?: string; from?: string } = {},
): Promise<string> {
  using client = await datagramClient(port, places);
  return await client.ask(text);
}
