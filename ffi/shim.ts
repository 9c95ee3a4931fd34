/**
 * Opens the C shim and gives its functions and memory to the rest as plain calls and typed arrays.
 *
 * This folder is the only place with pointers. Everything above sees an `ArrayBuffer` with one
 * owner; mappings live until the process ends, because a view over unmapped memory would crash it.
 * The library is never closed, for the same reason.
 */
import { shimPath } from "./parts.ts";
import {
  ADDRESS,
  CONTROL_BYTES,
  LAYOUT_ROWS,
  PAGE_BYTES,
  SCRATCH,
  SCRATCH_BYTES,
} from "./layout.ts";

const SYMBOLS = {
  rw_layout: { parameters: [], result: "pointer" },
  rw_control: { parameters: [], result: "pointer" },
  rw_probe: { parameters: ["u32", "u32"], result: "i32" },
  rw_ring_open: { parameters: ["u32", "u32"], result: "i32" },
  rw_lane_open: { parameters: ["u32", "u32"], result: "i32" },
  rw_enter: { parameters: ["u32", "u32", "u32"], result: "i32" },
  rw_map_anonymous: { parameters: ["u32"], result: "i32" },
  rw_shared_create: { parameters: ["u32"], result: "i32" },
  rw_map_shared: { parameters: ["i32", "u32"], result: "i32" },
  rw_socket: { parameters: ["i32", "i32"], result: "i32" },
  rw_set_option: { parameters: ["i32", "i32", "i32", "i32"], result: "i32" },
  rw_bind: { parameters: ["i32", "u32"], result: "i32" },
  rw_listen: { parameters: ["i32", "u32"], result: "i32" },
  rw_connect: { parameters: ["i32", "u32"], result: "i32" },
  rw_socket_name: { parameters: ["i32"], result: "i32" },
  rw_socket_type: { parameters: ["i32"], result: "i32" },
  rw_accept: { parameters: ["i32"], result: "i32" },
  rw_send: { parameters: ["i32", "u32"], result: "i32" },
  rw_send_message: { parameters: ["i32", "i32", "i32"], result: "i32" },
  rw_discard: { parameters: ["i32", "u32"], result: "i32" },
  rw_peer_ended: { parameters: ["i32"], result: "i32" },
  rw_shutdown_write: { parameters: ["i32"], result: "i32" },
  rw_reset_on_close: { parameters: ["i32"], result: "i32" },
  rw_close: { parameters: ["i32"], result: "i32" },
  rw_close_on_exec: { parameters: ["i32", "u32"], result: "i32" },
  rw_nonblocking: { parameters: ["i32"], result: "i32" },
  rw_fd_limit_raise: { parameters: [], result: "i32" },
  rw_cpu_ms: { parameters: [], result: "f64" },
  rw_affinity: { parameters: [], result: "i32" },
  rw_pin: { parameters: ["u32"], result: "i32" },
  rw_name: { parameters: [], result: "i32" },
  rw_signals_open: { parameters: [], result: "i32" },
  rw_signals_unblock: { parameters: [], result: "i32" },
  rw_nop: { parameters: ["i32"], result: "i32" },
  rw_harden: { parameters: ["u32", "u32"], result: "i32" },
  rw_landlock_version: { parameters: [], result: "i32" },
  rw_drop_user: { parameters: ["u32", "u32", "u32", "u32"], result: "i32" },
} as const;

export type Library = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The executable's own, or where set-up leaves the library, whatever the working directory. */
function libraryPath(): string {
  return shimPath() ?? `${import.meta.dirname}/../.cache/shim/libringway.so`;
}

export function openLibrary(path: string = libraryPath()): Library {
  try {
    return Deno.dlopen(path, SYMBOLS).symbols;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `cannot load the shim "${path}": ${reason}; run "deno task setup" to build it`,
      { cause },
    );
  }
}

export function readLayoutText(library: Library): string {
  return new Deno.UnsafePointerView(library.rw_layout()!).getCString();
}

/** A mapping: its bytes, and where they are; see src/ring/address_half.ts. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/** The opened shim. One per process: its control block is a static of the library. */
export interface Shim {
  readonly library: Library;
  readonly control: ArrayBuffer;
  /** Socket addresses, masks and names on their way in and out. */
  readonly scratch: Uint8Array;
}

/** The rows in which two layouts differ, for the error text. */
function differences(expected: string, found: string): string {
  const rows = new Set(found.split("\n"));
  const missing = expected.split("\n").filter((row) => !rows.has(row));
  return missing.map((row) => `  expected ${row}`).join("\n");
}

let opened: Shim | null = null;

export function openShim(): Shim {
  if (opened !== null) return opened;
  opened = loadShim();
  if (shimPath() !== null) {
    // The kernel has named this process after the memory file that was executed: by a number.
    opened.scratch.set(new TextEncoder().encode("ringway\0"));
    opened.library.rw_name();
  }
  return opened;
}

/** Each copy of the library has a control block, and so a ring, of its own; tests need several. */
export function loadShim(path?: string): Shim {
  const library = openLibrary(path);
  const found = readLayoutText(library).trimEnd();
  const expected = LAYOUT_ROWS.join("\n");
  if (found !== expected) {
    throw new Error(
      `the shim was built from other sources than this program; run "deno task setup" ` +
        `(after a change of shim.h: "deno task layout")\n` + differences(expected, found),
    );
  }
  const pointer = library.rw_control()!;
  const control = Deno.UnsafePointerView.getArrayBuffer(pointer, CONTROL_BYTES);
  return {
    library,
    control,
    scratch: new Uint8Array(control, SCRATCH, SCRATCH_BYTES),
  };
}

/** Views `bytes` of memory at an address that the control block holds at `offset`. */
export function viewAt(shim: Shim, offset: number, bytes: number): Mapping {
  const address = new BigUint64Array(shim.control, offset, 1)[0];
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new Error(`the shim left no address at offset ${offset}`);
  return {
    buffer: Deno.UnsafePointerView.getArrayBuffer(pointer, bytes),
    address: Number(address),
  };
}

export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/** Zeroed memory of this process. @throws Error with the errno when the kernel refuses. */
export function mapAnonymous(shim: Shim, bytes: number): Mapping {
  const pages = pagesFor(bytes);
  const result = shim.library.rw_map_anonymous(pages);
  if (result < 0) throw new Error(`cannot map ${pages} pages: errno ${-result}`);
  return viewAt(shim, ADDRESS, pages * PAGE_BYTES);
}

/** Memory behind `fd` (a memfd of rw_shared_create), shared by every process that maps it. */
export function mapShared(shim: Shim, fd: number, bytes: number): Mapping {
  const pages = pagesFor(bytes);
  const result = shim.library.rw_map_shared(fd, pages);
  if (result < 0) throw new Error(`cannot map shared memory fd ${fd}: errno ${-result}`);
  return viewAt(shim, ADDRESS, pages * PAGE_BYTES);
}
