/**
 * Three TLS servers that a handshake tells apart, for a test to put behind routes; each knows two
 * protocols, so that what a client offers (ALPN) is its own choice.
 */
import { makeCertificate } from "../real/certificate.ts";
import { startTlsServer } from "../real/openssl.ts";

const NAMES = ["one", "two", "three"] as const;
const PROTOCOLS = ["h2", "http/1.1", "acme-tls/1"];

export interface NamedServers extends AsyncDisposable {
  /** The `backends:` of a configuration: one, two and three, each with the server of its name. */
  readonly backends: string;
  /** Addresses by name. */
  readonly addresses: Readonly<Record<typeof NAMES[number], string>>;
}

export async function startNamedServers(): Promise<NamedServers> {
  await using stack = new AsyncDisposableStack();
  const [one, two, three] = await Promise.all(NAMES.map(async (name) => {
    const certificate = stack.use(await makeCertificate(name));
    return stack.use(await startTlsServer(certificate, PROTOCOLS)).address;
  }));
  const addresses = { one, two, three };
  const rows = NAMES.map((name) => `  ${name}: ["${addresses[name]}"]`);
  const owner = stack.move();
  return {
    addresses,
    backends: `backends:\n${rows.join("\n")}\n`,
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

/** A configuration with TLS listeners: by name the further keys of each, every one in a line. */
export function tlsConfig(
  servers: NamedServers,
  listeners: Readonly<Record<string, readonly string[]>>,
): string {
  const rows = Object.entries(listeners).flatMap(([name, keys]) => {
    const lines = ["bind: 127.0.0.1:0", "protocol: tls", "tls: passthrough", ...keys];
    return [`  ${name}:`, ...lines.map((line) => `    ${line}`)];
  });
  return `
workers: 1
listeners:
${rows.join("\n")}
${servers.backends}`;
}
