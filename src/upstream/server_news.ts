/**
 * What workers tell of the servers of a backend, on the board: streaks of errors, by which the
 * supervisor ejects (health/ejection.ts).
 *
 * Two streaks, because there are two ways to be well: a connect that succeeds says nothing about a
 * server that resets everybody half-way, and connections that last for days end well too seldom to
 * say that connecting works. All workers write the same cells, so streaks are true across them. An
 * update that gets lost among them is made up for by the next one.
 *
 * @hot
 */
import { CONNECT_STREAK, RESET_STREAK, type ServerBoard } from "./server_board.ts";

/** One failure alone says little. */
const FAILING_STREAK = 2;

export class ServerNews {
  readonly #board: ServerBoard;
  readonly #firstServer: number;

  constructor(board: ServerBoard, firstServer: number) {
    this.#board = board;
    this.#firstServer = firstServer;
  }

  #at(server: number): number {
    return this.#board.streaksAt(this.#firstServer + server);
  }

  onConnected(server: number): void {
    this.#end(this.#at(server) + CONNECT_STREAK);
  }

  onConnectFailed(server: number): void {
    this.#board.cells[this.#at(server) + CONNECT_STREAK]++;
  }

  /** The server broke a connection off. */
  onReset(server: number): void {
    this.#board.cells[this.#at(server) + RESET_STREAK]++;
  }

  onEndedWell(server: number): void {
    this.#end(this.#at(server) + RESET_STREAK);
  }

  /** Whether its last connections have failed, one way or the other. */
  isFailing(server: number): boolean {
    const { cells } = this.#board;
    const at = this.#at(server);
    return cells[at + CONNECT_STREAK] >= FAILING_STREAK ||
      cells[at + RESET_STREAK] >= FAILING_STREAK;
  }

  /** Only a streak that is there is ended: the line of cache stays shared otherwise. */
  #end(at: number): void {
    if (this.#board.cells[at] !== 0) this.#board.cells[at] = 0;
  }
}
