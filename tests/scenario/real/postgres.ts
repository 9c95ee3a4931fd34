/**
 * PostgreSQL with a database of its own that pgbench has filled, and pgbench as its clients. It
 * refuses to be run by root, and then runs as the user that its package has made for it.
 *
 * What a crash would cost is nothing here, so it is told not to care: nothing is flushed to disk.
 */
import { PROGRAM_HOST } from "./free_port.ts";
import { Program, runProgram, type Service, startService, takesConnections } from "./program.ts";

const VERSIONS = "/usr/lib/postgresql";
const OWNER = "postgres";

/** The folder of the programs of the newest version installed. */
function programs(): string {
  const versions = Array.from(Deno.readDirSync(VERSIONS), ({ name }) => name);
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
  return `${VERSIONS}/${newest}/bin`;
}

/** Put before a command line so that it does not run as root. */
function asOwner(): string[] {
  if (Deno.uid() !== 0) return [];
  return ["setpriv", `--reuid=${OWNER}`, `--regid=${OWNER}`, "--clear-groups", "--"];
}

const SETTINGS = [
  `listen_addresses=${PROGRAM_HOST}`,
  "unix_socket_directories=",
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "shared_buffers=16MB",
  "max_connections=40",
  // Memory of files, so that nothing stays in the kernel when it is killed.
  "shared_memory_type=mmap",
  "dynamic_shared_memory_type=mmap",
  "autovacuum=off",
  "jit=off",
].flatMap((setting) => ["-c", setting]);

export async function startPostgres(): Promise<Service> {
  const service = await startService({
    command: async (folder, port) => {
      if (Deno.uid() === 0) await runProgram(["chown", OWNER, folder]);
      const store = `${folder}/store`;
      const init = ["initdb", "-D", store, "-U", OWNER, "--auth=trust", "--no-sync", "--no-locale"];
      await runProgram([...asOwner(), `${programs()}/${init[0]}`, ...init.slice(1)], folder);
      return [...asOwner(), `${programs()}/postgres`, "-D", store, "-p", String(port), ...SETTINGS];
    },
    answers: (port) => takesConnections(port),
    // Immediate shutdown: takes its children along.
    endSignal: "SIGQUIT",
  });
  try {
    await fill(service);
    return service;
  } catch (failure) {
    await service[Symbol.asyncDispose]();
    throw failure;
  }
}

/** It may take connections before it is up; then it says so, and is asked again. */
async function fill(service: Service): Promise<void> {
  const options = ["-h", service.hostname, "-p", String(service.port), "-U", OWNER, OWNER];
  for (;;) {
    await using filling = new Program([`${programs()}/pgbench`, "-i", "-q", ...options]);
    const { success } = await filling.ended;
    if (success) return;
    if (!filling.log.includes("starting up")) throw new Error(filling.state);
  }
}

export interface BenchResult {
  readonly processed: string;
  readonly failed: string;
}

/** Has `clients` connections make so many transactions each, which only read. */
export async function runPgbench(
  port: number,
  { clients, transactions, connectEach = false }: {
    readonly clients: number;
    readonly transactions: number;
    /** A new connection for each transaction. */
    readonly connectEach?: boolean;
  },
): Promise<BenchResult> {
  const load = ["-S", "-n", "-c", String(clients), "-t", String(transactions)];
  const report = await runProgram([
    `${programs()}/pgbench`,
    ...load,
    ...(connectEach ? ["-C"] : []),
    ...["-h", "127.0.0.1", "-p", String(port), "-U", OWNER, OWNER],
  ]);
  const read = (what: string) => new RegExp(`${what}: (.*)`).exec(report)?.[1] ?? "";
  return {
    processed: read("number of transactions actually processed"),
    failed: read("number of failed transactions"),
  };
}
