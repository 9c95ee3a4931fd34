/**
 * HAProxy as the other end of the PROXY protocol, which its authors have written: as a server that
 * wants the header and tells what it has read, and as a proxy in front that sends it.
 */
import { PROGRAM_HOST } from "./free_port.ts";
import { type Service, startService, takesConnections } from "./program.ts";

const DEFAULTS = `
defaults
  timeout connect 5s
  timeout client 20s
  timeout server 20s
`;

async function startHaproxy(
  sections: (port: number) => string,
  hostname = PROGRAM_HOST,
): Promise<Service> {
  return await startService({
    hostname,
    command: (folder, port) => {
      Deno.writeTextFileSync(`${folder}/haproxy.cfg`, DEFAULTS + sections(port));
      return ["haproxy", "-db", "-f", `${folder}/haproxy.cfg`];
    },
    answers: (port) => takesConnections(port, hostname),
  });
}

/**
 * An HTTP server behind a PROXY header. Its answers say where the connection came from and went to,
 * as the header has it.
 */
export async function startHeaderReader(hostname = PROGRAM_HOST): Promise<Service> {
  const ends = "%[src]:%[src_port] %[dst]:%[dst_port]";
  const sections = (port: number) => `
frontend reader
  mode http
  bind ${hostname}:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "${ends}"
`;
  return await startHaproxy(sections, hostname);
}

/** Passes TCP connections on to `port` of this machine, with a header in front. */
export async function startHeaderWriter(version: "v1" | "v2", to: number): Promise<Service> {
  const option = version === "v1" ? "send-proxy" : "send-proxy-v2";
  return await startHaproxy((port) => `
frontend writer
  mode tcp
  bind ${PROGRAM_HOST}:${port}
  default_backend next
backend next
  mode tcp
  server next 127.0.0.1:${to} ${option}
`);
}
