/*
 * Thousands of clients in one program. Each is an address of 127/8, and all send and receive by one
 * socket, many at a time: with a socket each, the load would spend more on system calls than a
 * proxy on its work, and fifteen thousand would need more ports than are left beside the proxy's.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "udp_load.h"

int open_clients(void);
/* Makes messages[i] `bytes` of buffers[i] from a client to `peer`, which must stay. */
void prepare_from(int i, uint32_t client, size_t bytes, struct sockaddr_in *peer);
/* Waits at most SCAN_NANOS for one answer, and takes what else is there; returns how many. */
int receive_answers(int fd);
/* Whom messages[i] has come to. */
uint32_t client_of(int i);

#endif
