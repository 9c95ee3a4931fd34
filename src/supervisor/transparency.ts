/**
 * Whether we may speak to servers from our clients' addresses (`transparent: true`): asked before
 * anything starts, because otherwise each connection would fail by itself.
 */
import { describeErrno, EACCES, EPERM } from "../base/errno.ts";
import type { Config } from "../config/config.ts";
import { AF_INET } from "../net/socket_address.ts";
import { IP_TRANSPARENT, SOL_IP } from "../net/socket_numbers.ts";
import { STREAM } from "../ring/ring.ts";
import type { Shim } from "../../ffi/shim.ts";
import { BindError } from "./bind_error.ts";

/** @throws BindError naming the backend and what it needs. */
export function checkTransparency(shim: Shim, config: Pick<Config, "backends">): void {
  const backend = config.backends.find(({ transparent }) => transparent);
  if (backend === undefined) return;
  const fd = shim.library.rw_socket(AF_INET, STREAM);
  if (fd < 0) throw new BindError(-fd, `cannot open a socket: ${describeErrno(fd)}`);
  const allowed = shim.library.rw_set_option(fd, SOL_IP, IP_TRANSPARENT, 1);
  shim.library.rw_close(fd);
  if (allowed >= 0) return;
  const isDenied = allowed === -EPERM || allowed === -EACCES;
  const remedy = isDenied
    ? "grant CAP_NET_RAW or CAP_NET_ADMIN (AmbientCapabilities= in the unit), or remove it from " +
      "the backend"
    : "this kernel has no transparent sockets (CONFIG_NETFILTER_TPROXY)";
  throw new BindError(
    -allowed,
    `backend "${backend.name}" has transparent: true: ${describeErrno(allowed)}; ${remedy}`,
  );
}
