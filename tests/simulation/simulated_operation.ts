/**
 * One operation that the simulated kernel was asked for, and what it has to tell about it.
 */
import type { ConnectFate } from "./stream_network.ts";

export type OperationType =
  | "accept"
  | "connect"
  | "receive"
  | "send"
  | "poll"
  | "receiveMessages"
  | "receiveDatagrams"
  | "notice";

export interface Completion {
  readonly kind: number;
  readonly index: number;
  readonly generation: number;
  readonly result: number;
  readonly more: boolean;
  readonly buffer: number;
  /** The turn from which on it is seen. */
  readonly turn: number;
  /** Called when it is. */
  readonly onSeen: (() => void) | null;
}

export class Operation {
  /** Told or not: nothing more will happen. */
  isOver = false;
  isCancelled = false;
  /** Not seen by the worker yet, in order. */
  readonly completions: Completion[] = [];

  // Receive.
  lane = -1;
  isMultishot = false;
  /** Looks for a buffer before there is anything to read. */
  picksFirst = false;
  allowance = 0;
  // Send.
  buffer = -1;
  start = 0;
  bytes = 0;
  sent = 0;
  // Accept and connect.
  slot = -1;
  fate: ConnectFate | null = null;

  /** A notice tells what became of something that is over already. */
  constructor(
    readonly type: OperationType,
    readonly fd: number,
    readonly kind: number,
    readonly index: number,
    readonly generation: number,
  ) {}

  /** One of the receives: a socket has one in flight at most. */
  get isReceive(): boolean {
    return this.type.startsWith("receive");
  }
}
