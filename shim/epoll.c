/*
 * The engine without io_uring: for kernels that are too old for it, and containers and machines
 * where it is not allowed. It keeps the queues that io_uring keeps, entries in and completions out,
 * in memory of its own; what the kernel does in io_uring_enter, engine_enter does by system calls.
 *
 * Why it is not slow. A file is told to epoll once, when its first operation has to wait, edge
 * triggered; from then on what epoll said is remembered (epoll_table.h), and an operation costs a
 * call only when it is likely to get something. So a proxied request is two receives and two sends,
 * and a share in the one epoll_wait that a turn makes.
 *
 * Completions. What entries bring about at once is posted whether there is room or not: what the
 * queue cannot hold waits, marked as io_uring marks it (IORING_SQ_CQ_OVERFLOW), and is fetched by a
 * call without entries. What readiness brings about is posted only where there is room.
 */
#define _GNU_SOURCE
#include "engine.h"
#include "epoll_batch.h"
#include "epoll_operations.h"
#include "shim.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256    /* news of one wait */
#define RETRY_MS 2        /* connects that nothing wakes are tried again so often */
/* Entries are taken as long as no more completions than this wait for room; beside them there is
 * room for one of every operation, should all be cancelled by a single entry. */
#define OVERFLOW_FULL (1u << 16)
#define OVERFLOW_MAX (OVERFLOW_FULL + OPERATIONS_MAX)

/* Each in a line of the cache, as in an io_uring; TypeScript has all of them mapped. */
struct line { _Alignas(64) uint32_t value; };

static struct {
  struct line sq_head, sq_tail, sq_flags, cq_head, cq_tail, cq_overflow;
} queues;

static struct io_uring_sqe *entries;
static struct io_uring_cqe *completions;
static uint32_t entry_mask, completion_count;
/* A ring of completions that found no room, OVERFLOW_MAX long: first and how many. */
static struct io_uring_cqe *overflow;
static uint32_t overflow_first, overflow_count;
static int epoll_fd = -1;

int engine_is_open(void) { return epoll_fd >= 0; }

int32_t engine_open(uint32_t entries_asked, struct rw_control *control) {
  uint32_t count = 1;
  while (count < entries_asked) count *= 2;
  completion_count = count * 8;
  entry_mask = count - 1;
  entries = reserve(count * sizeof *entries);
  completions = reserve(completion_count * sizeof *completions);
  overflow = reserve(OVERFLOW_MAX * sizeof *overflow);
  if (!entries || !completions || !overflow || table_open() < 0) return -ENOMEM;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return -errno;
  batch_open();
  control->sqes = (uintptr_t)entries;
  control->sq_head = (uintptr_t)&queues.sq_head;
  control->sq_tail = (uintptr_t)&queues.sq_tail;
  control->sq_flags = (uintptr_t)&queues.sq_flags;
  control->cqes = (uintptr_t)completions;
  control->cq_head = (uintptr_t)&queues.cq_head;
  control->cq_tail = (uintptr_t)&queues.cq_tail;
  control->cq_overflow = (uintptr_t)&queues.cq_overflow;
  control->sq_entries = count;
  control->cq_entries = completion_count;
  control->features = 0;
  control->receive_allowance = 1;
  return 0;
}

void engine_lane_open(uint32_t lane, uint32_t buffers, uint64_t memory) {
  lane_open(lane, buffers, (struct io_uring_buf_ring *)(uintptr_t)memory);
}

/* ---- Completions --------------------------------------------------------------------------- */

uint32_t completion_room(void) {
  /* While some wait for room, nothing may overtake them. */
  if (overflow_count) return 0;
  return completion_count - (queues.cq_tail.value - queues.cq_head.value);
}

static void place(uint64_t user_data, int32_t result, uint32_t flags) {
  struct io_uring_cqe *place = &completions[queues.cq_tail.value & (completion_count - 1)];
  place->user_data = user_data;
  place->res = result;
  place->flags = flags;
  queues.cq_tail.value++;
}

void post(uint64_t user_data, int32_t result, uint32_t flags) {
  if (completion_room() > 0) {
    place(user_data, result, flags);
    return;
  }
  struct io_uring_cqe *kept = &overflow[(overflow_first + overflow_count) % OVERFLOW_MAX];
  kept->user_data = user_data;
  kept->res = result;
  kept->flags = flags;
  overflow_count++;
  queues.sq_flags.value |= IORING_SQ_CQ_OVERFLOW;
}

static void place_overflow(void) {
  uint32_t room = completion_count - (queues.cq_tail.value - queues.cq_head.value);
  for (; overflow_count && room; room--, overflow_count--) {
    const struct io_uring_cqe *kept = &overflow[overflow_first];
    place(kept->user_data, kept->res, kept->flags);
    overflow_first = (overflow_first + 1) % OVERFLOW_MAX;
  }
  if (!overflow_count) queues.sq_flags.value &= ~IORING_SQ_CQ_OVERFLOW;
}

/* ---- Readiness ----------------------------------------------------------------------------- */

int poll_now(int fd, int events) {
  struct pollfd asked = {.fd = fd, .events = (short)events};
  return poll(&asked, 1, 0) > 0 ? asked.revents : 0;
}

int watch(int fd, struct file *file, uint32_t events) {
  uint32_t all = file->events | events | EPOLLIN | EPOLLPRI | EPOLLRDHUP;
  if (file->events == all) return 0;
  struct epoll_event event = {
    .events = all | EPOLLET, .data.u64 = (uint64_t)file->generation << 32 | (uint32_t)fd};
  if (file->flags & ACCEPTING) {
    /* A connection wakes one of the processes that share the socket, and one more for each that is
     * not asleep. Should accept find it taken all the same, it must not wait for the next. */
    event.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE;
    struct timeval patience = {.tv_usec = 1};
    if (!(file->flags & (MADE | IMPATIENT)))
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    file->flags |= IMPATIENT;
  }
  if (epoll_ctl(epoll_fd, file->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
    return -errno;
  file->events = (uint16_t)all;
  return 0;
}

void unwatch(int fd, struct file *file) {
  if (file->events) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, 0);
  file->events = 0;
  file->flags &= ~(READABLE | FULL | ENDING | URGENT | BROKEN);
}

void engine_note_made(int fd, int is_tcp) {
  struct file *file = engine_is_open() ? file_of(fd) : 0;
  if (!file) return;
  file->events = 0;
  file->generation++;
  file->flags = (file->flags & (QUEUED | RETRYING)) | MADE | (is_tcp ? TCP : 0);
}

void engine_note_closing(int fd) {
  struct file *file = engine_is_open() ? file_of(fd) : 0;
  if (!file) return;
  cancel_all(file);
  /* Epoll watches the open file, not the fd: it would go on with what other processes hold open,
   * and tell of it under a number that by then may be something else. */
  if (file->events && !(file->flags & MADE)) unwatch(fd, file);
  file->events = 0;
  file->generation++;
  file->flags &= QUEUED | RETRYING;
}

static void take_news(const struct epoll_event *event) {
  int fd = (int)(uint32_t)event->data.u64;
  struct file *file = &files[fd];
  if (file->generation != event->data.u64 >> 32) return;
  uint32_t events = event->events;
  int is_in = (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  uint32_t flags = is_in ? READABLE : 0;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) flags |= ENDING;
  if (events & (EPOLLHUP | EPOLLERR)) flags |= BROKEN;
  if (events & EPOLLPRI) flags |= URGENT;
  file->flags |= (uint16_t)flags;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) file->flags &= ~FULL;
  if (is_in) gather_in(fd, file);
  run_out(fd, file);
}

/* Goes on with files that had more to do; each once, so that a turn ends. */
static void run_queue(void) {
  for (uint32_t count = queue_length; count > 0; count--) {
    int fd = queue_shift();
    struct file *file = &files[fd];
    retry_connect(file);
    run_in(fd, file, 0);
    run_out(fd, file);
  }
}

static int has_completions(void) { return queues.cq_tail.value != queues.cq_head.value; }

/* What is ready now; when nothing is, waits for it. */
static void harvest(uint32_t wait_ms) {
  static struct epoll_event news[EVENTS_MAX];
  if (queue_length) run_queue();
  double end_ms = wait_ms && !has_completions() ? monotonic_ms() + wait_ms : 0;
  for (int patience = end_ms > 0 ? (int)wait_ms : 0;;) {
    if (queue_length > retry_count) patience = 0;
    else if (retry_count && patience > RETRY_MS) patience = RETRY_MS;
    int count = epoll_wait(epoll_fd, news, EVENTS_MAX, patience);
    for (int i = 0; i < count; i++) take_news(&news[i]);
    flush_receives();
    if (retry_count) run_queue();
    if (count < 0 || end_ms == 0 || has_completions()) return;
    /* Woken by what nobody waits for, such as room in a socket that nothing is sent to. */
    double left_ms = end_ms - monotonic_ms();
    if (left_ms <= 0) return;
    patience = (int)left_ms + 1;
  }
}

int32_t engine_enter(uint32_t submit, uint32_t wait, uint32_t timeout_ms) {
  uint32_t taken = 0;
  if (overflow_count) {
    place_overflow();
    /* Room is for those that have waited, and their receiver shall come to them first. */
    if (!submit) return 0;
  }
  for (; taken < submit && overflow_count < OVERFLOW_FULL; taken++)
    carry_out(&entries[queues.sq_head.value++ & entry_mask]);
  flush_sends();
  if (!overflow_count) harvest(wait ? timeout_ms : 0);
  return taken || !submit ? (int32_t)taken : -EBUSY;
}
