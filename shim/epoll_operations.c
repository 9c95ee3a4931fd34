/*
 * The operations of the epoll engine: what each entry asks for, done with the calls that sockets
 * have always had, and answered as io_uring answers.
 *
 * What cannot be done at once waits with its file, in one of two lists: to get something, or to be
 * rid of something. Whoever is first in a list goes on when the file is ready; only accepts of a
 * listener wait several in one.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "epoll_operations.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECV_MULTISHOT 2u
#define CANCEL_FD 2u

/* ---- Waiting and ending -------------------------------------------------------------------- */

void finish(uint32_t index, int32_t result, uint32_t flags) {
  struct file *file = file_of(operations[index].fd);
  uint64_t user_data = operations[index].user_data;
  int fd = operations[index].fd;
  operation_remove(index);
  post(user_data, result, flags);
  /* A listener is watched only while we accept: its wake-ups go to one process each (see watch),
   * and it must be one that takes the connection. */
  if ((file->flags & ACCEPTING) && !file->in_head) {
    unwatch(fd, file);
    file->flags &= ~ACCEPTING;
  }
}

void wait_in(const struct operation *operation) {
  int fd = operation->fd;
  struct file *file = file_of(fd);
  if (operation->opcode == IORING_OP_ACCEPT) file->flags |= ACCEPTING;
  uint32_t index = operation_park(operation, 0);
  if (!index) {
    post(operation->user_data, -ENOMEM, 0);
    return;
  }
  if (!file->events) {
    /* That there is something already is news too. */
    int result = watch(fd, file, EPOLLIN);
    if (result < 0) finish(index, result, 0);
  } else run_in(fd, file, 0);
}

void wait_out(const struct operation *operation) {
  int fd = operation->fd;
  struct file *file = file_of(fd);
  file->flags |= FULL;
  uint32_t index = operation_park(operation, 1);
  int result = index ? watch(fd, file, EPOLLOUT) : -ENOMEM;
  if (result == 0) return;
  if (index) finish(index, result, 0);
  else post(operation->user_data, result, 0);
}

int32_t result_of(const struct operation *operation, int32_t error) {
  int is_send = operation->opcode == IORING_OP_SEND;
  return is_send && operation->done > 0 ? (int32_t)operation->done : error;
}

static void cancel(uint32_t index) { finish(index, result_of(&operations[index], -ECANCELED), 0); }

void cancel_all(struct file *file) {
  while (file->in_head) cancel(file->in_head);
  while (file->out_head) cancel(file->out_head);
}

/* ---- Entries ------------------------------------------------------------------------------- */

void answer(const struct io_uring_sqe *entry, int32_t result) {
  if (result < 0 || !(entry->flags & IOSQE_CQE_SKIP_SUCCESS)) post(entry->user_data, result, 0);
}

static void submit_poll(const struct io_uring_sqe *entry, const struct operation *operation) {
  int ready = poll_now(entry->fd, (int)entry->poll32_events);
  if (ready == 0) wait_out(operation);
  else answer(entry, ready & POLLNVAL ? -EBADF : ready);
}

static void submit_cancel(const struct io_uring_sqe *entry) {
  uint32_t index = 0;
  if (entry->cancel_flags & CANCEL_FD) cancel_all(file_of(entry->fd));
  else if ((index = operation_find(entry->addr)) != 0) cancel(index);
  else answer(entry, -ENOENT);
}

static void submit_close(const struct io_uring_sqe *entry) {
  engine_note_closing(entry->fd);
  answer(entry, close(entry->fd) < 0 ? -errno : 0);
}

void carry_out(const struct io_uring_sqe *entry) {
  int names_file = entry->opcode != IORING_OP_ASYNC_CANCEL || (entry->cancel_flags & CANCEL_FD);
  if (names_file && !file_of(entry->fd)) {
    post(entry->user_data, -EBADF, 0);
    return;
  }
  /* Sends of the same file that were put off come first; others may come later. */
  if (names_file && (files[entry->fd].flags & PUT_OFF) && entry->opcode != IORING_OP_RECV)
    flush_sends();
  struct operation operation = {
    .user_data = entry->user_data, .address = entry->addr, .bytes = entry->len,
    .message_flags = entry->msg_flags, .fd = entry->fd, .opcode = entry->opcode,
    .lane = entry->buf_group};
  switch (entry->opcode) {
    case IORING_OP_SEND: submit_send(entry, &operation); return;
    case IORING_OP_SENDMSG: submit_message(entry); return;
    case IORING_OP_POLL_ADD: submit_poll(entry, &operation); return;
    case IORING_OP_ASYNC_CANCEL: submit_cancel(entry); return;
    case IORING_OP_CLOSE: submit_close(entry); return;
    case IORING_OP_CONNECT:
      operation.bytes = (uint32_t)entry->off;
      submit_connect(&operation);
      return;
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG:
      if (!lane_is_open(operation.lane)) break;
      operation.is_multishot = (entry->ioprio & RECV_MULTISHOT) != 0;
      /* sqe->optlen, which liburing's header has no name for yet. */
      operation.allowance = (uint32_t)entry->splice_fd_in;
      wait_in(&operation);
      return;
    case IORING_OP_ACCEPT:
      operation.message_flags = entry->accept_flags;
      operation.length_address = entry->addr2;
      wait_in(&operation);
      return;
    case IORING_OP_READ: wait_in(&operation); return;
    default: break;
  }
  post(entry->user_data, -EINVAL, 0);
}
