/**
 * What each errno means for the operation that returned it: a table, so that nothing is decided by
 * luck. Rows not named are the peer's doing (reset, unreachable, broken pipe): the connection ends.
 *
 * @hot
 */
import {
  EAGAIN,
  ECANCELED,
  ECONNABORTED,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
} from "../base/errno.ts";
import { ACCEPT, CONNECT, RECEIVE, SEND } from "../ring/ring.ts";

/** The connection is broken: pass it on. For an accept: this one is lost, take the next. */
export const BROKEN = 0;
/** Nothing happened: ask again. */
export const AGAIN = 1;
/** This process or machine is short of something: wait, then ask again. */
export const SHORT = 2;
/** Only we can have caused it: a wrong fd or argument. */
export const OURS = 3;

const ERRNO_MAX = 134;
const EBADF = 9;
const EFAULT = 14;
const EINVAL = 22;
const ENOTSOCK = 88;
const EADDRNOTAVAIL = 99;

function row(shared: readonly (readonly [number, number])[]): Uint8Array {
  const verdicts = new Uint8Array(ERRNO_MAX);
  for (let i = 0; i < shared.length; i++) verdicts[shared[i][0]] = shared[i][1];
  return verdicts;
}

const ALWAYS: readonly (readonly [number, number])[] = [
  [EINTR, AGAIN],
  [EAGAIN, AGAIN],
  [EBADF, OURS],
  [EFAULT, OURS],
  [ENOTSOCK, OURS],
];

const VERDICTS: Uint8Array[] = [];
VERDICTS[ACCEPT] = row(ALWAYS.concat([
  [EMFILE, SHORT],
  [ENFILE, SHORT],
  [ENOMEM, SHORT],
  [ENOBUFS, SHORT],
  [ECONNABORTED, AGAIN],
  [EINVAL, OURS], // the socket does not listen any more
]));
// A refused connect is the server's doing, a lack of files or memory ours to wait for. A lack of
// local ports looks like that of any local address, which no wait mends: see connector.ts.
VERDICTS[CONNECT] = row(ALWAYS.concat([
  [EADDRNOTAVAIL, SHORT],
  [EMFILE, SHORT],
  [ENFILE, SHORT],
  [ENOMEM, SHORT],
  [ENOBUFS, SHORT],
]));
// ENOBUFS: the lane had no buffer. A cancelled receive of an open tunnel is asked for again.
VERDICTS[RECEIVE] = row(ALWAYS.concat([[ENOBUFS, SHORT], [ECANCELED, AGAIN], [EINVAL, OURS]]));
VERDICTS[SEND] = row(ALWAYS.concat([[ECANCELED, AGAIN]]));

/** @param result a negated errno, as completions carry it. */
export function verdict(kind: number, result: number): number {
  const errno = -result;
  return errno < ERRNO_MAX ? VERDICTS[kind][errno] : BROKEN;
}
