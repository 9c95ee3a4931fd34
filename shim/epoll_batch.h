/*
 * Many reads and writes by one system call, for the epoll engine; see epoll_batch.c.
 */
#ifndef RINGWAY_EPOLL_BATCH_H
#define RINGWAY_EPOLL_BATCH_H

#include <stdint.h>

#define BATCH_MAX 64

void batch_open(void);
/* Adds a read or write of a socket that does not block; there is room for it. */
void batch_add(int is_write, int fd, uint64_t address, uint32_t bytes);
/* Does what was added, in that order; the results are bytes or negated error numbers. */
void batch_run(void);
extern int32_t batch_results[BATCH_MAX];
extern uint32_t batch_count;

#endif
