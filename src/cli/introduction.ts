/**
 * What `serve` says when it has started: what runs, in a few lines, and what to try next when it is
 * the demonstration.
 */
import { formatDuration } from "../base/duration.ts";
import { plural } from "../base/plural.ts";
import { makePrintable } from "../base/quoted_text.ts";
import { VERSION } from "../base/version.ts";
import type { BackendConfig, Config, ProbeConfig } from "../config/config.ts";
import { ownCommand } from "./own_command.ts";

/** What is said of the program; of the supervisor nothing else is looked at. */
export interface Started {
  readonly workers: number;
  /** By listener. */
  readonly binds: readonly (readonly string[])[];
  readonly ports: readonly number[];
}

function describeBackend({ name, servers, balance, healthCheck }: BackendConfig): string {
  const check = healthCheck === null
    ? ""
    : `, ${describeProbe(healthCheck.probe)} every ${formatDuration(healthCheck.intervalMs)}`;
  return `backend "${name}": ${plural(servers.length, "server")}, ${balance}${check}`;
}

/** What a health check does, in two words. */
function describeProbe(probe: ProbeConfig): string {
  switch (probe.kind) {
    case "tcp":
      return "checked by TCP";
    case "udp":
      return "checked by UDP";
    case "http":
      return `checked by ${probe.method} ${makePrintable(probe.path)}`;
    case "grpc":
      return "checked by gRPC";
    case "dns":
      return `checked by DNS ${probe.name} ${probe.type}`;
  }
}

export function introduce(
  { config, file, isDemo }: {
    readonly config: Config;
    readonly file: string;
    readonly isDemo: boolean;
  },
  { workers, binds, ports }: Started,
): string {
  const lines = [`ringway ${VERSION}: ${plural(workers, "worker")}, configuration ${file}`];
  config.listeners.forEach((listener, i) => {
    const backends = [
      ...listener.routes.map((route) => route.backend),
      ...listener.backend === null ? [] : [listener.backend],
    ];
    const targets = [...new Set(backends)].map((name) => {
      const backend = config.backends.find((each) => each.name === name)!;
      return describeBackend(backend);
    });
    lines.push(
      `  listener "${listener.name}" ${binds[i].join(", ")} (${listener.protocol}) -> ` +
        targets.join("; "),
    );
  });
  if (isDemo) lines.push("", ...explainDemo(ports[0]));
  return lines.join("\n") + "\n";
}

/** The first steps, as the person would type them. */
function explainDemo(port: number): string[] {
  const steps = [
    [`curl 127.0.0.1:${port}`, "again and again: the servers take turns"],
    [ownCommand("status"), "what happened"],
  ];
  const next = [
    [ownCommand("proxy :8080 HOST:PORT HOST:PORT"), "the same with servers of yours"],
    [ownCommand("init"), "a configuration to begin with"],
  ];
  const width = Math.max(...[...steps, ...next].map(([command]) => command.length));
  const show = ([command, what]: readonly string[]) => `  ${command.padEnd(width)}   # ${what}`;
  return [
    "This is a demonstration: the servers are inside. Try, in another terminal:",
    ...steps.map(show),
    "Ctrl-C ends it. Then:",
    ...next.map(show),
  ];
}
