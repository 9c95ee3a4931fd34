/**
 * Everything that a listener is bound to: its addresses, port ranges, unix paths and sockets of
 * systemd, all opened before any worker starts.
 *
 * The supervisor keeps them open: a worker that dies leaves its sockets, and what waits in their
 * queues, to its successor.
 */
import type { BindConfig, ListenerConfig } from "../config/config.ts";
import { parseIp } from "../net/address.ts";
import type { SocketPlan } from "../upstream/plan.ts";
import type { Shim } from "../../ffi/shim.ts";
import { bindError, remedyFor } from "./bind_error.ts";
import { openIpSockets } from "./ip_sockets.ts";
import { takesBursts } from "./listener_options.ts";
import { takePassedSockets } from "./systemd_sockets.ts";
import { openUnixSocket } from "./unix_socket.ts";

type IpBind = Extract<BindConfig, { kind: "ip" }>;

export class ListeningSockets {
  /** The first port bound, also when port 0 was asked for; 0 when there is none. */
  port = 0;
  /** By worker. A socket that all share stands with each. */
  readonly byWorker: SocketPlan[][];
  /** What it is bound to, as it is written; in place of port 0 stands the one that was picked. */
  readonly binds: string[] = [];
  readonly #shim: Shim;
  readonly #removals: (() => void)[] = [];
  readonly #listener: ListenerConfig;

  private constructor(shim: Shim, listener: ListenerConfig, workers: number) {
    this.#shim = shim;
    this.#listener = listener;
    this.byWorker = Array.from({ length: workers }, () => []);
  }

  /** @throws BindError with cause and remedy; what was opened for this listener is closed again. */
  static async open(
    shim: Shim,
    listener: ListenerConfig,
    workers: number,
  ): Promise<ListeningSockets> {
    const sockets = new ListeningSockets(shim, listener, workers);
    try {
      for (const bind of listener.binds) await sockets.#bind(bind);
    } catch (cause) {
      sockets.close();
      throw cause;
    }
    return sockets;
  }

  async #bind(bind: BindConfig): Promise<void> {
    const { name, protocol, socket, backlog } = this.#listener;
    switch (bind.kind) {
      case "ip": {
        let bound = 0;
        for (let port = bind.port; port <= bind.lastPort; port++) bound = this.#bindIp(bind, port);
        this.binds.push(bind.port === 0 ? bind.text.replace(/:0$/, `:${bound}`) : bind.text);
        return;
      }
      case "unix": {
        const unix = await openUnixSocket(this.#shim, name, bind, socket, backlog);
        this.#removals.push(unix.remove);
        for (const sockets of this.byWorker) sockets.push(unix.socket);
        this.binds.push(bind.text);
        return;
      }
      case "systemd": {
        const passed = takePassedSockets(this.#shim, this.#listener, bind);
        this.port ||= passed.port;
        const readers = protocol === "udp" ? this.byWorker.slice(0, 1) : this.byWorker;
        for (const sockets of readers) sockets.push(...passed.sockets);
        this.binds.push(bind.text);
        return;
      }
    }
  }

  /** @returns the port, which the kernel picks where 0 is asked for. */
  #bindIp(bind: IpBind, port: number): number {
    const { name, protocol, socket, backlog } = this.#listener;
    const isUdp = protocol === "udp";
    const opened = openIpSockets(this.#shim, {
      ip: parseIp(bind.host === "" ? "::" : bind.host)!,
      port,
      isUdp,
      takesBursts: takesBursts(this.#listener),
      isAnyAddress: bind.host === "",
      options: socket,
      backlog,
    }, this.byWorker.length);
    if (typeof opened === "number") {
      throw bindError(name, bind.text, -opened, remedyFor(-opened, port, isUdp));
    }
    this.port ||= opened.port;
    for (const [worker, each] of opened.sockets.entries()) this.byWorker[worker].push(each);
    return opened.port;
  }

  /** Sockets of one worker, at most. */
  get count(): number {
    return this.byWorker[0].length;
  }

  /**
   * When a drain begins: whoever comes now is refused, as soon as the workers have closed theirs.
   *
   * Sockets of UDP stay open: the kernel spreads datagrams over those that there are, and with each
   * that the last one closes, clients would find themselves at a worker that has no flow of theirs.
   */
  stopAccepting(): void {
    if (this.#listener.protocol !== "udp") this.close();
  }

  /** Closes all, and removes the files of unix sockets. May be called again. */
  close(): void {
    const fds = new Set(this.byWorker.flat().map(({ fd }) => fd));
    for (const fd of fds) this.#shim.library.rw_close(fd);
    for (const sockets of this.byWorker) sockets.length = 0;
    for (const remove of this.#removals.splice(0)) remove();
  }
}
