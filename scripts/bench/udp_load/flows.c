/*
 * Many flows that are there and do nothing: each client sends one datagram and gets its answer. A
 * proxy keeps the flow for as long as its idle timeout, so nothing has to be held here.
 */
#include "clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIES 3
/* When one in so many has no answer, the rest are not tried. */
#define GIVE_UP_PART 10

/* Sends for those of a batch that have no answer yet; returns how many still have none. */
static int try_flows(int fd, struct sockaddr_in *proxy, uint32_t run, uint32_t first,
                     bool *is_pending, int pending) {
  int count = 0;
  for (uint32_t i = 0; i < BATCH; i++) {
    struct header header = {.kind = TRIP, .run = run, .number = first + i};
    if (!is_pending[i]) continue;
    memcpy(buffers[count], &header, sizeof header);
    prepare_from(count++, first + i, sizeof header, proxy);
  }
  send_batch(fd, count);
  int64_t end = now_nanos() + LOST_NANOS;
  while (pending > 0 && now_nanos() < end) {
    int answers = receive_answers(fd);
    for (int i = 0; i < answers; i++) {
      struct header header;
      memcpy(&header, buffers[i], sizeof header);
      uint32_t at = client_of(i) - first;
      if (header.run != run || header.number != first + at) continue;
      if (at >= BATCH || !is_pending[at]) continue;
      is_pending[at] = false;
      pending--;
    }
  }
  return pending;
}

void run_flows(int port, uint32_t count) {
  struct sockaddr_in proxy = loopback(0, port);
  int fd = open_clients();
  uint32_t run = draw_run();
  uint32_t lost = 0;
  uint32_t done = 0;
  /* A proxy that has run out of something would be waited for to no avail. */
  while (done < count && lost <= count / GIVE_UP_PART) {
    bool is_pending[BATCH];
    int size = count - done < BATCH ? (int)(count - done) : BATCH;
    int pending = size;
    for (int i = 0; i < BATCH; i++) is_pending[i] = i < size;
    for (int try = 0; try < TRIES && pending > 0; try++) {
      pending = try_flows(fd, &proxy, run, done, is_pending, pending);
    }
    lost += (uint32_t)pending;
    done += (uint32_t)size;
  }
  printf("{\"answered\":%" PRIu32 ",\"lost\":%" PRIu32 "}\n", done - lost, count - done + lost);
}
