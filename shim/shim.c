/*
 * Implementation of shim.h. Three parts: the ring, sockets, the process. Where there is no io_uring
 * the engine of epoll.c takes the ring's place; it also hears of the files that come and go here.
 *
 * liburing 2.3 (Debian 12) lays the rings out; constants that it does not know yet are written
 * here as numbers: they are kernel interface and do not change. After rw_ring_open the submission
 * and completion queues belong to TypeScript; only rw_enter is called per turn.
 */
#define _GNU_SOURCE
#include "shim.h"
#include "engine.h"
#include "harden.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096u
#define ENTER_NO_IOWAIT (1u << 7)  /* Linux 6.15, when feature bit 17 is set */
#define FEATURE_NO_IOWAIT (1u << 17)
#define ENTER_REGISTERED_RING (1u << 4)
#define SQE_OPTLEN_OFFSET 44       /* Linux 6.17: total byte limit of a multishot receive */

static struct rw_control control;
static struct io_uring ring;
static uint32_t enter_flags;

_Static_assert(offsetof(struct io_uring_sqe, splice_fd_in) == SQE_OPTLEN_OFFSET, "sqe layout");
_Static_assert(sizeof(struct io_uring_sqe) == 64, "submission entry layout");
_Static_assert(sizeof(struct io_uring_cqe) == 16, "completion entry layout");
_Static_assert(sizeof(struct io_uring_buf) == 16, "buffer ring layout");
_Static_assert(sizeof(struct rw_control) % 8 == 0, "control block is read as 64-bit lanes");

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* Offsets cannot be turned into text by the preprocessor, so the table is filled on first use. */
const char *rw_layout(void) {
  static char text[1024];
  static const struct { const char *name; unsigned long value; } rows[] = {
    {"ABI", RW_ABI},
    {"CONTROL_BYTES", sizeof(struct rw_control)},
    {"SQES", offsetof(struct rw_control, sqes)},
    {"SQ_HEAD", offsetof(struct rw_control, sq_head)},
    {"SQ_TAIL", offsetof(struct rw_control, sq_tail)},
    {"SQ_FLAGS", offsetof(struct rw_control, sq_flags)},
    {"CQES", offsetof(struct rw_control, cqes)},
    {"CQ_HEAD", offsetof(struct rw_control, cq_head)},
    {"CQ_TAIL", offsetof(struct rw_control, cq_tail)},
    {"CQ_OVERFLOW", offsetof(struct rw_control, cq_overflow)},
    {"LANES", offsetof(struct rw_control, lanes)},
    {"ADDRESS", offsetof(struct rw_control, address)},
    {"NOW_MS", offsetof(struct rw_control, now_ms)},
    {"SQ_ENTRIES", offsetof(struct rw_control, sq_entries)},
    {"CQ_ENTRIES", offsetof(struct rw_control, cq_entries)},
    {"FEATURES", offsetof(struct rw_control, features)},
    {"RECEIVE_ALLOWANCE", offsetof(struct rw_control, receive_allowance)},
    {"SCRATCH", offsetof(struct rw_control, scratch)},
    {"SCRATCH_BYTES", RW_SCRATCH_BYTES},
    {"LANES_MAX", RW_LANES_MAX},
    {"PAGE_BYTES", PAGE},
  };
  if (text[0]) return text;
  char *out = text;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (const char *name = rows[i].name; *name; name++) *out++ = *name;
    *out++ = '=';
    char digits[24];
    int count = 0;
    unsigned long value = rows[i].value;
    do digits[count++] = (char)('0' + value % 10); while ((value /= 10) != 0);
    while (count) *out++ = digits[--count];
    *out++ = '\n';
  }
  return text;
}

struct rw_control *rw_control(void) { return &control; }
int32_t rw_nop(int32_t value) { return value; }

static int32_t check(long result) { return result < 0 ? -errno : (int32_t)result; }

/* ---- The ring ------------------------------------------------------------------------------ */

static int open_ring(struct io_uring *into, uint32_t entries, struct io_uring_params *params,
                     uint32_t more_flags) {
  memset(params, 0, sizeof *params);
  /* DEFER_TASKRUN (Linux 6.1) runs completions only inside rw_enter, on our thread. The completion
   * queue is eight times the submission queue so that multishot operations do not overflow it. */
  params->flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL |
                  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | more_flags;
  params->cq_entries = entries * 8;
  return io_uring_queue_init_params(entries, into, params);
}

/*
 * As large as the workers', as many at once, and each with a page for every lane: rings count as
 * locked memory of their user (RLIMIT_MEMLOCK), which may suffice for some and not for all.
 */
int32_t rw_probe(uint32_t entries, uint32_t rings) {
  static struct io_uring probes[RW_WORKERS_MAX];
  struct io_uring_params params = {0};
  if (rings > RW_WORKERS_MAX) rings = RW_WORKERS_MAX;
  char *lanes = mmap(0, (size_t)rings * RW_LANES_MAX * PAGE, PROT_READ | PROT_WRITE,
                     MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (lanes == MAP_FAILED) return -errno;
  int result = 0;
  uint32_t opened = 0;
  while (opened < rings && result >= 0) {
    result = open_ring(&probes[opened], entries, &params, 0);
    if (result < 0) break;
    for (uint32_t lane = 0; lane < RW_LANES_MAX && result >= 0; lane++) {
      struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)lanes + (opened * RW_LANES_MAX + lane) * PAGE,
        .ring_entries = PAGE / sizeof(struct io_uring_buf), .bgid = (uint16_t)lane};
      result = io_uring_register_buf_ring(&probes[opened], &registration, 0);
    }
    opened++;
  }
  while (opened > 0) io_uring_queue_exit(&probes[--opened]);
  munmap(lanes, (size_t)rings * RW_LANES_MAX * PAGE);
  return result < 0 ? result : (int32_t)params.features;
}

/*
 * Does a multishot receive take a limit of bytes (sqe->optlen)? Older kernels answer EINVAL.
 * Tried for real on a socket pair and a buffer ring of our own: version numbers lie on
 * distribution kernels.
 */
static uint32_t probe_receive_allowance(void) {
  struct io_uring trial;
  struct io_uring_params params;
  if (open_ring(&trial, 8, &params, 0) < 0) return 0;
  uint32_t supported = 0;
  int pair[2] = {-1, -1};
  void *page = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (page == MAP_FAILED) goto done;
  struct io_uring_buf_reg registration = {.ring_addr = (uintptr_t)page, .ring_entries = 8};
  if (io_uring_register_buf_ring(&trial, &registration, 0) < 0) goto done;
  io_uring_buf_ring_add(page, (char *)page + PAGE, 64, 0, 7, 0);
  io_uring_buf_ring_add(page, (char *)page + PAGE + 64, 64, 1, 7, 1);
  io_uring_buf_ring_advance(page, 2);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) goto done;
  if (write(pair[1], "xxxx", 4) != 4) goto done;
  struct io_uring_sqe *sqe = io_uring_get_sqe(&trial);
  io_uring_prep_recv_multishot(sqe, pair[0], 0, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  uint32_t limit = 4;
  memcpy((char *)sqe + SQE_OPTLEN_OFFSET, &limit, sizeof limit);
  if (io_uring_submit(&trial) < 0) goto done;
  struct __kernel_timespec patience = {.tv_nsec = 100000000};
  struct io_uring_cqe *cqe;
  if (io_uring_wait_cqe_timeout(&trial, &cqe, &patience) < 0) goto done;
  /* All four bytes and no F_MORE: the limit ended the operation. */
  supported = cqe->res == 4 && !(cqe->flags & IORING_CQE_F_MORE);
done:
  if (pair[0] >= 0) { close(pair[0]); close(pair[1]); }
  io_uring_queue_exit(&trial);
  if (page != MAP_FAILED) munmap(page, 2 * PAGE);
  return supported;
}

int32_t rw_ring_open(uint32_t entries, uint32_t engine) {
  if (control.sqes) return -EALREADY;
  if (engine == RW_EPOLL) return engine_open(entries, &control);
  uint32_t allowance = probe_receive_allowance();
  struct io_uring_params params;
  int result = open_ring(&ring, entries, &params, IORING_SETUP_R_DISABLED);
  if (result < 0) return result;
  /* The index array stays the identity for ever: TypeScript writes SQEs in ring order. */
  for (unsigned i = 0; i < params.sq_entries; i++) ring.sq.array[i] = i;
  enter_flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if (params.features & FEATURE_NO_IOWAIT) enter_flags |= ENTER_NO_IOWAIT;
  if (io_uring_register_ring_fd(&ring) == 1) enter_flags |= ENTER_REGISTERED_RING;
  /* Nothing here should need a kernel worker thread; if something does, let there be few. */
  unsigned workers[2] = {2, 2};
  io_uring_register_iowq_max_workers(&ring, workers);
  result = limit_ring(&ring);
  if (result < 0) return result;

  control.sqes = (uintptr_t)ring.sq.sqes;
  control.sq_head = (uintptr_t)ring.sq.khead;
  control.sq_tail = (uintptr_t)ring.sq.ktail;
  control.sq_flags = (uintptr_t)ring.sq.kflags;
  control.cqes = (uintptr_t)ring.cq.cqes;
  control.cq_head = (uintptr_t)ring.cq.khead;
  control.cq_tail = (uintptr_t)ring.cq.ktail;
  control.cq_overflow = (uintptr_t)ring.cq.koverflow;
  control.sq_entries = params.sq_entries;
  control.cq_entries = params.cq_entries;
  control.features = params.features;
  control.receive_allowance = allowance;
  return 0;
}

int32_t rw_lane_open(uint32_t lane, uint32_t entries) {
  if (lane >= RW_LANES_MAX || control.lanes[lane]) return -EINVAL;
  int32_t mapped = rw_map_anonymous((entries * sizeof(struct io_uring_buf) + PAGE - 1) / PAGE);
  if (mapped < 0) return mapped;
  if (engine_is_open()) engine_lane_open(lane, entries, control.address);
  else {
    struct io_uring_buf_reg registration = {
      .ring_addr = control.address, .ring_entries = entries, .bgid = (uint16_t)lane};
    int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) return result;
  }
  control.lanes[lane] = control.address;
  return 0;
}

/*
 * Submits `submit` entries and waits for `wait` completions or the timeout: the one call of a
 * turn. Deferred completions are run here and nowhere else.
 */
int32_t rw_enter(uint32_t submit, uint32_t wait, uint32_t timeout_ms) {
  struct __kernel_timespec timeout = {
    .tv_sec = timeout_ms / 1000, .tv_nsec = (long long)(timeout_ms % 1000) * 1000000};
  struct io_uring_getevents_arg argument = {.sigmask_sz = 8, .ts = (uintptr_t)&timeout};
  int32_t result = engine_is_open()
    ? engine_enter(submit, wait, timeout_ms)
    : check(syscall(__NR_io_uring_enter, ring.enter_ring_fd, submit, wait, enter_flags,
                    &argument, sizeof argument));
  control.now_ms = monotonic_ms();
  return result;
}

/* ---- Memory -------------------------------------------------------------------------------- */

static int32_t map(uint32_t pages, int flags, int fd) {
  void *memory = mmap(0, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (memory == MAP_FAILED) return -errno;
  control.address = (uintptr_t)memory;
  return 0;
}

#define HUGE_PAGE (2u << 20)

/*
 * Large mappings begin at a multiple of 2 MiB: then no buffer crosses a 4 GiB boundary, which lets
 * TypeScript add an offset to the low half of an address alone, and huge pages fit.
 */
int32_t rw_map_anonymous(uint32_t pages) {
  size_t bytes = (size_t)pages * PAGE;
  if (bytes < HUGE_PAGE) return map(pages, MAP_ANONYMOUS | MAP_PRIVATE, -1);
  int32_t result = map(pages + HUGE_PAGE / PAGE, MAP_ANONYMOUS | MAP_PRIVATE, -1);
  if (result < 0) return result;
  uint64_t first = control.address;
  uint64_t aligned = (first + HUGE_PAGE - 1) & ~(uint64_t)(HUGE_PAGE - 1);
  if (aligned > first) munmap((void *)(uintptr_t)first, aligned - first);
  munmap((void *)(uintptr_t)(aligned + bytes), first + HUGE_PAGE - aligned);
  control.address = aligned;
  madvise((void *)(uintptr_t)aligned, bytes, MADV_HUGEPAGE);
  return 0;
}

int32_t rw_map_shared(int32_t fd, uint32_t pages) { return map(pages, MAP_SHARED, fd); }

int32_t rw_shared_create(uint32_t pages) {
  int fd = memfd_create("ringway-shared", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)pages * PAGE) < 0) {
    int saved = errno;
    close(fd);
    return -saved;
  }
  return fd;
}

/* ---- Sockets ------------------------------------------------------------------------------- */

static int is_tcp(int family, int type) {
  return type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
}

int32_t rw_socket(int32_t family, int32_t type) {
  int fd = socket(family, type | SOCK_CLOEXEC | (engine_is_open() ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return -errno;
  engine_note_made(fd, is_tcp(family, type));
  return fd;
}

int32_t rw_set_option(int32_t fd, int32_t level, int32_t option, int32_t value) {
  return check(setsockopt(fd, level, option, &value, sizeof value));
}

static const struct sockaddr *scratch_address(void) { return (struct sockaddr *)control.scratch; }

int32_t rw_bind(int32_t fd, uint32_t address_bytes) {
  return check(bind(fd, scratch_address(), address_bytes));
}

int32_t rw_listen(int32_t fd, uint32_t backlog) { return check(listen(fd, (int)backlog)); }

/* For datagram sockets, whose connect only notes the peer; streams connect through the ring. */
int32_t rw_connect(int32_t fd, uint32_t address_bytes) {
  return check(connect(fd, scratch_address(), address_bytes));
}

int32_t rw_socket_name(int32_t fd) {
  socklen_t bytes = sizeof control.scratch;
  return getsockname(fd, (struct sockaddr *)control.scratch, &bytes) < 0 ? -errno : (int32_t)bytes;
}

/* A struct msghdr in memory of ours, its address in two halves as entries have it. */
int32_t rw_send_message(int32_t fd, int32_t address_low, int32_t address_high) {
  uintptr_t address = (uintptr_t)(uint32_t)address_high << 32 | (uint32_t)address_low;
  return check(sendmsg(fd, (const struct msghdr *)address, MSG_DONTWAIT | MSG_NOSIGNAL));
}

int32_t rw_socket_type(int32_t fd) {
  int type = 0;
  socklen_t bytes = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0 ? -errno : type;
}

/* What the socket takes at once of the bytes in scratch. */
int32_t rw_send(int32_t fd, uint32_t bytes) {
  return check(send(fd, control.scratch, bytes, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* A connection that waits to be accepted, or -EAGAIN; its peer's address goes to scratch. */
int32_t rw_accept(int32_t fd) {
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  int ready = poll(&waiting, 1, 0);
  if (ready < 0) return -errno;
  if (ready == 0) return -EAGAIN;
  /* A socket that processes share: another one may take the connection first, and then accept
   * must not wait for the next. O_NONBLOCK would change the file for all of them. */
  struct timeval patience = {.tv_usec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  socklen_t bytes = sizeof control.scratch;
  int flags = SOCK_CLOEXEC | (engine_is_open() ? SOCK_NONBLOCK : 0);
  int made = accept4(fd, (struct sockaddr *)control.scratch, &bytes, flags);
  if (made < 0) return -errno;
  engine_note_made(made, is_tcp(scratch_address()->sa_family, SOCK_STREAM));
  return made;
}

/*
 * Takes bytes that have arrived out of a socket: without copying them from TCP (tcp(7), MSG_TRUNC);
 * unix sockets do copy, and answer EFAULT to the null pointer before they have taken anything.
 */
int32_t rw_discard(int32_t fd, uint32_t bytes) {
  static char sink[65536];
  uint32_t done = 0;
  while (done < bytes) {
    ssize_t result = recv(fd, 0, bytes - done, MSG_TRUNC | MSG_DONTWAIT);
    if (result < 0 && errno == EFAULT) {
      size_t piece = bytes - done < sizeof sink ? bytes - done : sizeof sink;
      result = recv(fd, sink, piece, MSG_DONTWAIT);
    }
    if (result < 0 && errno == EINTR) continue;
    if (result <= 0) break;
    done += (uint32_t)result;
  }
  return (int32_t)done;
}

/* 1 when the peer has ended its half and bytes are left to read, 2 when nothing more will come. */
int32_t rw_peer_ended(int32_t fd) {
  struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
  int ready = poll(&peer, 1, 0);
  if (ready <= 0) return ready < 0 ? -errno : 0;
  if (peer.revents & (POLLERR | POLLHUP)) return 2;
  int unread = 0;
  if (ioctl(fd, FIONREAD, &unread) < 0) return -errno;
  return unread > 0 ? 1 : 2;
}

/* shutdown(2), not IORING_OP_SHUTDOWN: that one is always handed to a kernel worker thread. */
int32_t rw_shutdown_write(int32_t fd) { return check(shutdown(fd, SHUT_WR)); }

int32_t rw_reset_on_close(int32_t fd) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  return check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* ---- The process --------------------------------------------------------------------------- */

int32_t rw_close(int32_t fd) {
  engine_note_closing(fd);
  return check(close(fd));
}

int32_t rw_close_on_exec(int32_t fd, uint32_t on) {
  return check(fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0));
}

int32_t rw_nonblocking(int32_t fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : check(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

/* Raises the soft limit of open files to the hard one; returns it. */
int32_t rw_fd_limit_raise(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  }
  return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int32_t)limit.rlim_cur;
}

/* CPU time that this process has used, of all its threads. */
double rw_cpu_ms(void) {
  struct rusage use;
  if (getrusage(RUSAGE_SELF, &use) < 0) return 0;
  double seconds = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec);
  return seconds * 1e3 + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
}

/* Writes the mask of CPUs this process may use into scratch, one bit per CPU; returns its bytes. */
int32_t rw_affinity(void) {
  memset(control.scratch, 0, sizeof control.scratch);
  return check(syscall(__NR_sched_getaffinity, 0, sizeof control.scratch, control.scratch));
}

int32_t rw_pin(uint32_t cpu) {
  cpu_set_t set_of_one;
  CPU_ZERO(&set_of_one);
  CPU_SET(cpu, &set_of_one);
  return check(sched_setaffinity(0, sizeof set_of_one, &set_of_one));
}

/* Names the calling thread (what ps and top show) by the text in scratch. */
int32_t rw_name(void) { return check(prctl(PR_SET_NAME, control.scratch)); }

/*
 * Signals as something the ring can read. A signalfd needs the signal blocked in every thread, and
 * the runtime has started its threads before us; so a handler adds to an eventfd instead, one byte
 * lane per signal: SIGTERM 1, SIGINT 1 << 8, SIGQUIT 1 << 16, SIGHUP 1 << 24.
 */
static int signals_fd = -1;
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
#define SIGNALS (sizeof signal_numbers / sizeof signal_numbers[0])

static void on_signal(int number) {
  int saved = errno;
  uint64_t lane = number == SIGTERM ? 1u : number == SIGINT ? 1u << 8
                : number == SIGQUIT ? 1u << 16 : 1u << 24;
  if (write(signals_fd, &lane, sizeof lane) < 0) { /* counter full: the signal is already known */ }
  errno = saved;
}

int32_t rw_signals_unblock(void) {
  sigset_t heard;
  sigemptyset(&heard);
  for (size_t i = 0; i < SIGNALS; i++) sigaddset(&heard, signal_numbers[i]);
  return -pthread_sigmask(SIG_UNBLOCK, &heard, 0);
}

int32_t rw_signals_open(void) {
  if (signals_fd >= 0) return -EALREADY;
  /* Blocking: a ring waits for such a file, with O_NONBLOCK it would answer EAGAIN. */
  signals_fd = eventfd(0, EFD_CLOEXEC);
  if (signals_fd < 0) return -errno;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < SIGNALS; i++)
    if (sigaction(signal_numbers[i], &action, 0) < 0) return -errno;
  return signals_fd;
}
