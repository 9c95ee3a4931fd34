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
 * Every operation gets exactly one last completion (`more` false); those that end within the turn
 * that submits them (`sendNow`, the sends of datagrams, `close`, the cancels) get none when they
 * succeed. An fd, slot or buffer belongs to the kernel until then.
 */

/** What carries the operations out: the kernel's io_uring, or the shim by means of epoll. */
export const URING = 0;
export const EPOLL = 1;

/** The kinds of operation, 4 bits wide. */
export const IGNORED = 0;
export const ACCEPT = 1;
export const CONNECT = 2;
export const RECEIVE = 3;
export const SEND = 4;
export const WRITABLE = 5;
export const CONTROL = 6;
export const SIGNAL = 7;
/** A look at what a new connection has sent. */
export const PEEK = 8;
/** A datagram of a listener, of a flow's server. */
export const DATAGRAM = 9;
export const REPLY = 10;
/** A datagram that did not leave towards a server, towards a client. */
export const FORWARDED = 11;
export const REPLIED = 12;
/** Datagrams of a flow's server that may come several in one buffer. */
export const REPLIES = 13;
/** Several datagrams that did not leave as one. */
export const SEGMENTS = 14;

/** Lanes: groups of buffers that a receive may take from. */
export const FAST_LANE = 0;
export const GATED_LANE = 1;
export const DATAGRAM_LANE = 2;

/** Types of socket, as socket(2) has them. */
export const STREAM = 1;
export const DATAGRAM_SOCKET = 2;

/** What a peer has ended: its half, with bytes before the end unread; and all there is to come. */
export const PEER_ENDED = 1;
export const PEER_GONE = 2;

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
  /** More completions of this operation follow (receives only). */
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
   * Receives datagrams with what the kernel tells of them, until `more` is false. Result: bytes of
   * one datagram, which may be 0, or of several; `payloadAt`, `segmentBytes` and `readEnvelope`
   * tell the rest. For the kinds DATAGRAM and REPLIES.
   */
  receiveMessages(fd: number, kind: number, index: number, generation: number): void;
  /** Offset in the slab of the payload that the current completion brought. */
  readonly payloadAt: number;
  /**
   * Above 0 the payload is several datagrams of so many bytes, the last one of what is left: the
   * kernel has put together what came as one burst (UDP_GRO). Only of receiveMessages.
   */
  readonly segmentBytes: number;
  /**
   * Who sent the datagram of the current completion, and to which address: 4 words each from `to`
   * on (net/ip_words.ts; zeros when the socket is not asked to tell it). Returns the sender's port.
   */
  readEnvelope(words: Int32Array, to: number): number;
  /**
   * Receives datagrams of a connected socket: one, or all until `more` is false. An empty datagram
   * has result 0 and no buffer.
   */
  receiveDatagrams(fd: number, one: boolean, kind: number, index: number, generation: number): void;
  /**
   * Sends a datagram, bytes of the slab, to the peer of a connected socket, within the next turn's
   * call: as sendNow, there is a completion only when it was not sent.
   */
  sendDatagram(
    fd: number,
    offset: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void;
  /** The same with up to PREFIX_BYTES_MAX bytes in front, which are copied. */
  sendPrefixed(
    fd: number,
    prefix: Uint8Array,
    prefixBytes: number,
    offset: number,
    bytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void;
  /**
   * The same to the address in `words` at `at`, from the local address at `localAt`; -1 leaves that
   * to the kernel. `family` is the socket's. `port` -1: to the peer of a connected socket.
   * `segmentBytes` above 0: as datagrams of so many bytes (UDP_SEGMENT).
   */
  sendMessage(
    fd: number,
    family: number,
    words: Int32Array,
    at: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
    kind: number,
    index: number,
    generation: number,
  ): void;
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
  /** Cancels everything in flight on an fd; looks at all operations there are to find them. */
  cancelAll(fd: number): void;
  /** Closes an fd that has nothing in flight. */
  close(fd: number): void;

  /** Hands a buffer to the kernel for receives of its lane. */
  offerBuffer(lane: number, buffer: number): void;
  /** All address slots, ADDRESS_SLOT_BYTES each. */
  readonly addresses: Uint8Array;

  /** At once, not queued: returns an fd or a negated errno. `family` as in sockaddr. */
  openSocket(family: number, type: number): number;
  /** At once: setsockopt(2) with an int. */
  setOption(fd: number, level: number, option: number, value: number): number;
  /** At once: binds to an address and port, before a connect. */
  bindNow(fd: number, family: number, words: Int32Array, at: number, port: number): number;
  /** At once: makes the address in `slot` the peer of a datagram socket. */
  connectNow(fd: number, slot: number): number;
  /** At once: the local address of a socket, 4 words; returns its port, -1 when it is not IP. */
  localName(fd: number, words: Int32Array, to: number): number;
  /** At once: as many of at most SHORT_SEND_BYTES_MAX bytes as the socket takes. */
  sendBytes(fd: number, bytes: Uint8Array, count: number): number;
  /**
   * At once, after what is queued: several datagrams as sendMessage has them. Bytes sent, or a
   * negated errno, and then nothing has left.
   */
  sendBurstNow(
    fd: number,
    family: number,
    words: Int32Array,
    at: number,
    port: number,
    localAt: number,
    offset: number,
    bytes: number,
    segmentBytes: number,
  ): number;
  /** At once: 0, PEER_ENDED or PEER_GONE. */
  peerEnded(fd: number): number;
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
