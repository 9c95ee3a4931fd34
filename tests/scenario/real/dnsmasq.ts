/**
 * dnsmasq as a name server of one zone that it makes up itself, and dig and dnsperf as those who
 * ask. Each server has a TXT record that tells which one it is; nothing leaves the machine.
 */
import { PROGRAM_HOST } from "./free_port.ts";
import { runProgram, type Service, startService } from "./program.ts";

export const HOST_NAME = "www.example.test";
export const HOST_ADDRESS = "192.0.2.80";
/** What its TXT record says is the name of the server. */
export const SERVER_NAME = "server.example.test";
/** A TXT record that fits in no datagram of 512 bytes. */
export const LONG_NAME = "long.example.test";
export const LONG_TEXT = "x".repeat(200);
const LONG_TEXT_COUNT = 12;

export async function startDnsmasq(name: string, hostname = PROGRAM_HOST): Promise<Service> {
  return await startService({
    hostname,
    command: (_folder, port) => [
      "dnsmasq",
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--log-facility=-",
      // It gives its privileges away to a user that may not exist; here there is nothing to give.
      "--user=",
      "--group=",
      "--no-resolv",
      "--no-hosts",
      `--port=${port}`,
      `--listen-address=${hostname}`,
      "--bind-interfaces",
      // The largest answer over UDP; what dig asks for may be less.
      "--edns-packet-max=4096",
      "--local=/example.test/",
      `--address=/${HOST_NAME}/${HOST_ADDRESS}`,
      `--txt-record=${SERVER_NAME},${name}`,
      `--txt-record=${LONG_NAME}${`,${LONG_TEXT}`.repeat(LONG_TEXT_COUNT)}`,
    ],
    // A question that came too early is asked again soon.
    answers: async (port) => {
      return await dig({ port, hostname }, SERVER_NAME, "+timeout=1") === name;
    },
  });
}

export interface NameServer {
  readonly port: number;
  readonly hostname?: string;
}

/** What the TXT record of a name says, "" for none; asked once, without a retry. */
export async function dig(
  { port, hostname = "127.0.0.1" }: NameServer,
  name: string,
  ...options: readonly string[]
): Promise<string> {
  const ask = ["dig", `@${hostname}`, "-p", String(port), "+tries=1", "+timeout=5", "+short"];
  const said = await runProgram([...ask, ...options, name, "TXT"]);
  return said.trim().replaceAll('"', "");
}

/** The address of a name, or "" for none. */
export async function digAddress(
  { port, hostname = "127.0.0.1" }: NameServer,
  name: string,
): Promise<string> {
  const ask = ["dig", `@${hostname}`, "-p", String(port), "+tries=1", "+timeout=5", "+short"];
  return (await runProgram([...ask, name, "A"])).trim();
}

export interface LoadResult {
  readonly sent: number;
  readonly completed: number;
  readonly lost: number;
  /** By response code, as written: `NOERROR 1000 (100.00%)`. */
  readonly codes: string;
}

/** Asks `count` times from `clients` sockets, many questions at a time. */
export async function runDnsperf(
  { port, hostname = "127.0.0.1" }: NameServer,
  { count, clients }: { readonly count: number; readonly clients: number },
): Promise<LoadResult> {
  const file = Deno.makeTempFileSync({ prefix: "ringway-questions-" });
  try {
    Deno.writeTextFileSync(file, `${HOST_NAME} A\n${SERVER_NAME} TXT\n`.repeat(count / 2));
    const ask = ["dnsperf", "-s", hostname, "-p", String(port), "-d", file, "-n", "1"];
    // Not more at a time than the socket buffers on the way hold.
    const report = await runProgram([...ask, "-c", String(clients), "-q", "50", "-t", "5"]);
    const read = (what: string) => Number(new RegExp(`${what}:\\s+(\\d+)`).exec(report)?.[1]);
    return {
      sent: read("Queries sent"),
      completed: read("Queries completed"),
      lost: read("Queries lost"),
      codes: /Response codes:\s+(.*)/.exec(report)?.[1] ?? "",
    };
  } finally {
    Deno.removeSync(file);
  }
}
