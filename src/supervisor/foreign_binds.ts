/**
 * Listeners on addresses that this machine does not have now.
 *
 * They can be bound (IP_FREEBIND) and work as soon as an interface gets the address: a standby
 * waits for a virtual address like that. But it may also be a slip of the pen, so it is said at the
 * start.
 */
import type { Config } from "../config/config.ts";
import { formatIpWords, parseIpWords } from "../net/ip_words.ts";

interface Interface {
  readonly address: string;
}

/** Whether it means every address, or one of the loopback network, which is always there. */
function isAlwaysThere(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::" || host.startsWith("127.");
}

/** A warning for each. */
export function foreignBinds(
  config: Pick<Config, "listeners">,
  interfaces: readonly Interface[],
): string[] {
  const canonical = (text: string) => {
    const words = parseIpWords(text.replace(/%.*$/, ""));
    return words === null ? text : formatIpWords(words, 0);
  };
  const known = new Set(interfaces.map(({ address }) => canonical(address)));
  return config.listeners.flatMap(({ name, binds }) =>
    binds.flatMap((bind) => {
      if (bind.kind !== "ip" || isAlwaysThere(bind.host)) return [];
      if (known.has(canonical(bind.host))) return [];
      const ports = bind.lastPort > bind.port ? `${bind.port}-${bind.lastPort}` : bind.port;
      return [
        `listener "${name}" is bound to "${bind.text}", but no interface of this machine has ` +
        'that address now (see "ip address"); nothing will come until one gets it; ' +
        `":${ports}" would be every address`,
      ];
    })
  );
}
