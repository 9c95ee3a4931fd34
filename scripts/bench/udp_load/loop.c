/*
 * The closed loop: every client sends, waits for its answer, and sends again; one that waits too
 * long has lost a round trip and goes on. Every answer is checked to be the awaited one, for the
 * awaited client, so that a proxy that mixes flows up is not measured as a fast one.
 */
#include "clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX 4096

/* 128 steps for each doubling: a percentile is off by less than 1 %. */
#define STEP_BITS 7
#define STEPS (1 << STEP_BITS)
static uint64_t histogram[64 << STEP_BITS];

static void record_latency(int64_t nanos) {
  uint64_t value = nanos < STEPS ? STEPS : (uint64_t)nanos;
  int doublings = 63 - __builtin_clzll(value) - STEP_BITS;
  histogram[((uint64_t)doublings << STEP_BITS) + (value >> doublings) - STEPS]++;
}

static double percentile_micros(double part, uint64_t total) {
  uint64_t below = 0;
  uint64_t rank = (uint64_t)(part * (double)total);
  for (uint64_t i = 0; i < sizeof histogram / sizeof histogram[0]; i++) {
    below += histogram[i];
    if (below > rank) return (double)((i % STEPS + STEPS) << (i >> STEP_BITS)) / 1000;
  }
  return 0;
}

struct client {
  uint32_t turn;
  bool is_waiting;
  int64_t sent_nanos;
};

static struct {
  struct client clients[CLIENTS_MAX];
  struct sockaddr_in proxy;
  uint32_t run;
  size_t bytes;
  int fd;
  /* How many messages are ready to be sent, and how many clients wait. */
  int ready, waiting;
  int64_t end_nanos, last_nanos;
  uint64_t trips, lost, late, foreign;
} loop;

static void flush_trips(void) {
  send_batch(loop.fd, loop.ready);
  loop.ready = 0;
}

static void begin_trip(uint32_t index, int64_t now) {
  struct client *client = &loop.clients[index];
  uint64_t number = ((uint64_t)index << 32) | ++client->turn;
  struct header header = {.kind = TRIP, .run = loop.run, .number = number};
  memcpy(buffers[loop.ready], &header, sizeof header);
  prepare_from(loop.ready, index, loop.bytes, &loop.proxy);
  if (!client->is_waiting) loop.waiting++;
  client->is_waiting = true;
  client->sent_nanos = now;
  if (++loop.ready == BATCH) flush_trips();
}

/* Ends the trip that message `i` answers; false when nobody waits for it. */
static bool end_trip(int i, uint32_t *index, int64_t now) {
  struct header header;
  memcpy(&header, buffers[i], sizeof header);
  *index = client_of(i);
  if (messages[i].msg_len != loop.bytes || header.run != loop.run || *index >= CLIENTS_MAX ||
      header.number >> 32 != *index) {
    loop.foreign++;
    return false;
  }
  struct client *client = &loop.clients[*index];
  if (!client->is_waiting || (uint32_t)header.number != client->turn) {
    loop.late++;
    return false;
  }
  client->is_waiting = false;
  loop.waiting--;
  loop.last_nanos = now;
  loop.trips++;
  record_latency(now - client->sent_nanos);
  return true;
}

static void give_up(uint32_t clients, int64_t now) {
  for (uint32_t i = 0; i < clients; i++) {
    struct client *client = &loop.clients[i];
    if (!client->is_waiting || now - client->sent_nanos < LOST_NANOS) continue;
    loop.lost++;
    if (now < loop.end_nanos) {
      begin_trip(i, now);
      continue;
    }
    client->is_waiting = false;
    loop.waiting--;
  }
  flush_trips();
}

static void print_result(double seconds) {
  printf("{\"trips\":%" PRIu64 ",\"seconds\":%.6f,", loop.trips, seconds);
  printf("\"p50Micros\":%.2f,", percentile_micros(0.50, loop.trips));
  printf("\"p99Micros\":%.2f,", percentile_micros(0.99, loop.trips));
  printf("\"lost\":%" PRIu64 ",\"late\":%" PRIu64 ",", loop.lost, loop.late);
  printf("\"foreign\":%" PRIu64 "}\n", loop.foreign);
}

void run_loop(int port, uint32_t clients, size_t bytes, double seconds) {
  if (clients < 1 || clients > CLIENTS_MAX) exit(2);
  if (bytes < sizeof(struct header) || bytes > DATAGRAM_MAX) exit(2);
  loop.run = draw_run();
  loop.bytes = bytes;
  loop.proxy = loopback(0, port);
  loop.fd = open_clients();
  int64_t start = now_nanos();
  int64_t next_scan = start + SCAN_NANOS;
  loop.last_nanos = start;
  loop.end_nanos = start + (int64_t)(seconds * NANOS_PER_SECOND);
  for (uint32_t i = 0; i < clients; i++) begin_trip(i, now_nanos());
  flush_trips();
  while (loop.waiting > 0) {
    uint32_t next[BATCH];
    int answers = receive_answers(loop.fd);
    int64_t now = now_nanos();
    int due = 0;
    for (int i = 0; i < answers; i++) due += end_trip(i, &next[due], now);
    for (int i = 0; i < due && now < loop.end_nanos; i++) begin_trip(next[i], now);
    flush_trips();
    if (now < next_scan) continue;
    give_up(clients, now);
    next_scan = now + SCAN_NANOS;
  }
  print_result((double)(loop.last_nanos - start) / NANOS_PER_SECOND);
}
