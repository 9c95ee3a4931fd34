/*
 * What the parts of udp_load share: what a datagram holds, the batch that all of them send and
 * receive with, and sockets on loopback. Failures of the system end the program with a message,
 * because half a load measures nothing.
 */
#ifndef UDP_LOAD_H
#define UDP_LOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NANOS_PER_SECOND 1000000000LL
/* An answer that takes longer is lost, and its client goes on. */
#define LOST_NANOS (200 * 1000000LL)
/* How often what is lost is looked for. */
#define SCAN_NANOS (10 * 1000000LL)

#define BATCH 64
#define DATAGRAM_MAX 2048

/* What a datagram of ours begins with; the rest may be anything. An echo answers all but STREAM. */
enum kind { TRIP = 0x52570001, STREAM = 0x52570002, REPORT = 0x52570003 };
struct header {
  uint32_t kind;
  /* Random: what is left of an earlier run is not taken for this one's. */
  uint32_t run;
  /* Of a trip client and turn, of a stream the datagram, of a report how many arrived. */
  uint64_t number;
};

/* One batch is in use at a time: messages[i] has vectors[i], which has buffers[i]. */
extern uint8_t buffers[BATCH][DATAGRAM_MAX];
extern struct iovec vectors[BATCH];
extern struct mmsghdr messages[BATCH];

int64_t now_nanos(void);
_Noreturn void fail(const char *what);
uint32_t draw_run(void);

/* 127.0.0.1, and the addresses that follow it. */
struct sockaddr_in loopback(uint32_t host, int port);
int open_socket(void);
int connect_to(int port);
/* Room for bursts: beyond the system's limit where we may, up to it where not. */
void widen_buffers(int fd);
/* How long a receive waits; less than a second. */
void set_patience(int fd, int64_t nanos);
/* What cannot be sent is lost like what is dropped on its way. */
void send_batch(int fd, int count);

/* The modes of the program: udp_load.c tells what they take. */
void serve_echo(int ports);
void serve_dns(int ports);
void run_loop(int port, uint32_t clients, size_t bytes, double seconds);
void run_stream(int port, int sink, size_t bytes, double rate, double seconds);
void run_flows(int port, uint32_t count);

#endif
