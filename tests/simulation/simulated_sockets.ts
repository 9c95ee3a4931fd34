/**
 * Open sockets by fd. Numbers are reused at once, the lowest first, as the kernel does it.
 */
import type { Address } from "./address.ts";
import type { DatagramSocket } from "./datagram_socket.ts";
import { promise } from "./promise.ts";
import type { End } from "./simulated_connection.ts";

export class StreamSocket {
  /** null: not connected. */
  end: End | null = null;
  /** SO_RCVLOWAT */
  lowWaterMark = 1;
  /** What it was bound to before its connect. */
  boundIp: string | null = null;

  /** @param local of an accepted one; null: of a unix socket, or unknown. */
  constructor(readonly family: number, readonly local: Address | null) {}

  close(): void {
    this.end?.close();
  }
}

export type Socket = StreamSocket | DatagramSocket;

export class SimulatedSockets {
  readonly byFd = new Map<number, Socket>();
  readonly #firstFd: number;

  /** @param firstFd lower ones are the listeners'. */
  constructor(firstFd: number) {
    this.#firstFd = firstFd;
  }

  /** Returns the fd. */
  open(socket: Socket): number {
    let fd = this.#firstFd;
    while (this.byFd.has(fd)) fd++;
    this.byFd.set(fd, socket);
    return fd;
  }

  at(fd: number): Socket {
    const socket = this.byFd.get(fd);
    promise(socket !== undefined, `fd ${fd} is open`);
    return socket;
  }

  stream(fd: number): StreamSocket {
    const socket = this.at(fd);
    promise(socket instanceof StreamSocket, `fd ${fd} is a stream socket`);
    return socket;
  }

  datagram(fd: number): DatagramSocket {
    const socket = this.at(fd);
    promise(!(socket instanceof StreamSocket), `fd ${fd} is a datagram socket`);
    return socket;
  }

  close(fd: number): void {
    this.at(fd).close();
    this.byFd.delete(fd);
  }
}
