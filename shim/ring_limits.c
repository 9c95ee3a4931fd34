/*
 * The ring answers to what this program asks of it and to nothing else (Linux 5.10,
 * IORING_REGISTER_RESTRICTIONS). A seccomp filter does not see what is asked through a ring: with
 * it alone, a worker that was taken over could open files and start connections of any kind by
 * entries. An operation or flag that is not listed here completes with EACCES.
 *
 * The list is that of src/ring/kernel_ring.ts and kernel_datagrams.ts.
 */
#define _GNU_SOURCE
#include "harden.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stddef.h>

static int limited;

int ring_is_limited(void) { return limited; }

int limit_ring(struct io_uring *ring) {
  static const uint8_t operations[] = {
    IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_RECVMSG, IORING_OP_ACCEPT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT, IORING_OP_CLOSE, IORING_OP_READ,
    IORING_OP_SEND, IORING_OP_RECV,
  };
  enum { COUNT = sizeof operations / sizeof operations[0] };
  struct io_uring_restriction list[COUNT + 2] = {
    /* Buffer rings are registered after this; nothing else is. */
    {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_PBUF_RING},
    {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
     .sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS},
  };
  for (size_t i = 0; i < COUNT; i++)
    list[i + 2] = (struct io_uring_restriction){
      .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i]};
  limited = io_uring_register_restrictions(ring, list, COUNT + 2) == 0;
  /* Without restrictions the ring is one like others; disabled it would be none. */
  return io_uring_enable_rings(ring);
}
