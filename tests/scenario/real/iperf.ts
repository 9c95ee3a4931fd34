/**
 * iperf3 as a source and a sink of datagrams at a steady rate. It talks about a test over TCP and
 * runs it over UDP, to the same port; so whoever is between them listens for both.
 */
import { PROGRAM_HOST } from "./free_port.ts";
import { runProgram, type Service, startService } from "./program.ts";

export async function startIperf(): Promise<Service> {
  return await startService({
    command: (_folder, port) => ["iperf3", "--server", "-B", PROGRAM_HOST, "-p", String(port)],
    // A connection that says nothing would keep it waiting; its table of sockets is asked instead.
    answers: async (port) => {
      const sockets = await runProgram(["ss", "-Hltn", "sport", "=", String(port)]);
      return sockets.includes(`:${port}`);
    },
  });
}

export interface StreamResult {
  readonly sent: number;
  readonly lost: number;
  readonly lostPercent: number;
}

/** Sends for a second, `megabits` of it, in datagrams of 1200 bytes; or has the server send. */
export async function runIperf(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  { megabits, reverse = false }: { readonly megabits: number; readonly reverse?: boolean },
): Promise<StreamResult> {
  const stream = ["-u", "-b", `${megabits}M`, "-l", "1200", "-t", "1"];
  const ask = ["iperf3", "-c", hostname, "-p", String(port), "--json"];
  const report = await runProgram([...ask, ...stream, ...(reverse ? ["--reverse"] : [])]);
  const { sum } = JSON.parse(report.slice(report.indexOf("{"))).end;
  return { sent: sum.packets, lost: sum.lost_packets, lostPercent: sum.lost_percent };
}
