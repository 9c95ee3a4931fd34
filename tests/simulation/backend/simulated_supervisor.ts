/**
 * What the supervisor does for one backend, without processes, sockets and timers: the real
 * BackendWatch takes in what workers have counted and writes what follows on the board, the real
 * ProbeRecord makes verdicts of probes. Around them is done here what health_desk.ts does.
 */
import { ProbeRecord } from "../../../src/probe/probe_record.ts";
import { failed, passed } from "../../../src/probe/probe_outcome.ts";
import type { HealthCommand } from "../../../src/health/backend_health.ts";
import type { ServerState } from "../../../src/health/server_state.ts";
import { BackendWatch } from "../../../src/supervisor/backend_watch.ts";
import type { SharedRegion } from "../../../src/upstream/shared_region.ts";
import type { BackendScene, Order } from "./backend_scene.ts";

export class SimulatedSupervisor {
  readonly probeTimeoutMs: number;
  readonly watch: BackendWatch;
  readonly #scene: BackendScene;
  readonly #records: readonly ProbeRecord[];
  readonly #states: ServerState[];
  #nowMs = 0;

  constructor(scene: BackendScene, region: SharedRegion) {
    const { servers, healthCheck } = scene.config;
    const place = {
      backend: 0,
      firstServer: 0,
      isForeignZone: servers.map(() => false),
      isKnown: () => true,
    };
    this.#scene = scene;
    this.watch = new BackendWatch(scene.config, place, region, 0);
    this.watch.publish();
    this.#states = servers.map(() => "up");
    this.probeTimeoutMs = healthCheck?.timeoutMs ?? Infinity;
    this.#records = healthCheck === null
      ? []
      : servers.map((_, server) =>
        new ProbeRecord(healthCheck, (verdict, report) => {
          if (!verdict.changed && !verdict.isFirst) return;
          const reason = `${verdict.streak}: ${report.text}`;
          this.watch.health.onProbe(server, verdict.isUp, reason, this.#nowMs);
          this.#hear();
        })
      );
  }

  /** How long to wait before a server is probed again; Infinity: never. */
  intervalMs(server: number): number {
    const { healthCheck } = this.#scene.config;
    if (healthCheck === null) return Infinity;
    return this.#records[server].isMoving() ? healthCheck.fastIntervalMs : healthCheck.intervalMs;
  }

  probed(server: number, isOk: boolean, nowMs: number): void {
    this.#nowMs = nowMs;
    const outcome = isOk ? passed("connected") : failed("not connected");
    this.#records[server].onResult({ outcome, durationMs: 1, atMs: nowMs });
  }

  command({ server, what, weight = 0 }: Order, nowMs: number): void {
    this.#nowMs = nowMs;
    const command: HealthCommand = what === "drain"
      ? { kind: what, deadlineMs: null }
      : what === "weight"
      ? { kind: what, weight }
      : { kind: what };
    this.watch.health.command(server, command, nowMs);
    this.#hear();
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.watch.observe(nowMs);
    this.#tell();
  }

  #hear(): void {
    this.#tell();
    this.watch.publish();
  }

  #tell(): void {
    const { health } = this.watch;
    for (const { server, to } of health.takeEvents()) this.#states[server] = to;
  }

  /** By server; the same array each time. */
  states(): readonly ServerState[] {
    return this.#states;
  }

  breakerState(): string {
    return this.watch.breaker?.state ?? "closed";
  }

  /** All that explains a choice, in words. */
  told(): string {
    const { health, isPanicking } = this.watch;
    const servers = this.#states.map((state, i) => {
      const why = state === "up" ? "" : ` (${health.reason(i)})`;
      return `${i} ${state}${why} ${health.share(i)}/256`;
    });
    const panic = isPanicking ? "; panic" : "";
    return `${servers.join(", ")}; breaker ${this.breakerState()}${panic}`;
  }
}
