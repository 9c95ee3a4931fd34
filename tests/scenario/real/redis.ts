/**
 * Redis, which keeps nothing on disk here, and redis-benchmark as its clients. What was really done
 * the server tells: how many commands of which kind, how many of them failed.
 */
import { PROGRAM_HOST } from "./free_port.ts";
import { runProgram, type Service, startService } from "./program.ts";

export async function startRedis(): Promise<Service> {
  return await startService({
    command: (folder, port) =>
      ["redis-server", "--port", String(port), "--bind", PROGRAM_HOST, "--dir", folder]
        .concat(["--save", "", "--appendonly", "no", "--daemonize", "no"]),
    answers: async (port) => await askRedis(port, PROGRAM_HOST, "PING") === "PONG",
  });
}

export async function askRedis(
  port: number,
  hostname: string,
  ...command: readonly string[]
): Promise<string> {
  const ask = ["redis-cli", "-h", hostname, "-p", String(port), "-e"];
  return (await runProgram([...ask, ...command])).trim();
}

/** Calls of a command so far, and those that failed; as the server counts. */
export async function commandCount(
  service: Service,
  command: string,
): Promise<{ readonly calls: number; readonly failed: number }> {
  const text = await askRedis(service.port, service.hostname, "INFO", "commandstats");
  const row = new RegExp(`^cmdstat_${command}:(.*)$`, "m").exec(text)?.[1] ?? "";
  const read = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(row)?.[1] ?? 0);
  return { calls: read("calls"), failed: read("failed_calls") + read("rejected_calls") };
}

export async function runRedisBenchmark(
  port: number,
  { clients, requests, bytes, pipeline = 1 }: {
    readonly clients: number;
    readonly requests: number;
    /** Of a value. */
    readonly bytes: number;
    /** Requests sent before an answer is waited for. */
    readonly pipeline?: number;
  },
): Promise<string> {
  const load = ["-t", "set,get", "-c", clients, "-n", requests, "-d", bytes, "-P", pipeline];
  const command = ["redis-benchmark", "-h", "127.0.0.1", "-p", port, "--csv", ...load];
  return await runProgram(command.map(String));
}
