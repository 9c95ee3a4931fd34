/**
 * A datagram on its way, and a datagram socket of the worker: a listener's, or a flow's towards its
 * server, with what has come to it and the error it has to tell.
 */
import type { Address } from "./address.ts";
import type { DatagramClient } from "./datagram_client.ts";
import type { DatagramPlace } from "./datagram_scene.ts";
import { FlowTrail } from "./flow_trail.ts";

export interface Datagram {
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
  /** Of one from a client: who sent it, and which of its requests it is. */
  readonly client: DatagramClient | null;
  readonly request: number;
}

export class DatagramSocket {
  /** What has come and was not received. */
  readonly queue: Datagram[] = [];
  /** The next receive or send fails with it, and then it is forgotten. */
  error = 0;
  /** What it was bound to before its connect. */
  boundIp: string | null = null;
  /** Of a flow's socket: where it sends from and to. */
  local: Address | null = null;
  remote: Address | null = null;
  readonly trail = new FlowTrail();
  /** Datagrams that came as one burst are handed over as one (UDP_GRO). */
  takesBursts = false;

  /** @param place of a listener's socket. */
  constructor(readonly family: number, readonly place: DatagramPlace | null) {}

  /** Number of the path to its server: some take no bursts. */
  get path(): number {
    return this.local!.port;
  }

  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  close(): void {
    this.trail.isClosed = true;
  }
}
