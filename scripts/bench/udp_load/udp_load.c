/*
 * Load and origin of the bench's UDP cases: one program, so that both agree on what a datagram
 * holds. An origin prints its ports at once and runs until it is ended; a load prints one line of
 * JSON when it is done. All of it is on loopback.
 *
 *   udp_load echo PORTS                        sends back what comes; counts what a stream brings
 *   udp_load dns PORTS                         answers any query with one address
 *   udp_load loop PORT CLIENTS BYTES SECONDS   each client sends again when it has its answer
 *   udp_load stream PORT SINK BYTES RATE SECONDS   one flow, one way, RATE datagrams a second; the
 *                                              echo on port SINK tells how many have arrived
 *   udp_load flows PORT CLIENTS                one datagram and its answer for each client
 *
 * It is C because whatever the load costs is missing from the rate at which it can keep a proxy
 * busy: origin and load share one core.
 */
#include "udp_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BYTES (4 << 20)
#define NUMBERS_MAX 5

uint8_t buffers[BATCH][DATAGRAM_MAX];
struct iovec vectors[BATCH];
struct mmsghdr messages[BATCH];

int64_t now_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * NANOS_PER_SECOND + time.tv_nsec;
}

_Noreturn void fail(const char *what) {
  fprintf(stderr, "udp_load: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint32_t draw_run(void) {
  uint32_t run;
  if (getrandom(&run, sizeof run, 0) != sizeof run) fail("cannot draw a number");
  return run;
}

struct sockaddr_in loopback(uint32_t host, int port) {
  return (struct sockaddr_in){
    .sin_family = AF_INET,
    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host),
    .sin_port = htons((uint16_t)port)};
}

int open_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) fail("cannot open a socket");
  return fd;
}

int connect_to(int port) {
  struct sockaddr_in peer = loopback(0, port);
  int fd = open_socket();
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) fail("cannot connect a socket");
  return fd;
}

static void set_bytes(int fd, int option, int forced) {
  int bytes = SOCKET_BYTES;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return;
  setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

void widen_buffers(int fd) {
  set_bytes(fd, SO_RCVBUF, SO_RCVBUFFORCE);
  set_bytes(fd, SO_SNDBUF, SO_SNDBUFFORCE);
}

void set_patience(int fd, int64_t nanos) {
  struct timeval patience = {.tv_usec = nanos / 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void send_batch(int fd, int count) {
  for (int sent = 0; sent < count;) {
    int more = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
    sent += more > 0 ? more : 1;
  }
}

int main(int count, char **words) {
  const char *mode = count > 1 ? words[1] : "";
  double number[NUMBERS_MAX] = {0};
  int numbers = count - 2;
  for (int i = 0; i < numbers && i < NUMBERS_MAX; i++) number[i] = atof(words[i + 2]);
  int port = (int)number[0];
  if (numbers == 1 && strcmp(mode, "echo") == 0) {
    serve_echo(port);
  } else if (numbers == 1 && strcmp(mode, "dns") == 0) {
    serve_dns(port);
  } else if (numbers == 4 && strcmp(mode, "loop") == 0) {
    run_loop(port, (uint32_t)number[1], (size_t)number[2], number[3]);
  } else if (numbers == 5 && strcmp(mode, "stream") == 0) {
    run_stream(port, (int)number[1], (size_t)number[2], number[3], number[4]);
  } else if (numbers == 2 && strcmp(mode, "flows") == 0) {
    run_flows(port, (uint32_t)number[1]);
  } else {
    fprintf(stderr, "udp_load: udp_load.c tells what it takes\n");
    return 2;
  }
  return 0;
}
