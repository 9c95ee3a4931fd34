/*
 * The half of the epoll engine that gets things: accepts, reads, receives of bytes and messages.
 *
 * Nothing here blocks: sockets are asked with MSG_DONTWAIT, and what knows no such flag is polled
 * first.
 *
 * Sharp edges. Epoll tells of changes only, so READABLE must never be taken off a file that has
 * more to give. It is taken off when a call answers EAGAIN, or when TCP gives less than was asked
 * for, except where that means something else: an end or error behind the bytes, or urgent ones
 * between them. What arrives after the last wait is a change that the next one tells.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "epoll_batch.h"
#include "epoll_operations.h"
#include "shim.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVES_MAX 64 /* of one file before others have their turn */
#define MESSAGES 8      /* datagrams taken by one call */

/* ---- Buffers ------------------------------------------------------------------------------- */

static struct { struct io_uring_buf_ring *ring; uint16_t head, mask; } lanes[RW_LANES_MAX];

void lane_open(uint32_t lane, uint32_t entries, struct io_uring_buf_ring *ring) {
  lanes[lane].ring = ring;
  lanes[lane].mask = (uint16_t)(entries - 1);
}

int lane_is_open(uint32_t lane) { return lane < RW_LANES_MAX && lanes[lane].ring; }

static uint32_t lane_count(uint32_t lane) {
  return (uint16_t)(lanes[lane].ring->tail - lanes[lane].head);
}

/* The buffer that is `ahead` of the next one; it is there. */
static struct io_uring_buf *lane_buffer(uint32_t lane, uint32_t ahead) {
  return &lanes[lane].ring->bufs[(lanes[lane].head + ahead) & lanes[lane].mask];
}

static struct io_uring_buf lane_take(uint32_t lane) {
  struct io_uring_buf buffer = *lane_buffer(lane, 0);
  lanes[lane].head++;
  return buffer;
}

/* Back to the front; not its last field, the first buffer's is the lane's tail. */
static void lane_return(uint32_t lane, const struct io_uring_buf *buffer) {
  lanes[lane].head--;
  struct io_uring_buf *place = lane_buffer(lane, 0);
  place->addr = buffer->addr;
  place->len = buffer->len;
  place->bid = buffer->bid;
}

/* The flags of a completion that brings a buffer. */
static uint32_t flags_with(const struct io_uring_buf *buffer) {
  return (uint32_t)buffer->bid << IORING_CQE_BUFFER_SHIFT | IORING_CQE_F_BUFFER;
}

/* ---- Receiving ----------------------------------------------------------------------------- */

/* These answer whether the next step may follow at once. */

static int accept_one(uint32_t index, struct file *file, int is_news) {
  struct operation *operation = &operations[index];
  int fd = operation->fd;
  /* Not non-blocking: the file is shared with processes that want it as it is. Should one of them
   * be faster, SO_RCVTIMEO (see watch) ends the wait. */
  int is_waiting = is_news || poll_now(fd, POLLIN) != 0;
  struct sockaddr *address = at(operation->address);
  int made = -1;
  if (is_waiting) {
    int flags = (int)operation->message_flags | SOCK_NONBLOCK;
    made = accept4(fd, address, at(operation->length_address), flags);
    if (made < 0 && errno == EINTR) return 1;
  } else errno = EAGAIN;
  if (made < 0 && errno == EAGAIN) {
    file->flags &= ~READABLE;
    return 0;
  }
  if (made >= 0 && !file_of(made)) {
    close(made);
    made = -1;
    errno = EMFILE;
  }
  if (made < 0) {
    /* Of what is short for all accepts one tells. The others go on with the next connection, or
     * when one more accept is asked for. */
    int is_shortage = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    finish(index, -errno, 0);
    return !is_shortage;
  }
  engine_note_made(made, address && (address->sa_family == AF_INET ||
                                     address->sa_family == AF_INET6));
  finish(index, made, 0);
  return 1;
}

static int is_look(const struct operation *operation) {
  return (operation->message_flags & MSG_PEEK) != 0;
}

static int read_one(uint32_t index, struct file *file) {
  struct operation *operation = &operations[index];
  ssize_t result = -1;
  errno = EAGAIN;
  if (poll_now(operation->fd, POLLIN)) {
    result = read(operation->fd, at(operation->address), operation->bytes);
    if (result < 0 && errno == EINTR) return 1;
  }
  if (result < 0 && errno == EAGAIN) {
    file->flags &= ~READABLE;
    return 0;
  }
  finish(index, result < 0 ? -errno : (int32_t)result, 0);
  return 1;
}

/* What a receive into a buffer of its lane has brought: bytes, or a negated error number. */
static int received(uint32_t index, struct file *file, const struct io_uring_buf *buffer,
                    int32_t result) {
  struct operation *operation = &operations[index];
  if (result <= 0) lane_return(operation->lane, buffer);
  if (result == -EINTR) return 1;
  if (result == -EAGAIN) {
    file->flags &= ~READABLE;
    return 0;
  }
  if (result <= 0) { /* an error, the end, or an empty datagram */
    finish(index, result, 0);
    return 1;
  }
  uint32_t known = file->flags & (TCP | ENDING | URGENT | BROKEN);
  int is_all = !is_look(operation) && (uint32_t)result < buffer->len;
  if (is_all && known == TCP) file->flags &= ~READABLE;
  operation->done += (uint32_t)result;
  int is_over = !operation->is_multishot ||
                (operation->allowance && operation->done >= operation->allowance);
  uint32_t flags = flags_with(buffer);
  if (is_over) finish(index, result, flags);
  else post(operation->user_data, result, flags | IORING_CQE_F_MORE);
  /* The end had come before all that was left was received: another receive would answer 0. */
  if (!is_over && is_all && known == (TCP | ENDING)) finish(index, 0, 0);
  return 1;
}

static int receive(uint32_t index, struct file *file, int is_news) {
  struct operation *operation = &operations[index];
  uint32_t lane = operation->lane;
  /* What was looked at before is no news. Only poll knows SO_RCVLOWAT, a receive does not. */
  if (is_look(operation) && !is_news && !poll_now(operation->fd, POLLIN)) return 0;
  if (lane_count(lane) == 0) {
    finish(index, -ENOBUFS, 0);
    return 1;
  }
  struct io_uring_buf buffer = lane_take(lane);
  ssize_t result = recv(operation->fd, at(buffer.addr), buffer.len,
                        (int)operation->message_flags | MSG_DONTWAIT);
  return received(index, file, &buffer, result < 0 ? -errno : (int32_t)result);
}

/*
 * Several datagrams by one call, each in a buffer of its own behind a head, its sender's address
 * and control bytes (struct io_uring_recvmsg_out): `address` is a struct msghdr that says how much
 * room to leave for those.
 */
static int receive_messages(uint32_t index, struct file *file) {
  static struct mmsghdr messages[MESSAGES];
  static struct iovec vectors[MESSAGES];
  struct operation *operation = &operations[index];
  const struct msghdr *like = at(operation->address);
  uint32_t lane = operation->lane, count = lane_count(lane), room = completion_room();
  if (count == 0) {
    finish(index, -ENOBUFS, 0);
    return 1;
  }
  if (count > MESSAGES) count = MESSAGES;
  if (count > room) count = room;
  size_t name_bytes = like->msg_namelen, control_bytes = like->msg_controllen;
  size_t head_bytes = sizeof(struct io_uring_recvmsg_out) + name_bytes + control_bytes;
  for (uint32_t i = 0; i < count; i++) {
    struct io_uring_buf *buffer = lane_buffer(lane, i);
    char *start = at(buffer->addr);
    char *name = start + sizeof(struct io_uring_recvmsg_out);
    vectors[i].iov_base = start + head_bytes;
    vectors[i].iov_len = buffer->len - head_bytes;
    messages[i].msg_hdr = (struct msghdr){
      .msg_name = name, .msg_namelen = (socklen_t)name_bytes, .msg_iov = &vectors[i],
      .msg_iovlen = 1, .msg_control = name + name_bytes, .msg_controllen = control_bytes};
  }
  int result = recvmmsg(operation->fd, messages, count,
                        (int)operation->message_flags | MSG_DONTWAIT, 0);
  if (result < 0 && errno == EINTR) return 1;
  if (result < 0 && errno == EAGAIN) {
    file->flags &= ~READABLE;
    return 0;
  }
  if (result < 0) {
    finish(index, -errno, 0);
    return 1;
  }
  for (int i = 0; i < result; i++) {
    const struct msghdr *message = &messages[i].msg_hdr;
    struct io_uring_buf buffer = lane_take(lane);
    struct io_uring_recvmsg_out *head = at(buffer.addr);
    *head = (struct io_uring_recvmsg_out){
      .namelen = message->msg_namelen, .controllen = (uint32_t)message->msg_controllen,
      .payloadlen = messages[i].msg_len, .flags = (uint32_t)message->msg_flags};
    post(operation->user_data, (int32_t)(head_bytes + messages[i].msg_len),
         flags_with(&buffer) | IORING_CQE_F_MORE);
  }
  /* An error behind the datagrams is not lost: ENDING says that there may be one. */
  if ((uint32_t)result < count && !(file->flags & ENDING)) file->flags &= ~READABLE;
  return 1;
}

void run_in(int fd, struct file *file, int is_news) {
  for (int count = 0; file->in_head && (file->flags & READABLE); count++) {
    if (count == RECEIVES_MAX || completion_room() == 0) {
      queue_push(fd);
      return;
    }
    uint32_t index = file->in_head;
    int goes_on;
    switch (operations[index].opcode) {
      case IORING_OP_ACCEPT: goes_on = accept_one(index, file, is_news); break;
      case IORING_OP_READ: goes_on = read_one(index, file); break;
      case IORING_OP_RECVMSG: goes_on = receive_messages(index, file); break;
      default: goes_on = receive(index, file, is_news); break;
    }
    if (!goes_on) return;
    is_news = 0;
  }
}

/* ---- Receives of many files by one call ---------------------------------------------------- */

static struct { uint32_t index; struct io_uring_buf buffer; } gathered[BATCH_MAX];

void gather_in(int fd, struct file *file) {
  uint32_t index = file->in_head;
  if (!index || !(file->flags & READABLE)) return;
  const struct operation *operation = &operations[index];
  int is_plain = operation->opcode == IORING_OP_RECV && operation->message_flags == 0;
  /* Each may bring two completions. */
  if (!is_plain || !(file->flags & MADE) || lane_count(operation->lane) == 0 ||
      completion_room() <= 2 * batch_count + 2) {
    run_in(fd, file, 1);
    return;
  }
  struct io_uring_buf buffer = lane_take(operation->lane);
  gathered[batch_count].index = index;
  gathered[batch_count].buffer = buffer;
  batch_add(0, fd, buffer.addr, buffer.len);
  if (batch_count == BATCH_MAX) flush_receives();
}

void flush_receives(void) {
  uint32_t count = batch_count;
  batch_run();
  for (uint32_t i = 0; i < count; i++) {
    uint32_t index = gathered[i].index;
    int fd = operations[index].fd;
    struct file *file = file_of(fd);
    if (received(index, file, &gathered[i].buffer, batch_results[i])) run_in(fd, file, 0);
  }
}
