/**
 * The socket address of every server, numbered through all backends: literals at once, names by
 * the resolver, again every RESOLVE_INTERVAL_MS, demo servers by the port they got.
 */
import type { Config, ServerConfig } from "../config/config.ts";
import { formatHostPort, parseIp } from "../net/address.ts";
import type { ProbeTarget } from "../probe/probe_outcome.ts";
import { encodeSocketAddress, encodeUnixAddress } from "../net/socket_address.ts";
import { resolveName } from "./resolver.ts";

const RESOLVE_INTERVAL_MS = 30_000;

type Change = (server: number, address: readonly number[]) => void;
/** From a name to an IP literal; throws where there is none. */
type LookUp = (name: string) => Promise<string>;

export class ServerAddresses {
  /** struct sockaddr bytes; empty while a name does not resolve. */
  readonly bytes: (readonly number[])[] = [];
  /** "ip:port" for people; null while a name does not resolve. */
  readonly texts: (string | null)[] = [];
  /** What checks connect to, likewise. */
  readonly targets: (ProbeTarget | null)[] = [];
  readonly #servers: readonly ServerConfig[];
  readonly #onChange: Change;
  readonly #warn: (text: string) => void;
  readonly #lookUp: LookUp;
  /** Servers whose last look-up failed: told once, not at each try. */
  readonly #failing = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    config: Config,
    onChange: Change,
    warn: (text: string) => void,
    lookUp: LookUp = resolveName,
  ) {
    this.#lookUp = lookUp;
    this.#servers = config.backends.flatMap((backend) => backend.servers);
    this.#onChange = onChange;
    this.#warn = warn;
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
    const { host, port, name } = this.#servers[server];
    let literal: string;
    try {
      literal = await this.#lookUp(host);
    } catch (cause) {
      if (this.#failing.has(server)) return;
      this.#failing.add(server);
      const reason = cause instanceof Error ? cause.message : String(cause);
      const then = this.texts[server] === null
        ? "it gets no connections until it does"
        : `its last address ${this.texts[server]} stays in use`;
      this.#warn(`server "${name}": "${host}" does not resolve (${reason}); ${then}`);
      return;
    }
    this.#failing.delete(server);
    const ip = parseIp(literal);
    const text = formatHostPort(literal, port);
    if (ip === null || text === this.texts[server]) return;
    this.bytes[server] = [...encodeSocketAddress(ip, port)];
    this.texts[server] = text;
    this.targets[server] = { host: literal, port, unixPath: null };
    this.#onChange(server, this.bytes[server]);
  }

  /** Looks names up again from time to time. */
  follow(): void {
    if (!this.#servers.some((_, i) => this.#isName(i))) return;
    this.#timer = setInterval(() => void this.resolveAll(), RESOLVE_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
