/**
 * Which process has a TCP connection open: /proc/net/tcp gives the socket of a local port, and
 * /proc/PID/fd who holds it. Tells a probe of the supervisor from a connection of a worker, which
 * looks the same to a server.
 */

/** The column of /proc/net/tcp that names the socket, after the split at spaces. */
const LOCAL = 1;
const INODE = 9;

/** Number of the socket whose local port is `port`; "" when there is none. */
function socketOf(port: number): string {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = Deno.readTextFileSync("/proc/net/tcp").trim().split("\n").slice(1);
  for (const line of lines) {
    const fields = line.trim().split(/\s+/);
    if (fields[LOCAL].endsWith(suffix) && fields[INODE] !== "0") return fields[INODE];
  }
  return "";
}

/** Those of `pids` that hold the connection whose end at their side has `port`. */
export function ownersOf(port: number, pids: readonly number[]): number[] {
  const link = `socket:[${socketOf(port)}]`;
  return pids.filter((pid) => {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      try {
        if (Deno.readLinkSync(`/proc/${pid}/fd/${name}`) === link) return true;
      } catch {
        // Closed meanwhile.
      }
    }
    return false;
  });
}
