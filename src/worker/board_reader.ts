/**
 * Carries out what the supervisor says on the board of servers: when its revision has moved,
 * backends read states and weights again, and connections are closed where it asks for that.
 *
 * @hot
 */
import { fence } from "../base/fence.ts";
import type { TcpProxy } from "../proxy/tcp/tcp_proxy.ts";
import type { UdpProxy } from "../proxy/udp/udp_proxy.ts";
import type { Backend } from "../upstream/backend.ts";
import type { ServerBoard } from "../upstream/server_board.ts";

export class BoardReader {
  readonly #board: ServerBoard;
  readonly #worker: number;
  readonly #backends: readonly Backend[];
  readonly #tcp: TcpProxy;
  readonly #udp: UdpProxy;
  /** None is read when a worker starts: something may have come since its backends were made. */
  #revision = -1;
  /** There was news in this turn. */
  #hasNews = false;
  /** What has been carried out, by server. */
  readonly #closings: Float64Array;
  readonly #moves: Float64Array;

  constructor(
    board: ServerBoard,
    worker: number,
    backends: readonly Backend[],
    tcp: TcpProxy,
    udp: UdpProxy,
  ) {
    this.#board = board;
    this.#worker = worker;
    this.#backends = backends;
    this.#tcp = tcp;
    this.#udp = udp;
    let count = 0;
    for (let i = 0; i < backends.length; i++) count += backends[i].serverCount;
    this.#closings = new Float64Array(count);
    this.#moves = new Float64Array(count);
    // What was asked of the process before this one ended with it.
    for (let server = 0; server < count; server++) {
      this.#closings[server] = board.closings(server);
      this.#moves[server] = board.moves(worker, server);
    }
  }

  /** At the beginning of every turn: one comparison, unless there is news. */
  read(): void {
    const { revision } = this.#board;
    if (revision === this.#revision) return;
    fence();
    this.#revision = revision;
    for (let i = 0; i < this.#backends.length; i++) {
      const backend = this.#backends[i];
      backend.refresh();
      for (let server = 0; server < backend.serverCount; server++) {
        this.#close(i, server, backend.firstServer + server);
      }
    }
    this.#hasNews = true;
  }

  #close(backend: number, server: number, number: number): void {
    const closings = this.#board.closings(number);
    if (closings === this.#closings[number]) return;
    this.#closings[number] = closings;
    this.#tcp.closeServer(backend, server);
    this.#udp.closeServer(backend, server);
  }

  /** When all that came in a turn has been handled: now it is known which connections rest. */
  move(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    for (let i = 0; i < this.#backends.length; i++) {
      const { firstServer, serverCount } = this.#backends[i];
      for (let server = 0; server < serverCount; server++) {
        const number = firstServer + server;
        const moves = this.#board.moves(this.#worker, number);
        if (moves === this.#moves[number]) continue;
        this.#tcp.moveFrom(i, server, moves - this.#moves[number]);
        this.#moves[number] = moves;
      }
    }
  }
}
