/**
 * A shim whose sockets are numbers and what was done to them, for tests of what listeners open: the
 * kernel's refusals come when a test wants them, and every socket is accounted for.
 *
 * It knows no address that is taken and no limit; `refuse` says what fails. Real sockets are the
 * matter of the tests that call openShim().
 */
import assert from "node:assert/strict";
import type { Shim } from "../../ffi/shim.ts";
import { parseIp } from "../net/address.ts";
import { AF_INET, AF_INET6, encodeSocketAddress, portOf } from "../net/socket_address.ts";

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const EBADF = 9;

/** What the kernel picks for port 0. */
export const PICKED_PORT = 40_001;

/** A socket, and all that was asked of it. */
export interface FakeSocket {
  readonly fd: number;
  readonly family: number;
  readonly type: number;
  /** Level, option and value, in the order of the calls. */
  readonly options: (readonly [number, number, number])[];
  /** The port of an IP address, the bytes of any. */
  port: number;
  address: Uint8Array;
  /** -1 as long as it does not listen. */
  backlog: number;
  isOpen: boolean;
  closesOnExec: boolean;
}

export type Step = "socket" | "option" | "bind" | "listen";

export class FakeShim {
  /** All that there ever were, in the order of their making. */
  readonly sockets: FakeSocket[] = [];
  readonly scratch = new Uint8Array(1024);
  readonly #refuse: (step: Step, socket: FakeSocket) => number;

  /** @param refuse a negated errno; 0 lets a step pass. */
  constructor(refuse: (step: Step, socket: FakeSocket) => number = () => 0) {
    this.#refuse = refuse;
  }

  /** A socket from outside, as systemd passes it. */
  pass(fd: number, type: number, address: Uint8Array): FakeSocket {
    const socket = this.#add(fd, address[0], type);
    socket.address = address;
    socket.port = address[0] === AF_INET || address[0] === AF_INET6 ? portOf(address) : 0;
    return socket;
  }

  #add(fd: number, family: number, type: number): FakeSocket {
    const socket: FakeSocket = {
      ...{ fd, family, type, options: [], port: 0, address: new Uint8Array(0), backlog: -1 },
      ...{ isOpen: true, closesOnExec: false },
    };
    this.sockets.push(socket);
    return socket;
  }

  get open(): FakeSocket[] {
    return this.sockets.filter(({ isOpen }) => isOpen);
  }

  #find(fd: number): FakeSocket {
    const socket = this.open.find((each) => each.fd === fd);
    assert.ok(socket !== undefined, `fd ${fd} is open`);
    return socket;
  }

  get shim(): Shim {
    const { scratch } = this;
    const library = {
      rw_socket: (family: number, type: number) => {
        const socket = this.#add(100 + this.sockets.length, family, type);
        const refused = this.#refuse("socket", socket);
        socket.isOpen = refused >= 0;
        return refused < 0 ? refused : socket.fd;
      },
      rw_set_option: (fd: number, level: number, option: number, value: number) => {
        const socket = this.#find(fd);
        socket.options.push([level, option, value]);
        return this.#refuse("option", socket);
      },
      rw_bind: (fd: number, bytes: number) => {
        const socket = this.#find(fd);
        socket.address = scratch.slice(0, bytes);
        socket.port = portOf(scratch);
        const refused = this.#refuse("bind", socket);
        if (refused >= 0 && socket.port === 0) socket.port = PICKED_PORT;
        return refused;
      },
      rw_listen: (fd: number, backlog: number) => {
        const socket = this.#find(fd);
        socket.backlog = backlog;
        return this.#refuse("listen", socket);
      },
      rw_socket_name: (fd: number) => {
        const { family, port, address } = this.#find(fd);
        const isIp = family === AF_INET || family === AF_INET6;
        const ip = family === AF_INET ? address.slice(4, 8) : address.slice(8, 24);
        const bytes = isIp ? encodeSocketAddress(ip, port) : address;
        scratch.set(bytes);
        return bytes.length;
      },
      rw_socket_type: (fd: number) => this.open.find((each) => each.fd === fd)?.type ?? -EBADF,
      rw_close_on_exec: (fd: number, on: number) => {
        this.#find(fd).closesOnExec = on === 1;
        return 0;
      },
      rw_close: (fd: number) => {
        this.#find(fd).isOpen = false;
        return 0;
      },
    };
    return { library, scratch } as unknown as Shim;
  }
}

/** Whether others may bind the same address. */
export function isShared({ options }: FakeSocket): boolean {
  return options.some(([level, option, value]) => {
    return level === SOL_SOCKET && option === SO_REUSEPORT && value === 1;
  });
}

/** struct sockaddr of an IP literal. */
export function addressOf(ip: string, port: number): Uint8Array {
  return encodeSocketAddress(parseIp(ip)!, port);
}
