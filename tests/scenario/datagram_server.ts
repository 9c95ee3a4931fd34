/**
 * UDP servers for Ringway to send to: each answers as its handler says, and remembers who has asked
 * what. They sit on the same loopback address as the TCP origins.
 */
import { type Datagram, DatagramSocket, type Place } from "./datagram_socket.ts";
import { until } from "./until.ts";

const SERVER_HOST = "127.0.0.2";

/** What to send back for a datagram, in order. */
export type Answers = (datagram: Datagram, place: string) => readonly (string | Uint8Array)[];

export class DatagramServer implements Disposable {
  /** Everything received, with the place it came from as `address:port`. */
  readonly asked: { readonly place: string; readonly bytes: Uint8Array }[] = [];

  private constructor(
    readonly hostname: string,
    readonly socket: DatagramSocket,
    answers: Answers,
  ) {
    socket.onDatagram((datagram) => {
      const place = placeText(datagram.from);
      this.asked.push({ place, bytes: datagram.bytes });
      for (const answer of answers(datagram, place)) {
        socket.send(answer, datagram.from).catch(() => {}); // it was closed meanwhile
      }
    });
  }

  static async start(
    answers: Answers,
    { hostname = SERVER_HOST, port = 0 }: Partial<Place> = {},
  ): Promise<DatagramServer> {
    const socket = await DatagramSocket.bind({ hostname, port });
    return new DatagramServer(hostname, socket, answers);
  }

  get port(): number {
    return this.socket.port;
  }

  /** As the configuration names it. */
  get address(): string {
    return placeText({ hostname: this.hostname, port: this.port });
  }

  /** Datagrams received so far. */
  get askedCount(): number {
    return this.asked.length;
  }

  /** Who has asked, each once, in order. */
  get places(): string[] {
    return [...new Set(this.asked.map(({ place }) => place))];
  }

  async untilAsked(count: number): Promise<void> {
    await until(`server ${this.address} was asked ${count} times`, () => {
      return this.askedCount >= count;
    }, { state: () => `it was asked ${this.askedCount} times` });
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}

function placeText({ hostname, port }: Place): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** The place that `text` names, which is one of an IPv4 socket. */
export function readPlace(text: string): Place {
  const colon = text.lastIndexOf(":");
  return { hostname: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** Sends back what it receives. */
export const echoDatagrams: Answers = ({ bytes }) => [bytes];

/** Answers everything with its name. */
export function answerName(name: string): Answers {
  return () => [name];
}

/** Answers with its name and what was asked. */
export function answerNamed(name: string): Answers {
  return ({ bytes }) => [`${name}: ${new TextDecoder().decode(bytes)}`];
}

/** Answers everything `count` times, numbered. */
export function answerTimes(count: number): Answers {
  return ({ bytes }) => {
    const text = new TextDecoder().decode(bytes);
    return Array.from({ length: count }, (_, i) => `${text} ${i + 1}`);
  };
}

/** Answers nothing. */
export const ignoreDatagrams: Answers = () => [];
