/*
 * The half of the epoll engine that gets rid of things: sends of bytes and messages, and connects.
 *
 * Sends that do not wait, of sockets that are ours, are put off until the entries of a turn are
 * taken or something else concerns the same file, and then done together (epoll_batch.c).
 */
#define _GNU_SOURCE
#include "epoll_batch.h"
#include "epoll_operations.h"

#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

uint32_t retry_count;

/* ---- What waits ---------------------------------------------------------------------------- */

/* What the socket takes of the rest. 1: the send is over, with *result. */
static int send_rest(struct operation *operation, const struct sockaddr *to, uint32_t to_bytes,
                     int32_t *result) {
  int flags = (int)(operation->message_flags & ~(uint32_t)MSG_WAITALL) | MSG_DONTWAIT;
  ssize_t sent;
  do sent = sendto(operation->fd, (char *)at(operation->address) + operation->done,
                   operation->bytes - operation->done, flags, to, to_bytes);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    *result = result_of(operation, -errno);
    return errno != EAGAIN;
  }
  operation->done += (uint32_t)sent;
  *result = (int32_t)operation->done;
  return operation->done == operation->bytes || !(operation->message_flags & MSG_WAITALL);
}

static int32_t connect_outcome(int fd, const struct file *file) {
  /* Room without an error: it is connected. */
  if (!(file->flags & BROKEN)) return 0;
  int error = 0;
  socklen_t bytes = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0 ? -errno : -error;
}

/*
 * Starts a connect, or tries it once more. Whether a unix socket has room for another one in its
 * accept queue is told by nothing but another try: its connect stays in the queue of files that
 * have more to do. The address is read again then; those of servers stay where they are.
 */
static void try_connect(const struct operation *operation, uint32_t index) {
  int fd = operation->fd;
  struct file *file = file_of(fd);
  int result = connect(fd, at(operation->address), operation->bytes) < 0 ? -errno : 0;
  int is_retried = result == -EAGAIN && !(file->flags & TCP);
  if (is_retried && !index) index = operation_park(operation, 1);
  if (is_retried && index) {
    operations[index].is_retried = 1;
    file->flags |= FULL;
    if (!(file->flags & RETRYING)) retry_count++;
    file->flags |= RETRYING;
    queue_push(fd);
  } else if (index) finish(index, result, 0);
  else if (result == -EINPROGRESS) wait_out(operation);
  else post(operation->user_data, result, 0);
}

void run_out(int fd, struct file *file) {
  uint32_t index;
  while ((index = file->out_head) && !(file->flags & FULL)) {
    struct operation *operation = &operations[index];
    int32_t result = 0;
    int is_over = 1;
    if (operation->opcode == IORING_OP_SEND) is_over = send_rest(operation, 0, 0, &result);
    else if (operation->opcode == IORING_OP_CONNECT) result = connect_outcome(fd, file);
    else {
      result = poll_now(fd, (int)operation->message_flags);
      is_over = result != 0;
    }
    if (is_over) finish(index, result, 0);
    else file->flags |= FULL;
  }
}

void submit_connect(const struct operation *operation) { try_connect(operation, 0); }

void retry_connect(struct file *file) {
  if (!(file->flags & RETRYING)) return;
  file->flags &= ~RETRYING;
  retry_count--;
  uint32_t index = file->out_head;
  if (index && operations[index].is_retried) try_connect(&operations[index], index);
}

/* ---- Entries ------------------------------------------------------------------------------- */

/* What an attempt at a send that does not wait has brought. */
static void sent(const struct io_uring_sqe *entry, struct file *file, int32_t result) {
  int is_whole = result >= 0 && (uint32_t)result == entry->len;
  if (is_whole) {
    if (!file->out_head) file->flags &= ~FULL;
    answer(entry, result);
    return;
  }
  if (result >= 0 || result == -EAGAIN) file->flags |= FULL;
  post(entry->user_data, result, 0);
}

static const struct io_uring_sqe *put_off[BATCH_MAX];

void submit_send(const struct io_uring_sqe *entry, const struct operation *operation) {
  struct file *file = file_of(operation->fd);
  int may_wait = !(operation->message_flags & MSG_DONTWAIT);
  uint32_t usual = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL;
  int is_plain = !(operation->message_flags & ~usual) && !entry->addr2 && entry->len > 0;
  if (!may_wait && is_plain && (file->flags & MADE)) {
    file->flags |= PUT_OFF;
    put_off[batch_count] = entry;
    batch_add(1, operation->fd, operation->address, operation->bytes);
    if (batch_count == BATCH_MAX) flush_sends();
    return;
  }
  /* A send that has just been told that there is no room asks to wait: no use in asking again. */
  if (may_wait && (file->flags & FULL)) {
    wait_out(operation);
    return;
  }
  struct operation attempt = *operation;
  int32_t result;
  int is_over = send_rest(&attempt, at(entry->addr2), entry->addr_len, &result);
  if (!is_over && may_wait) wait_out(&attempt);
  else sent(entry, file, result);
}

void flush_sends(void) {
  uint32_t count = batch_count;
  batch_run();
  for (uint32_t i = 0; i < count; i++) {
    struct file *file = file_of(put_off[i]->fd);
    file->flags &= ~PUT_OFF;
    sent(put_off[i], file, batch_results[i]);
  }
}

void submit_message(const struct io_uring_sqe *entry) {
  ssize_t sent;
  do sent = sendmsg(entry->fd, at(entry->addr), (int)entry->msg_flags | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  answer(entry, sent < 0 ? -errno : (int32_t)sent);
}
