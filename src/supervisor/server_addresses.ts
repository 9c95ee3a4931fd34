/**
 * The socket address of every server, numbered through all backends: literals at once, names by
 * the resolver, again every RESOLVE_INTERVAL_MS, demo servers by the port they got.
 *
 * One server is one address. A name may have several, and in another order at each look-up: the one
 * in use is kept for as long as it is among them, or connections would wander for no reason. When a
 * name fails its last address stays in use; a server whose name never resolved is not picked until
 * it does.
 */
import type { Config, ServerConfig } from "../config/config.ts";
import { formatHostPort, parseIp } from "../net/address.ts";
import { type ProbeClock, SYSTEM_CLOCK } from "../probe/probe_clock.ts";
import type { ProbeTarget } from "../probe/probe_outcome.ts";
import { encodeSocketAddress, encodeUnixAddress } from "../net/socket_address.ts";
import type { Level } from "../log/log.ts";
import { resolveAddresses } from "./resolver.ts";

const RESOLVE_INTERVAL_MS = 30_000;

type Change = (server: number, address: readonly number[]) => void;
type Log = (level: Level, text: string) => void;
/** From a name to IP literals, the best first; throws where there is none. */
type LookUp = (name: string) => Promise<readonly string[]>;

export class ServerAddresses {
  /** struct sockaddr bytes; empty while a name does not resolve. */
  readonly bytes: (readonly number[])[] = [];
  /** "ip:port" for people; null while a name does not resolve. */
  readonly texts: (string | null)[] = [];
  /** What checks connect to, likewise. */
  readonly targets: (ProbeTarget | null)[] = [];
  readonly #servers: readonly ServerConfig[];
  readonly #onChange: Change;
  readonly #log: Log;
  readonly #lookUp: LookUp;
  readonly #clock: Pick<ProbeClock, "nowMs" | "after">;
  /** Servers whose last look-up failed: told once, not at each try. */
  readonly #failing = new Set<number>();
  #callOff: () => void = () => {};
  #isStopped = false;

  constructor(
    config: Config,
    onChange: Change,
    log: Log,
    lookUp: LookUp = resolveAddresses,
    clock: Pick<ProbeClock, "nowMs" | "after"> = SYSTEM_CLOCK,
  ) {
    this.#lookUp = lookUp;
    this.#clock = clock;
    this.#servers = config.backends.flatMap((backend) => backend.servers);
    this.#onChange = onChange;
    this.#log = log;
    for (const server of this.#servers) {
      if (server.unixPath !== null) {
        this.bytes.push([...encodeUnixAddress(server.unixPath)]);
        this.texts.push(`unix:${server.unixPath}`);
        this.targets.push({ host: "", port: 0, unixPath: server.unixPath });
        continue;
      }
      const ip = parseIp(server.host);
      this.bytes.push(ip === null ? [] : [...encodeSocketAddress(ip, server.port)]);
      this.texts.push(ip === null ? null : formatHostPort(server.host, server.port));
      this.targets.push(
        ip === null ? null : { host: server.host, port: server.port, unixPath: null },
      );
    }
  }

  #isName(server: number): boolean {
    const { host, unixPath } = this.#servers[server];
    return unixPath === null && parseIp(host) === null;
  }

  async resolveAll(): Promise<void> {
    await Promise.all(this.#servers.map((_, i) => this.#isName(i) ? this.#resolve(i) : null));
  }

  async #resolve(server: number): Promise<void> {
    const { host, port } = this.#servers[server];
    let found: readonly string[];
    try {
      found = await this.#lookUp(host);
    } catch (cause) {
      if (!this.#isStopped) this.#tellFailure(server, cause);
      return;
    }
    if (this.#isStopped) return;
    const before = this.texts[server];
    const usable = found.filter((literal) => parseIp(literal) !== null);
    const isKept = usable.some((literal) => formatHostPort(literal, port) === before);
    if (!isKept && usable.length > 0) this.#use(server, usable[0]);
    this.#tellSuccess(server, before);
  }

  #use(server: number, literal: string): void {
    const { port } = this.#servers[server];
    this.bytes[server] = [...encodeSocketAddress(parseIp(literal)!, port)];
    this.texts[server] = formatHostPort(literal, port);
    this.targets[server] = { host: literal, port, unixPath: null };
    this.#onChange(server, this.bytes[server]);
  }

  #tellFailure(server: number, cause: unknown): void {
    if (this.#failing.has(server)) return;
    this.#failing.add(server);
    const { host, name } = this.#servers[server];
    const reason = cause instanceof Error ? cause.message : String(cause);
    const then = this.texts[server] === null
      ? "it gets no connections until it does"
      : `its last address ${this.texts[server]} stays in use`;
    this.#log("warn", `server "${name}": "${host}" does not resolve (${reason}); ${then}`);
  }

  /** @param before the address in use until now. */
  #tellSuccess(server: number, before: string | null): void {
    const { host, name } = this.#servers[server];
    const now = this.texts[server];
    const wasFailing = this.#failing.delete(server);
    const past = before === null || before === now ? "" : `, ${before} before`;
    if (wasFailing) {
      this.#log("info", `server "${name}": "${host}" resolves again, to ${now}${past}`);
    } else if (past !== "") {
      this.#log("info", `server "${name}": its name "${host}" leads to ${now} now${past}`);
    }
  }

  /** Looks names up again from time to time. */
  follow(): void {
    if (!this.#servers.some((_, i) => this.#isName(i))) return;
    this.#plan(RESOLVE_INTERVAL_MS);
  }

  /** The next round is planned when this one has ended: a resolver that hangs is asked once. */
  #plan(delayMs: number): void {
    if (this.#isStopped) return;
    this.#callOff = this.#clock.after(delayMs, async () => {
      const startMs = this.#clock.nowMs();
      await this.resolveAll();
      this.#plan(Math.max(0, startMs + RESOLVE_INTERVAL_MS - this.#clock.nowMs()));
    });
  }

  /** Nothing changes and nothing is told any more, also by what is being looked up. */
  stop(): void {
    this.#isStopped = true;
    this.#callOff();
  }
}
