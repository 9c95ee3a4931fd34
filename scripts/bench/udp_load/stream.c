/*
 * One flow, one way, at a fixed rate, as of a call or a film. Datagrams leave in small portions at
 * even distances: in bursts the size of the proxy's socket buffer would decide what is lost.
 */
#include "udp_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* Shorter distances would cost the core that the sink needs. */
#define PORTION_NANOS (100 * 1000LL)

/* Asks the sink, past the proxy, until all have arrived or no more do. */
static uint64_t ask_arrived(int sink, uint32_t run, uint64_t sent) {
  int fd = connect_to(sink);
  set_patience(fd, LOST_NANOS);
  uint64_t arrived = 0;
  int64_t changed = now_nanos();
  while (arrived < sent && now_nanos() - changed < LOST_NANOS) {
    struct header header = {.kind = REPORT, .run = run};
    struct timespec pause = {.tv_nsec = SCAN_NANOS};
    (void)!send(fd, &header, sizeof header, 0);
    if (recv(fd, &header, sizeof header, 0) != sizeof header) continue;
    if (header.number > arrived) {
      arrived = header.number;
      changed = now_nanos();
    }
    nanosleep(&pause, 0);
  }
  return arrived;
}

static int send_portion(int fd, struct header *header, size_t bytes, int count) {
  for (int i = 0; i < count; i++) {
    memcpy(buffers[i], header, sizeof *header);
    header->number++;
    vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  int sent = sendmmsg(fd, messages, (unsigned)count, 0);
  return sent > 0 ? sent : 0;
}

void run_stream(int port, int sink, size_t bytes, double rate, double seconds) {
  if (bytes < sizeof(struct header) || bytes > DATAGRAM_MAX || rate < 1) exit(2);
  struct header header = {.kind = STREAM, .run = draw_run()};
  int fd = connect_to(port);
  /* Wakes up when it is due, not up to 50 microseconds later. */
  prctl(PR_SET_TIMERSLACK, 1);
  uint64_t sent = 0;
  /* Who was kept waiting catches up at twice the pace: a burst would measure buffers. */
  uint64_t portion = (uint64_t)(2 * rate * PORTION_NANOS / NANOS_PER_SECOND) + 1;
  if (portion > BATCH) portion = BATCH;
  int64_t start = now_nanos();
  int64_t end = start + (int64_t)(seconds * NANOS_PER_SECOND);
  int64_t now = start;
  for (int64_t next = start + PORTION_NANOS; now < end; next += PORTION_NANOS) {
    if (next < now) next = now;
    struct timespec at = {.tv_sec = next / NANOS_PER_SECOND, .tv_nsec = next % NANOS_PER_SECOND};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, 0);
    now = now_nanos();
    uint64_t due = (uint64_t)(rate * (double)(now - start) / NANOS_PER_SECOND);
    if (due <= sent) continue;
    uint64_t count = due - sent < portion ? due - sent : portion;
    sent += (uint64_t)send_portion(fd, &header, bytes, (int)count);
  }
  uint64_t arrived = ask_arrived(sink, header.run, sent);
  printf("{\"sent\":%" PRIu64 ",\"arrived\":%" PRIu64 ",\"seconds\":%.6f}\n", sent, arrived,
         (double)(now - start) / NANOS_PER_SECOND);
}
