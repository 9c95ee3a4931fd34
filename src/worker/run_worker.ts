/**
 * The worker process: reads its plan from standard input, opens ring and shared memory, and turns
 * until it is done. Exit status: 0 when it drained, 3 when tunnels were cut.
 *
 * Standard input is the supervisor's control pipe and stays open: its end means that the
 * supervisor is gone. Standard output carries messages to it.
 */
import { capacityWithin } from "../limits.ts";
import { mapShared, openShim } from "../../ffi/shim.ts";
import { KernelRing } from "../ring/kernel_ring.ts";
import { EPOLL, URING } from "../ring/ring.ts";
import type { Plan } from "../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { ControlChannel } from "./control_channel.ts";
import { harden } from "./hardening.ts";
import { addressSlotCount, countSockets, DONE, Worker } from "./worker.ts";
import { WorkerLog } from "./worker_log.ts";

const CONTROL_FD = 0;
const MESSAGES_FD = 1;
const NEWLINE = 10;

/** Reads up to the end of the first line; messages that came with it are in `rest`. */
function readPlan(): { plan: Plan; rest: Uint8Array } {
  const piece = new Uint8Array(64 * 1024);
  let text = new Uint8Array(0);
  for (;;) {
    const count = Deno.stdin.readSync(piece);
    if (count === null) throw new Error("the supervisor ended before it sent a plan");
    const longer = new Uint8Array(text.length + count);
    longer.set(text);
    longer.set(piece.subarray(0, count), text.length);
    text = longer;
    const end = text.indexOf(NEWLINE);
    if (end < 0) continue;
    const plan = JSON.parse(new TextDecoder().decode(text.subarray(0, end))) as Plan;
    return { plan, rest: text.subarray(end + 1) };
  }
}

export function runWorker(): never {
  const { plan, rest } = readPlan();
  const shim = openShim();
  shim.scratch.set(new TextEncoder().encode(`ringway-w${plan.worker}\0`));
  shim.library.rw_name();
  if (plan.cpu >= 0) shim.library.rw_pin(plan.cpu);
  const fds = shim.library.rw_fd_limit_raise();
  const sockets = countSockets(plan);
  const capacity = capacityWithin(fds, sockets.tcp, sockets.udp);
  shim.library.rw_nonblocking(MESSAGES_FD);
  const signalFd = shim.library.rw_signals_open();

  const shape = regionShape(plan);
  const region = new SharedRegion(
    mapShared(shim, plan.sharedFd, regionBytes(shape)).buffer,
    shape,
  );
  const ring = new KernelRing(addressSlotCount(plan), plan.io === "uring" ? URING : EPOLL);
  const log = new WorkerLog(
    (line) => void Deno.stdout.writeSync(line),
    () => ring.nowMs,
    region.state.rows[plan.worker],
    plan.logLevel,
  );
  const channel = new ControlChannel();
  const worker = new Worker(ring, ring.slab, plan, region, capacity, Deno.pid, {
    controlFd: CONTROL_FD,
    signalFd,
    parse: (bytes, count) => channel.parse(bytes, count),
    // Not the runtime's: to load what has it takes longer than all else of a worker's start.
    cpuMs: () => shim.library.rw_cpu_ms(),
  }, log);
  const { done, failure } = harden(shim.library, plan);
  if (failure !== null) log.log("warn", `hardening is not complete: ${failure}`);
  log.log("debug", `hardened: ${done.join(", ")}`);
  worker.start();
  for (const message of channel.parse(rest, rest.length)) worker.apply(message);
  log.send({ type: "ready", hardening: done });
  while (worker.state !== DONE) worker.turn();
  Deno.exit(worker.cutCount > 0 ? 3 : 0);
}
