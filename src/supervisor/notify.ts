/**
 * What the service manager gets to hear: sd_notify(3), one datagram each to $NOTIFY_SOCKET.
 *
 * READY=1 when every worker serves, STOPPING=1 when a drain begins, STATUS= for who asks systemctl,
 * and WATCHDOG=1 twice in the time after which systemd would take us for dead. Workers are none of
 * its business: the variables are taken out of the environment, so that they inherit nothing, and a
 * worker that hangs is replaced by us. Without a service manager nothing happens.
 */
import { describeErrno, EAGAIN, EINVAL } from "../base/errno.ts";
import { quoteText } from "../base/quoted_text.ts";
import type { Shim } from "../../ffi/shim.ts";
import { AF_UNIX } from "../net/socket_address.ts";
import { DATAGRAM_SOCKET } from "../ring/ring.ts";

/** The service manager's queue is full: the next attempt. */
const RETRY_MS = 100;
/** Longer ones are cut: a status is a line that people read. */
const STATUS_LENGTH_MAX = 200;
/** unix(7): of 108 a path needs one for its final zero, an abstract name none. */
const PATH_BYTES_MAX = 107;

/** Of `Deno.env`, what is needed here. */
export interface Variables {
  get(name: string): string | undefined;
  delete(name: string): void;
}

/** struct sockaddr_un, as long as it must be: of an abstract name every byte counts. */
function encodeAddress(path: string): Uint8Array | null {
  const name = new TextEncoder().encode(path);
  if (!/^[/@]./.test(path) || name.length > PATH_BYTES_MAX) return null;
  const isAbstract = path.startsWith("@");
  const bytes = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (isAbstract) bytes[2] = 0;
  return bytes;
}

/** Milliseconds between signs of life; null: nobody waits for any. */
function watchdogMs(variables: Variables, pid: number): number | null {
  const owner = variables.get("WATCHDOG_PID");
  const microseconds = Number(variables.get("WATCHDOG_USEC") ?? "");
  const isOurs = owner === undefined || owner === String(pid);
  return isOurs && microseconds > 0 ? Math.max(1, microseconds / 2000) : null;
}

export class Notifier {
  readonly #shim: Shim;
  readonly #path: string;
  readonly #warn: (text: string) => void;
  readonly #waiting: Uint8Array[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setInterval> | undefined;
  #hasFailed = false;

  private constructor(shim: Shim, path: string, warn: (text: string) => void) {
    this.#shim = shim;
    this.#path = path;
    this.#warn = warn;
  }

  /** @param warn told once when the service manager cannot be reached. */
  static open(
    shim: Shim,
    warn: (text: string) => void,
    variables: Variables = Deno.env,
    pid: number = Deno.pid,
  ): Notifier {
    const notifier = new Notifier(shim, variables.get("NOTIFY_SOCKET") ?? "", warn);
    const everyMs = watchdogMs(variables, pid);
    for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) variables.delete(name);
    if (everyMs !== null && notifier.#path !== "") notifier.#startWatchdog(everyMs);
    return notifier;
  }

  ready(status: string): void {
    this.#tell("READY=1", `STATUS=${status}`);
  }

  stopping(status: string): void {
    this.#tell("STOPPING=1", `STATUS=${status}`);
  }

  close(): void {
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    this.#waiting.length = 0;
  }

  #startWatchdog(everyMs: number): void {
    this.#watchdog = setInterval(() => {
      // What waits is sent first, and then is as good a sign of life.
      if (this.#waiting.length === 0) this.#tell("WATCHDOG=1");
    }, everyMs);
  }

  #tell(...lines: string[]): void {
    if (this.#path === "") return;
    const text = lines.map((line) => line.replace(/\p{Cc}/gu, " ").slice(0, STATUS_LENGTH_MAX));
    this.#waiting.push(new TextEncoder().encode(text.join("\n")));
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#retry);
    while (this.#waiting.length > 0) {
      const result = this.#send(this.#waiting[0]);
      if (result === -EAGAIN) {
        this.#retry = setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
      this.#waiting.shift();
      if (result < 0) this.#complain(-result);
    }
  }

  /** A socket each time, as sd_notify(3) has it: a service manager may start anew meanwhile. */
  #send(bytes: Uint8Array): number {
    const { library, scratch } = this.#shim;
    const address = encodeAddress(this.#path);
    if (address === null) return -EINVAL;
    const fd = library.rw_socket(AF_UNIX, DATAGRAM_SOCKET);
    if (fd < 0) return fd;
    try {
      scratch.set(address);
      const connected = library.rw_connect(fd, address.length);
      if (connected < 0) return connected;
      scratch.set(bytes);
      return library.rw_send(fd, bytes.length);
    } finally {
      library.rw_close(fd);
    }
  }

  #complain(errno: number): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const where = quoteText(this.#path);
    this.#warn(
      `the service manager cannot be told that we run: ${describeErrno(errno)} at ${where} ` +
        "(NOTIFY_SOCKET)",
    );
  }
}
