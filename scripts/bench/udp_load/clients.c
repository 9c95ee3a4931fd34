/*
 * Implementation of clients.h. The kernel takes the source address of a datagram from the control
 * message that comes with it (IP_PKTINFO, ip(7)), and tells by the same whom an answer has come to.
 */
#include "clients.h"

#include <string.h>

static union control {
  struct cmsghdr first;
  uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
} controls[BATCH];

int open_clients(void) {
  struct sockaddr_in any = {.sin_family = AF_INET};
  int on = 1;
  int fd = open_socket();
  widen_buffers(fd);
  set_patience(fd, SCAN_NANOS);
  if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0) fail("cannot ask for addresses");
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) fail("cannot bind");
  return fd;
}

static void prepare(int i, size_t bytes, struct sockaddr_in *peer) {
  vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = bytes};
  messages[i].msg_hdr = (struct msghdr){
    .msg_name = peer, .msg_namelen = peer ? sizeof *peer : 0,
    .msg_iov = &vectors[i], .msg_iovlen = 1,
    .msg_control = &controls[i], .msg_controllen = sizeof controls[i]};
}

void prepare_from(int i, uint32_t client, size_t bytes, struct sockaddr_in *peer) {
  /* The proxy has the first address. */
  struct in_pktinfo source = {.ipi_spec_dst = loopback(client + 1, 0).sin_addr};
  struct cmsghdr *first = &controls[i].first;
  prepare(i, bytes, peer);
  *first = (struct cmsghdr){
    .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof source)};
  memcpy(CMSG_DATA(first), &source, sizeof source);
}

int receive_answers(int fd) {
  for (int i = 0; i < BATCH; i++) prepare(i, DATAGRAM_MAX, 0);
  int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, 0);
  return count < 0 ? 0 : count;
}

uint32_t client_of(int i) {
  struct in_pktinfo arrived;
  memcpy(&arrived, CMSG_DATA(&controls[i].first), sizeof arrived);
  return ntohl(arrived.ipi_addr.s_addr) - INADDR_LOOPBACK - 1;
}
