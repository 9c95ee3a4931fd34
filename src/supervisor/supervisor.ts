/**
 * The supervisor: an ordinary program that prepares everything workers need, keeps them running,
 * and answers for them. It carries no traffic; when it dies traffic goes on (see worker.ts).
 *
 * Start: check the platform, open every socket, map shared memory, start one process per core.
 * Run: replace workers that die or stand still, follow names that move, answer `status`.
 * End: drain with a deadline; the result is the exit status.
 */
import type { Shim } from "../../ffi/shim.ts";
import type { Config } from "../config/config.ts";
import type { Level } from "../log/log.ts";
import { filesNeeded, SUBMISSIONS_MAX } from "../limits.ts";
import { FLOWS_OPEN, SHEDDING, STATE, TUNNELS_OPEN } from "../metrics/metric_names.ts";
import { mapShared, pagesFor } from "../../ffi/shim.ts";
import type { ControlMessage } from "../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { chooseCores, cpusOf, readQuota } from "./cores.ts";
import { foreignBinds } from "./foreign_binds.ts";
import { findIdentity, type Identity, takeIdentity } from "./identity.ts";
import { HealthDesk } from "./health_desk.ts";
import { ListeningSockets } from "./listening_sockets.ts";
import { localPortNotice, readLocalPorts } from "./local_ports.ts";
import { chooseEngine, type EngineName } from "./platform.ts";
import { makePlan, type Prepared } from "./make_plan.ts";
import { ServerAddresses } from "./server_addresses.ts";
import {
  backendSnapshots,
  type EventSnapshot,
  eventSnapshots,
  listenerSnapshots,
  type Snapshot,
  WORKER_STATES,
  workerSnapshots,
} from "./snapshot.ts";
import { resolveName } from "./resolver.ts";
import { type CommandResult, findServer, type ServerCommand } from "./server_command.ts";
import { WorkerSlot } from "./worker_slot.ts";
import { describeErrno } from "../base/errno.ts";
import { checkTransparency } from "./transparency.ts";
import { plural } from "../base/plural.ts";
import { VERSION } from "../base/version.ts";

const HEARTBEAT_CHECK_MS = 500;
/** Deaths before the first "ready" after which starting is given up. */
const START_DEATHS_MAX = 5;

export interface SupervisorEvents {
  onLog(worker: number, level: Level, text: string): void;
  /** Every worker has been ready once. */
  onServing(): void;
}

/** @throws Error when a process could not hold its sockets and a connection for each of them. */
function checkFiles(fdsMax: number, sockets: number, workers: number): void {
  const needed = filesNeeded(sockets, workers);
  if (fdsMax >= needed) return;
  throw new Error(
    `the limit of open files (${fdsMax}) is too low for ${plural(sockets, "listening socket")} ` +
      `with ${plural(workers, "worker")}; raise it to ${needed} at the least, better 65536 ` +
      "(ulimit -n, or LimitNOFILE=)",
  );
}

/** Sockets that a worker has for all listeners, before any is open. */
function countBinds(config: Config): number {
  const counts = config.listeners.flatMap(({ binds }) =>
    binds.map((bind) => bind.kind === "ip" ? bind.lastPort - bind.port + 1 : 1)
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

export class Supervisor {
  /** Settles with the exit status when the last worker has ended. */
  readonly finished: Promise<number>;
  readonly #finish: (code: number) => void;
  readonly #config: Config;
  readonly #shim: Shim;
  readonly #events: SupervisorEvents;
  readonly #slots: WorkerSlot[] = [];
  readonly #readyWorkers = new Set<number>();
  readonly #drainedWorkers = new Set<number>();
  #sockets: ListeningSockets[] = [];
  #region: SharedRegion | null = null;
  #addresses: ServerAddresses | null = null;
  #health: HealthDesk | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];
  #identity: Identity | null = null;
  #io: EngineName = "uring";
  #startedMs = 0;
  #isLeaving = false;
  #draining = false;
  #exitCode = 0;

  constructor(config: Config, shim: Shim, events: SupervisorEvents) {
    this.#config = config;
    this.#shim = shim;
    this.#events = events;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.finished = promise;
    this.#finish = resolve;
  }

  /**
   * Binds, resolves and maps: everything that can fail.
   * @throws PlatformError, BindError: nothing was started and nothing stays bound.
   */
  async prepare(): Promise<void> {
    try {
      await this.#prepare();
    } catch (cause) {
      this.abandon();
      throw cause;
    }
  }

  /** Lets go of what was prepared: closes sockets, removes their files, follows no more names. */
  abandon(): void {
    this.#addresses?.stop();
    for (const sockets of this.#sockets) sockets.close();
  }

  async #prepare(): Promise<void> {
    const { library } = this.#shim;
    const config = this.#config;
    this.#identity = findIdentity(config, { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 });
    const fdsMax = library.rw_fd_limit_raise();
    const maskBytes = library.rw_affinity();
    const cpus = cpusOf(this.#shim.scratch.slice(0, Math.max(0, maskBytes)));
    const cores = chooseCores(config.workers, cpus, readQuota());
    this.#chooseEngine(cores.workers);
    checkFiles(fdsMax, countBinds(config), cores.workers);
    checkTransparency(this.#shim, config);
    for (const listener of config.listeners) {
      this.#sockets.push(await ListeningSockets.open(this.#shim, listener, cores.workers));
    }
    for (const text of foreignBinds(config, Deno.networkInterfaces())) {
      this.#events.onLog(-1, "warn", text);
    }
    // Only for those who want to know all: what udp.flows is by default exceeds most systems'.
    const notice = localPortNotice(config, readLocalPorts());
    if (notice !== null) this.#events.onLog(-1, "debug", notice);
    this.#addresses = new ServerAddresses(config, (server, address) => {
      this.#tellAll({ type: "address", server, address });
    }, (level, text) => this.#events.onLog(-1, level, text));
    await this.#addresses.resolveAll();

    const prepared: Prepared = {
      cores,
      io: this.#io,
      sharedFd: -1,
      hashKey: [...crypto.getRandomValues(new Uint32Array(2))] as [number, number],
      sockets: this.#sockets,
      addresses: this.#addresses,
    };
    const shape = regionShape(makePlan(config, prepared, 0));
    const bytes = regionBytes(shape);
    const sharedFd = library.rw_shared_create(pagesFor(bytes));
    if (sharedFd < 0) throw new Error(`cannot create shared memory: ${describeErrno(sharedFd)}`);
    const region = new SharedRegion(mapShared(this.#shim, sharedFd, bytes).buffer, shape);
    this.#region = region;
    const addresses = this.#addresses;
    this.#health = new HealthDesk(config, region, {
      targetOf: (server) => addresses.targets[server],
      lookUp: resolveName,
      log: (level, text) => this.#events.onLog(-1, level, text),
    });
    for (let worker = 0; worker < cores.workers; worker++) {
      const plan = () => makePlan(config, { ...prepared, io: this.#io, sharedFd }, worker);
      this.#slots.push(new WorkerSlot(worker, this.#shim, region, plan, this.#slotEvents()));
    }
  }

  /** Whom this program is about to become; null: it stays who it is. */
  get identity(): Identity | null {
    return this.#identity;
  }

  /**
   * Becomes the user of the configuration. Call it when everything is open that root is needed for.
   * @throws BindError, PlatformError: io_uring may be allowed to root alone.
   */
  becomeUser(): void {
    if (this.#identity === null) return;
    takeIdentity(this.#shim, this.#identity, this.#config);
    if (this.#io === "uring") this.#chooseEngine(this.#slots.length);
  }

  #chooseEngine(workers: number): void {
    const probe = this.#shim.library.rw_probe(SUBMISSIONS_MAX, workers);
    const engine = chooseEngine(this.#config.io, probe);
    if (engine.notice !== null) this.#events.onLog(-1, "warn", engine.notice);
    this.#io = engine.io;
  }

  /** Starts the workers. */
  start(): void {
    this.#startedMs = performance.now();
    for (const slot of this.#slots) slot.start();
    this.#timers.push(setInterval(() => {
      const nowMs = performance.now();
      for (const slot of this.#slots) slot.checkHeartbeat(nowMs);
    }, HEARTBEAT_CHECK_MS));
    this.#addresses?.follow();
    this.#health?.start();
  }

  #slotEvents() {
    return {
      onReady: (worker: number) => {
        if (this.#readyWorkers.has(worker)) return; // a replacement
        this.#readyWorkers.add(worker);
        if (this.#readyWorkers.size === this.#slots.length) this.#events.onServing();
      },
      onLog: this.#events.onLog,
      onDrained: (worker: number, code: number) => {
        this.#drainedWorkers.add(worker);
        if (code !== 0) this.#exitCode = Math.max(this.#exitCode, code === 3 ? 3 : 1);
        if (this.#drainedWorkers.size === this.#slots.length) this.#end();
      },
      onStartFailed: (_worker: number, deaths: number) => {
        if (this.#readyWorkers.size > 0 || deaths < START_DEATHS_MAX) return;
        this.#events.onLog(-1, "error", "workers do not start; giving up");
        for (const slot of this.#slots) slot.kill();
        this.#exitCode = 1;
        this.#end();
      },
    };
  }

  #end(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.abandon();
    this.#health?.stop().finally(() => this.#finish(this.#exitCode));
  }

  #tellAll(message: ControlMessage): void {
    for (const slot of this.#slots) slot.tell(message);
  }

  /** Ports bound, by listener. */
  get ports(): readonly number[] {
    return this.#sockets.map((sockets) => sockets.port);
  }

  /** What is bound, by listener: each address as written, with the port that it has got. */
  get binds(): readonly (readonly string[])[] {
    return this.#sockets.map(({ binds }) => binds);
  }

  get workers(): number {
    return this.#slots.length;
  }

  /** Connections and flows open now. */
  get open(): number {
    const state = this.#region?.state;
    return state === undefined ? 0 : state.sum(TUNNELS_OPEN) + state.sum(FLOWS_OPEN);
  }

  /** A drain is near: who asks is told, so that nobody new is sent here while it is awaited. */
  announceDrain(): void {
    this.#isLeaving = true;
  }

  /** Why no clients should be sent here; null: they are welcome. */
  whyNotReady(): string | null {
    if (this.#isLeaving) return "draining";
    const workers = this.#slots.length;
    const ready = this.#readyWorkers.size;
    // Of a worker that was never there yet the clients wait in its queue.
    if (ready < workers) return `starting: ${ready} of ${plural(workers, "worker")} ready`;
    const rows = this.#region!.state.rows;
    const serves = this.#slots.some(({ pid }, worker) => {
      return pid !== 0 && WORKER_STATES[rows[worker][STATE]] === "serving";
    });
    return serves ? null : "no worker is ready";
  }

  /**
   * Stops accepting and ends when the last connection has.
   * @param timeoutMs cuts what is left after that; null waits for ever.
   */
  drain(timeoutMs: number | null): void {
    this.announceDrain();
    if (!this.#draining) {
      this.#draining = true;
      // The workers close theirs as well; only then are new clients refused by the kernel.
      for (const sockets of this.#sockets) sockets.stopAccepting();
    }
    this.#tellAll({ type: "drain", timeoutMs });
  }

  cut(): void {
    if (!this.#draining) this.drain(0);
    this.#tellAll({ type: "cut" });
  }

  /** What has happened to servers and backends, the newest at the end. */
  events(): readonly EventSnapshot[] {
    return eventSnapshots(this.#health!.events.toArray());
  }

  /** Does at once what an operator asks for. */
  commandServer(backend: string, server: string, command: ServerCommand): CommandResult {
    const place = findServer(this.#config.backends, backend, server);
    if (place.kind !== "found") return place;
    this.#health!.command(place, command);
    return { kind: "done", server: this.#backends()[place.backend].servers[place.server] };
  }

  #backends() {
    const texts = this.#addresses!.texts;
    return backendSnapshots(this.#config, texts, this.#region!.state, this.#health!.reports());
  }

  /** Says which workers refuse new clients; null: none does. */
  #describeOverload(): string | null {
    const rows = this.#region!.state.rows;
    const shedding = rows.flatMap((row, worker) => row[SHEDDING] > 0 ? [worker] : []);
    if (shedding.length === 0) return null;
    return `new clients are refused by worker ${shedding.join(", ")}`;
  }

  snapshot(): Snapshot {
    const shared = this.#region!.state;
    return {
      version: VERSION,
      pid: Deno.pid,
      uptime_seconds: Math.round((performance.now() - this.#startedMs) / 1000),
      state: this.#draining ? "draining" : "serving",
      overload: this.#describeOverload(),
      workers: workerSnapshots(this.#slots, shared),
      listeners: listenerSnapshots(this.#config, this.#sockets, shared),
      backends: this.#backends(),
      events: this.events(),
    };
  }
}
