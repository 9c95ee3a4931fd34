/**
 * OpenSSL as TLS servers with certificates made for a test, and as their client. Each server is
 * known by the common name in its certificate, which a client sees whatever passes bytes between.
 */
import { type Certificate } from "./certificate.ts";
import { PROGRAM_HOST } from "./free_port.ts";
import { Program, runProgram, type Service, startService } from "./program.ts";

/** Sends back each line reversed. */
const REVERSE = "-rev";

/** @param alpn what it would speak, best first. */
export async function startTlsServer(
  { certificateFile, keyFile }: Certificate,
  alpn: readonly string[] = [],
  hostname = PROGRAM_HOST,
): Promise<Service> {
  const protocols = alpn.length > 0 ? ["-alpn", alpn.join(",")] : [];
  return await startService({
    hostname,
    command: (_folder, port) =>
      ["openssl", "s_server", "-accept", `${hostname}:${port}`, REVERSE]
        .concat(["-cert", certificateFile, "-key", keyFile, ...protocols]),
    // It serves one connection after the other, so its sockets are asked and not itself.
    answers: async (port) => {
      const sockets = await runProgram(["ss", "-Hltn", "sport", "=", String(port)]);
      return sockets.includes(`:${port}`);
    },
  });
}

export interface Handshake {
  /** The common name of the certificate; null when there was no handshake. */
  readonly name: string | null;
  /** The protocol that was agreed on, or null. */
  readonly alpn: string | null;
  /** All that the client wrote: alerts by name, for instance. */
  readonly log: string;
}

export interface HandshakeOptions {
  readonly hostname?: string;
  /** What the client asks for (SNI); none by default. */
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** Further options of `openssl s_client`. */
  readonly options?: readonly string[];
}

/**
 * Connects, shakes hands, has a line reversed, and ends.
 *
 * @throws Error when the handshake is done and the line does not come back.
 */
export async function shakeHands(
  port: number,
  { hostname = "127.0.0.1", serverName, alpn = [], options = [] }: HandshakeOptions = {},
): Promise<Handshake> {
  const name = serverName === undefined ? ["-noservername"] : ["-servername", serverName];
  const protocols = alpn.length > 0 ? ["-alpn", alpn.join(",")] : [];
  const connect = ["openssl", "s_client", "-connect", `${hostname}:${port}`];
  await using client = new Program([...connect, ...name, ...protocols, ...options]);
  const [ending] = await client.untilWritten(
    /Verify return code|:error:|errno=|no peer certificate/,
  );
  const subject = /^subject=CN = (.*)$/m.exec(client.log)?.[1] ?? null;
  if (subject === null || ending !== "Verify return code") {
    await client.endInput();
    await client.ended;
    return { name: null, alpn: null, log: client.log };
  }
  await client.tell("stressed\n");
  await client.untilWritten(/desserts/);
  return {
    name: subject,
    alpn: /^ALPN protocol: (.*)$/m.exec(client.log)?.[1] ?? null,
    log: client.log,
  };
}
