/**
 * Servers inside the supervisor, for the first minute with the program: `demo:NAME` as a server's
 * address starts one on a loopback port of the kernel's choice. It answers HTTP with its name.
 */
import type { Config, ServerConfig } from "../config/config.ts";

function startDemoServer(name: string): { port: number; stop: () => Promise<void> } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (_request, connection) =>
      new Response(`hello from ${name} (you came from port ${connection.remoteAddr.port})\n`, {
        // One answer per connection, so that the servers are seen to take turns.
        headers: { connection: "close", "x-server": name },
      }),
  );
  return { port: server.addr.port, stop: () => server.shutdown() };
}

/**
 * Starts what the configuration asks for and returns it with their real addresses filled in.
 * `stop` ends them.
 */
export function startDemoServers(config: Config): { config: Config; stop: () => Promise<void> } {
  const started: ReturnType<typeof startDemoServer>[] = [];
  const start = (server: ServerConfig): ServerConfig => {
    if (server.demo === null) return server;
    const demo = startDemoServer(server.demo);
    started.push(demo);
    return { ...server, host: "127.0.0.1", port: demo.port };
  };
  const backends = config.backends.map((backend) => ({
    ...backend,
    servers: backend.servers.map(start),
  }));
  return {
    config: { ...config, backends },
    stop: async () => {
      await Promise.all(started.map((demo) => demo.stop()));
    },
  };
}
