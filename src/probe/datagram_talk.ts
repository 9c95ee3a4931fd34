/**
 * One datagram out and answers in, for the checks that speak UDP.
 *
 * node:dgram, because it is what the runtime has without flags. Its sockets are not connected in
 * the kernel, so anybody may send to them: who the sender is gets compared here.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { formatIp, parseIp } from "../net/address.ts";
import { failureOutcome } from "./failure_outcome.ts";
import { failed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import type { Talk } from "./timed_talk.ts";

/** Datagrams that are no answer to ours, after which it is rubbish and not a late straggler. */
const STRAYS_MAX = 64;

export class DatagramTalk implements Talk {
  readonly #socket: Socket;

  /** @param judge returns null for what is no answer to this request. */
  constructor(
    target: ProbeTarget,
    request: Uint8Array,
    preface: Uint8Array | null,
    settle: (outcome: ProbeOutcome) => void,
    judge: (answer: Uint8Array) => ProbeOutcome | null,
  ) {
    if (target.unixPath !== null) throw new Error("a unix socket takes no datagrams");
    const { host, port } = target;
    this.#socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const sender = canonicalIp(host);
    let strays = 0;
    this.#socket.on("message", (answer: Uint8Array, from: RemoteInfo) => {
      const isSender = from.port === port && canonicalIp(from.address) === sender;
      const outcome = isSender ? judge(answer) : null;
      if (outcome !== null) settle(outcome);
      else if (isSender && ++strays >= STRAYS_MAX) settle(failed("answers do not fit the request"));
    });
    this.#socket.on("error", (error) => settle(failureOutcome(error)));
    const pieces = preface === null ? [request] : [preface, request];
    try {
      this.#socket.send(pieces, port, host, (error) => {
        if (error) settle(failureOutcome(error));
      });
    } catch (error) {
      settle(failureOutcome(error)); // a port that is none
    }
  }

  missing(): string {
    return "no answer";
  }

  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.close(() => resolve());
    return promise;
  }
}

/** One spelling of an address: there are many of an IPv6 one. */
function canonicalIp(text: string): string {
  const bytes = parseIp(text);
  return bytes === null ? text : formatIp(bytes);
}
