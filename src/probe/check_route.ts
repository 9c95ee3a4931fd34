/**
 * Where the check of a server goes: to the server itself, or to the address and port that its
 * backend names in their place.
 *
 * A name in that place is looked up at every run, because names move. As with the names of servers,
 * one that cannot be looked up keeps the address it had: a broken resolver takes no server down.
 */
import type { CheckTarget, ServerConfig } from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { parseIp } from "../net/address.ts";
import { describeFailure } from "./failure_outcome.ts";
import { failed, passed, type ProbeOutcome, type ProbeTarget } from "./probe_outcome.ts";
import { runTalk } from "./timed_talk.ts";

/** Of the time of a check, the share that a look-up may take. */
const LOOK_UP_SHARE = 0.5;

/** Addresses of servers and names as they are at a moment. */
export interface Addresses {
  /** Null while the name of the server is not resolved. */
  targetOf(serverNumber: number): ProbeTarget | null;
  /** An IP literal; may reject. */
  lookUp(name: string): Promise<string>;
}

export class CheckRoute {
  /** Servers with equal ones are checked at the same place. */
  readonly key: string;
  readonly #check: CheckTarget;
  readonly #serverNumber: number;
  readonly #serverPort: number;
  readonly #addresses: Addresses;
  /** What `check.host` was last. */
  #lastHost: string | null = null;

  constructor(
    serverNumber: number,
    server: Pick<ServerConfig, "host" | "port" | "unixPath">,
    check: CheckTarget,
    addresses: Addresses,
  ) {
    const { host, port } = check;
    const unixPath = host === null ? server.unixPath : null;
    this.key = JSON.stringify([host ?? server.host, port ?? server.port, unixPath]);
    this.#check = check;
    this.#serverNumber = serverNumber;
    this.#serverPort = server.port;
    this.#addresses = addresses;
  }

  /** The target, or why there is none. */
  async find(timeoutMs: number, signal: AbortSignal): Promise<ProbeTarget | ProbeOutcome> {
    const { host, port } = this.#check;
    if (host === null) {
      const server = this.#addresses.targetOf(this.#serverNumber);
      if (server === null) return failed("the name does not resolve");
      if (port === null) return server;
      return server.unixPath === null
        ? { ...server, port }
        : failed("a unix socket has no other port");
    }
    const found = port ?? this.#serverPort;
    if (found === 0) return failed("a unix socket has no port");
    const trouble = parseIp(host) === null ? await this.#lookUp(host, timeoutMs, signal) : null;
    if (trouble !== null && this.#lastHost === null) return trouble;
    return { host: this.#lastHost ?? host, port: found, unixPath: null };
  }

  /** Sets `#lastHost`; returns null, or why it could not. */
  async #lookUp(
    name: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ProbeOutcome | null> {
    const terms = { timeoutMs: timeoutMs * LOOK_UP_SHARE, signal, preface: null };
    let address = "";
    const outcome = await runTalk(terms, (settle) => {
      this.#addresses.lookUp(name).then((found) => {
        address = found;
        settle(passed(found));
      }, (error) => {
        settle(failed(`cannot resolve ${quoteText(name)}: ${describeFailure(error)}`));
      });
      return { missing: () => `no address of ${quoteText(name)}`, close: () => Promise.resolve() };
    });
    if (!outcome.isOk) return outcome;
    this.#lastHost = address;
    return null;
  }
}
