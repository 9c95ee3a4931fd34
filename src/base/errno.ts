/**
 * Linux error numbers (asm-generic/errno.h), as the ring returns them negated, with the name and
 * the words that people know. Only for what the program meets: others print as "errno N".
 */
export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const EROFS = 30;
export const EPIPE = 32;
export const ENOSYS = 38;
export const ETIME = 62;
export const EMSGSIZE = 90;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETUNREACH = 101;
export const ENOBUFS = 105;
export const ECONNABORTED = 103;
export const ECONNRESET = 104;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
export const ECANCELED = 125;

const WORDS: Readonly<Record<number, string>> = {
  1: "operation not permitted (EPERM)",
  2: "no such file (ENOENT)",
  4: "interrupted (EINTR)",
  5: "input or output error (EIO)",
  9: "bad file descriptor (EBADF)",
  11: "try again (EAGAIN)",
  12: "out of memory (ENOMEM)",
  13: "permission denied (EACCES)",
  16: "busy (EBUSY)",
  17: "something is there already (EEXIST)",
  20: "not a directory (ENOTDIR)",
  22: "invalid argument (EINVAL)",
  23: "too many open files in the system (ENFILE)",
  24: "too many open files (EMFILE)",
  30: "read-only file system (EROFS)",
  32: "broken pipe (EPIPE)",
  38: "not implemented by this kernel (ENOSYS)",
  62: "timer expired (ETIME)",
  90: "message too long (EMSGSIZE)",
  95: "operation not supported (EOPNOTSUPP)",
  97: "address family not supported (EAFNOSUPPORT)",
  98: "address already in use (EADDRINUSE)",
  99: "address not available on this machine (EADDRNOTAVAIL)",
  101: "network unreachable (ENETUNREACH)",
  103: "connection aborted (ECONNABORTED)",
  104: "connection reset (ECONNRESET)",
  105: "no buffer space (ENOBUFS)",
  110: "timed out (ETIMEDOUT)",
  111: "connection refused (ECONNREFUSED)",
  113: "no route to host (EHOSTUNREACH)",
  125: "cancelled (ECANCELED)",
};

/** Words for an error number; takes it positive or negated. */
export function describeErrno(errno: number): string {
  const number = Math.abs(errno);
  return WORDS[number] ?? `errno ${number}`;
}
