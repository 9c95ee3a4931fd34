/**
 * Keeps a QUIC connection on its server when its client's address changes: `hash_on:
 * quic_connection_id`.
 *
 * The first datagrams of a connection carry an id that the client drew; its hash chooses the
 * server. From then on the flow of the client's address leads there, and the ids that the server
 * gives itself are learned (quic_directory.ts). A datagram of an unknown address that carries one
 * of those goes to the server that gave it.
 *
 * @hot
 */
import { hashBytes } from "../../base/hash.ts";
import type { Backend } from "../../upstream/backend.ts";
import { CLIENT_HASH_SEED } from "../client_hash.ts";
import { QuicDirectory } from "./quic_directory.ts";
import { LONG, QuicHeader, SHORT } from "./quic_header.ts";

export class QuicAffinity {
  readonly #header = new QuicHeader();
  readonly #directory: QuicDirectory;
  /** After `find`: by what to choose when no server was found. Signed 32-bit. */
  hash = 0;

  constructor(
    tables: readonly Float64Array[],
    worker: number,
  ) {
    this.#directory = new QuicDirectory(tables, worker);
  }

  /**
   * The server of the connection that a datagram belongs to, in `backend`, or -1 when it is not
   * known; then `hash` says what to choose by.
   */
  find(
    backend: Backend,
    subset: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    clientHash: number,
  ): number {
    const header = this.#header;
    const form = header.parse(bytes, start, end);
    this.hash = clientHash;
    let number = -1;
    if (form === LONG) {
      const { dcidStart, dcidLength } = header;
      number = this.#directory.byLength(bytes, dcidStart, dcidLength);
      this.hash = hashBytes(bytes, dcidStart, dcidStart + dcidLength, CLIENT_HASH_SEED) | 0;
    } else if (form === SHORT) {
      number = this.#directory.find(bytes, header.dcidStart, header.dcidLength);
    }
    const server = number - backend.firstServer;
    if (number < 0 || server < 0 || server >= backend.serverCount) return -1;
    return backend.mayKeep(server, subset) ? server : -1;
  }

  /** A datagram of a server: what it calls itself is remembered. `server` counts all backends. */
  learn(server: number, bytes: Uint8Array, start: number, end: number): void {
    const header = this.#header;
    if (header.parse(bytes, start, end) !== LONG) return;
    this.#directory.learn(bytes, header.scidStart, header.scidLength, server);
  }
}
