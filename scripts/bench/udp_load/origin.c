/*
 * What stands behind the proxies: an echo, and a server of names that knows one answer. Both take
 * and send many datagrams per system call, because they share a core with the load.
 */
#include "udp_load.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MAX 64
#define DNS_HEADER_BYTES 12

/* Turns the `bytes` of a datagram into its answer; returns the answer's length, 0 for none. */
typedef size_t (*answer)(uint8_t *datagram, size_t bytes);

static struct sockaddr_in peers[BATCH];
/* Of the stream that came last, and how many of its datagrams. */
static uint32_t stream_run;
static uint64_t stream_count;

static size_t echo(uint8_t *datagram, size_t bytes) {
  struct header header;
  if (bytes < sizeof header) return bytes;
  memcpy(&header, datagram, sizeof header);
  if (header.kind == STREAM) {
    if (header.run != stream_run) stream_count = 0;
    stream_run = header.run;
    stream_count++;
    return 0;
  }
  if (header.kind == REPORT) {
    header.number = header.run == stream_run ? stream_count : 0;
    memcpy(datagram, &header, sizeof header);
  }
  return bytes;
}

/* RFC 1035: header and question as they came, and one record: of the name at 12, A, IN, 256 s. */
static size_t answer_query(uint8_t *datagram, size_t bytes) {
  static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4, 127, 0, 0, 1};
  size_t at = DNS_HEADER_BYTES;
  bool is_query = bytes >= at && !(datagram[2] & 0x80) && datagram[4] == 0 && datagram[5] == 1;
  if (!is_query) return 0;
  while (at < bytes && datagram[at] != 0) at += datagram[at] + 1u;
  /* The end of the name, its type and its class. */
  at += 5;
  if (at > bytes || at + sizeof record > DATAGRAM_MAX) return 0;
  datagram[2] |= 0x84;
  datagram[3] = 0x80;
  memset(datagram + 6, 0, 6);
  datagram[7] = 1;
  memcpy(datagram + at, record, sizeof record);
  return at + sizeof record;
}

static void answer_batch(int fd, int flags, answer make) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = DATAGRAM_MAX};
    messages[i].msg_hdr = (struct msghdr){
      .msg_name = &peers[i], .msg_namelen = sizeof peers[i],
      .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  int received = recvmmsg(fd, messages, BATCH, flags, 0);
  int answers = 0;
  for (int i = 0; i < received; i++) {
    size_t bytes = make(buffers[i], messages[i].msg_len);
    if (bytes == 0) continue;
    vectors[i].iov_len = bytes;
    messages[answers++].msg_hdr = messages[i].msg_hdr;
  }
  send_batch(fd, answers);
}

static struct pollfd bind_port(int *port) {
  struct sockaddr_in name = loopback(0, 0);
  socklen_t bytes = sizeof name;
  int fd = open_socket();
  widen_buffers(fd);
  if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0) fail("cannot bind");
  if (getsockname(fd, (struct sockaddr *)&name, &bytes) < 0) fail("cannot read a port");
  *port = ntohs(name.sin_port);
  return (struct pollfd){.fd = fd, .events = POLLIN};
}

static _Noreturn void serve(int ports, answer make) {
  struct pollfd sockets[PORTS_MAX];
  if (ports < 1 || ports > PORTS_MAX) exit(2);
  for (int i = 0; i < ports; i++) {
    int port;
    sockets[i] = bind_port(&port);
    printf("%s%d", i == 0 ? "ports " : " ", port);
  }
  printf("\n");
  fflush(stdout);
  /* One port alone needs no poll before each batch. */
  while (ports == 1) answer_batch(sockets[0].fd, MSG_WAITFORONE, make);
  for (;;) {
    poll(sockets, (nfds_t)ports, -1);
    for (int i = 0; i < ports; i++) {
      if (sockets[i].revents) answer_batch(sockets[i].fd, MSG_DONTWAIT, make);
    }
  }
}

void serve_echo(int ports) { serve(ports, echo); }
void serve_dns(int ports) { serve(ports, answer_query); }
