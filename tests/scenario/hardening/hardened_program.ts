/**
 * A program that hardens itself as a worker does and then tries what must fail, and what must not:
 * `hardened_program.ts STEPS`, the bits of shim.h. It writes what came of each attempt as JSON:
 * "ok", or the error. So each step can be seen alone, where in a worker one wall hides another.
 *
 * Attempts that take a path of the runtime's through another thread show that threads which were
 * there before stand behind the same walls.
 */
import { openShim } from "../../../ffi/shim.ts";
import { systemCall } from "../../../ffi/test_system_call.ts";
import { KernelQueues } from "../../../src/ring/kernel_queues.ts";
import { URING } from "../../../src/ring/ring.ts";

// Numbers of system calls: from 424 on they are the same on all machines.
const IS_X86 = Deno.build.arch === "x86_64";
const CLONE = IS_X86 ? 56 : 220;
const PRCTL = IS_X86 ? 157 : 167;
const MEMFD_CREATE = IS_X86 ? 319 : 279;
const CALLS = {
  execve: IS_X86 ? 59 : 221,
  ptrace: IS_X86 ? 101 : 117,
  mount: IS_X86 ? 165 : 40,
  unshare: IS_X86 ? 272 : 97,
  process_vm_readv: IS_X86 ? 310 : 270,
  memfd_create: MEMFD_CREATE,
  bpf: IS_X86 ? 321 : 280,
  io_setup: IS_X86 ? 206 : 0,
  io_uring_setup: 425,
  io_uring_register: 427,
  clone3: 435,
  openat2: 437,
};
const SIGCHLD = 17;
const PR_SET_DUMPABLE = 4;
const X32 = 0x40000000;
// include/uapi/linux/io_uring.h
const OP_OPENAT = 18;
const OP_POLL_ADD = 6;
const SECCOMP = 8;

/** An answer as words. */
const told = (answer: number) => answer >= 0 ? "ok" : `errno ${-answer}`;

/** Not where no filter is: some of these would succeed, and change what runs here. */
function tryCalls(): Record<string, string> {
  const tried = Object.entries(CALLS).map(([name, number]) => [name, told(systemCall(number))]);
  return {
    ...Object.fromEntries(tried),
    fork: told(systemCall(CLONE, SIGCHLD)),
    dumpable: told(systemCall(PRCTL, PR_SET_DUMPABLE, 1)),
    otherMachine: IS_X86 ? told(systemCall(X32 + MEMFD_CREATE)) : "errno 1",
  };
}

/** What comes of it: "ok", or how it failed. */
async function attempt(action: () => unknown): Promise<string> {
  try {
    const result = await action();
    return typeof result === "string" ? result : "ok";
  } catch (failure) {
    const { name, message } = failure as Error;
    return `${name}: ${message}`;
  }
}

/** A ring on which entries of any kind may be tried. */
class AnyRing extends KernelQueues {
  try(operation: number): string {
    this.entry(operation, -1, 1, 0, 0);
    this.turn(1000);
    if (!this.step()) return "nothing";
    return this.result >= 0 ? "ok" : `errno ${-this.result}`;
  }
}

/** Compiled anew each time: the JIT needs memory that it may write and execute. */
function compileMuch(): string {
  let sum = 0;
  for (let i = 0; i < 40; i++) {
    const made = new Function(
      "n",
      `let s = ${i}; for (let k = 0; k < n; k++) s += k % 7; return s;`,
    );
    for (let k = 0; k < 40; k++) sum += made(5000);
  }
  return sum > 0 ? "ok" : "nothing";
}

function collectMuch(): string {
  let kept: unknown[] = [];
  for (let i = 0; i < 300_000; i++) {
    kept.push({ i, text: `object ${i}` });
    if (kept.length > 100_000) kept = [];
  }
  return kept.length > 0 ? "ok" : "nothing";
}

const [steps, kept] = Deno.args.map(Number);
const { library, scratch } = openShim();
const folder = Deno.makeTempDirSync({ prefix: "ringway-hardened-" });
const file = `${folder}/secret`;
Deno.writeTextFileSync(file, "secret");
const opened = Deno.openSync(file, { read: true, write: true });
const ring = new AnyRing(openShim(), URING);
// Threads of the runtime, there before.
await Promise.all(Array.from({ length: 4 }, () => Deno.readTextFile(file)));
void new Error().stack;

const result = library.rw_harden(steps, kept);

const socket = (family: number, type: number) => told(library.rw_socket(family, type));
const LOOPBACK = [2, 0, 0, 9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]; // struct sockaddr_in

function bind(): string {
  scratch.set(LOOPBACK);
  scratch[3] = 0;
  return told(library.rw_bind(library.rw_socket(2, 1), LOOPBACK.length));
}

function connect(): string {
  const fd = library.rw_socket(2, 2);
  scratch.set(LOOPBACK);
  const connected = told(library.rw_connect(fd, LOOPBACK.length));
  if (connected !== "ok") return connected;
  return told(Math.min(library.rw_send(fd, 1), library.rw_socket_name(fd), library.rw_close(fd)));
}

const found = {
  readFile: await attempt(() => void Deno.readTextFileSync(file)),
  readFileInThread: await attempt(async () => void await Deno.readTextFile(file)),
  writeFile: await attempt(() => Deno.writeTextFileSync(`${folder}/new`, "x")),
  removeFile: await attempt(() => Deno.removeSync(file)),
  readOpenFile: await attempt(() => opened.readSync(new Uint8Array(6)) === 6 ? "ok" : "empty"),
  writeOpenFile: await attempt(() => void opened.writeSync(new Uint8Array(6))),
  command: await attempt(() => void new Deno.Command("/bin/true").outputSync()),
  kill: await attempt(() => Deno.kill(Deno.ppid, "SIGCONT")),
  chown: await attempt(() => Deno.chownSync(folder, 1, 1)),
  chownInThread: await attempt(async () => await Deno.chown(folder, 1, 1)),
  calls: (steps & SECCOMP) === 0 ? {} : tryCalls(),
  netlink: socket(16, 2),
  packet: socket(17, 2),
  raw: socket(2, 3),
  unix: socket(1, 1),
  bind: await attempt(bind),
  openByRing: ring.try(OP_OPENAT),
  // What a worker does.
  tcp: socket(2, 1),
  udp: socket(10, 2),
  connect: await attempt(connect),
  pollByRing: ring.try(OP_POLL_ADD),
  compile: await attempt(compileMuch),
  collect: await attempt(collectMuch),
  trace: await attempt(() => {
    const { stack = "" } = new Error("told");
    return stack.includes("hardened_program.ts") ? "ok" : stack;
  }),
};
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ result, folder, found })));
Deno.exit(0);
