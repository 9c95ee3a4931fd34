/**
 * What the data plane may ask of the kernel, and how it hears back. Nothing above this folder
 * knows what a submission entry is; the simulator (tests/simulation/) replaces exactly this.
 *
 * The shape: operations are queued by the methods below and handed over by `turn`, which also
 * waits. Then `next` steps through the completions, whose fields stand on the ring itself: no
 * object is made per event. A completion names the operation it ends by (kind, index, generation),
 * three small integers that the caller chose; index < 2^26 and generation < 2^30, so that they
 * stay machine integers.
 *
 * Every operation gets exactly one last completion (`more` false); `sendNow`, `close` and the
 * cancels get none when they succeed. An fd, slot or buffer belongs to the kernel until then.
 */

/** The kinds of operation, 4 bits wide. */
export const IGNORED = 0;
export const ACCEPT = 1;
export const CONNECT = 2;
export const RECEIVE = 3;
export const SEND = 4;
export const WRITABLE = 5;
export const CONTROL = 6;
export const SIGNAL = 7;

/** Lanes: groups of buffers that a receive may take from. */
export const FAST_LANE = 0;
export const GATED_LANE = 1;

/** Bytes of an address slot; a struct sockaddr at its start. */
export const ADDRESS_SLOT_BYTES = 128;

export interface Ring {
  /** CLOCK_MONOTONIC in milliseconds, taken when the last turn returned from the kernel. */
  readonly nowMs: number;

  /** Fields of the current completion; valid after `next` returned true. */
  readonly kind: number;
  readonly index: number;
  readonly generation: number;
  /** >= 0, or a negated errno. */
  readonly result: number;
  /** More completions of this operation follow (receive only). */
  readonly more: boolean;
  /** The buffer that a receive filled, leased to the receiver; -1 when there is none. */
  readonly buffer: number;

  /**
   * Submits everything that is queued, then waits up to `waitMs` for one completion; 0 does not
   * wait. Returns how many completions are ready.
   */
  turn(waitMs: number): number;
  /** Steps to the next completion of this turn; false at the end, when none is left unseen. */
  next(): boolean;

  /** Result: the fd. The peer's address is then in address slot `slot`. */
  accept(fd: number, slot: number, kind: number, index: number, generation: number): void;
  /** Connects to the address in `slot`. */
  connect(fd: number, slot: number, kind: number, index: number, generation: number): void;
  /**
   * Receives into buffers of `lane` until RECEIVE_ALLOWANCE_BYTES are exceeded, the peer ended
   * (result 0), the lane ran dry (ENOBUFS) or an error. Where the kernel has no such limit (before
   * 6.17) the fast lane receives once. The gated lane receives once and only looks: the bytes stay
   * in the socket until `discard`.
   */
  receive(fd: number, lane: number, kind: number, index: number, generation: number): void;
  /**
   * Sends bytes of a buffer within the next turn's call, or as many as the socket takes at once.
   * When all were taken there is NO completion: the send is over when that turn returns. Else one
   * says how many (>= 0) or why none (EAGAIN: the socket is full).
   */
  sendNow(
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void;
  /**
   * Sends bytes of a buffer, waiting until the socket has taken all of them, unless the connection
   * breaks. Result: bytes sent.
   */
  send(
    fd: number,
    buffer: number,
    start: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void;
  /** Completes when the socket can take data, or is broken. */
  pollWritable(fd: number, kind: number, index: number, generation: number): void;
  /** Reads from the supervisor's pipe into `controlBytes`. Result: bytes, 0 at its end. */
  readControl(fd: number, kind: number): void;
  readonly controlBytes: Uint8Array;
  /** Reads the 64-bit count of the signals' eventfd into `signalCounts`, one byte per signal. */
  readSignals(fd: number, kind: number): void;
  readonly signalCounts: Uint8Array;

  /** Cancels one operation; its own completion tells how it ended. */
  cancel(kind: number, index: number, generation: number): void;
  /** Cancels everything in flight on an fd. */
  cancelAll(fd: number): void;
  /** Closes an fd that has nothing in flight. */
  close(fd: number): void;

  /** Hands a buffer to the kernel for receives of its lane. */
  offerBuffer(lane: number, buffer: number): void;
  /** All address slots, ADDRESS_SLOT_BYTES each. */
  readonly addresses: Uint8Array;

  /** At once, not queued: returns an fd or a negated errno. `family` as in sockaddr. */
  openSocket(family: number): number;
  /**
   * At once: a connection that waits at a listener, its address in `slot`; returns an fd, -EAGAIN
   * when none waits, or another negated errno.
   */
  acceptNow(fd: number, slot: number): number;
  /** At once: closes an fd that has nothing in flight. */
  closeNow(fd: number): void;
  /** At once: takes bytes that a gated receive has shown out of their socket; returns how many. */
  discard(fd: number, bytes: number): number;
  /** At once: ends our half of a connection (FIN). */
  shutdownWrite(fd: number): number;
  /** At once: the close of `fd` will send a reset. */
  resetOnClose(fd: number): number;
}
