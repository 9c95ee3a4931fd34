/*
 * Between the parts of the epoll engine. epoll.c has the queues and waits for readiness;
 * epoll_operations.c takes entries, and lets wait what cannot be done at once; epoll_receive.c and
 * epoll_send.c do it, in either direction.
 */
#ifndef RINGWAY_EPOLL_OPERATIONS_H
#define RINGWAY_EPOLL_OPERATIONS_H

#include "epoll_table.h"

#include <stdint.h>

struct io_uring_sqe;
struct io_uring_buf_ring;

static inline void *at(uint64_t address) { return (void *)(uintptr_t)address; }

/* epoll.c */
void post(uint64_t user_data, int32_t result, uint32_t flags);
/* Completions that still fit the queue; what does not fit is kept, but shall be the exception. */
uint32_t completion_room(void);
/* Has epoll watch a file for what comes in, and for `events` too. 0 or -errno. */
int watch(int fd, struct file *file, uint32_t events);
void unwatch(int fd, struct file *file);
/* What is there now of `events`, as poll(2) has it. */
int poll_now(int fd, int events);

/* epoll_operations.c */
void carry_out(const struct io_uring_sqe *entry);
/* Lets an operation wait with its file, to get something or to be rid of something. */
void wait_in(const struct operation *operation);
void wait_out(const struct operation *operation);
/* The last completion of an operation that waits. */
void finish(uint32_t index, int32_t result, uint32_t flags);
/* The completion of one that does not, unless it is not wanted. */
void answer(const struct io_uring_sqe *entry, int32_t result);
/* What an operation says that ends by an error: a send that was cut short says how far it came. */
int32_t result_of(const struct operation *operation, int32_t error);
/* Ends all that wait for a file, as cancelled. */
void cancel_all(struct file *file);

/* epoll_receive.c */
void lane_open(uint32_t lane, uint32_t entries, struct io_uring_buf_ring *ring);
int lane_is_open(uint32_t lane);
/* Goes on with those who wait for a file. `is_news`: epoll has just said that it has something. */
void run_in(int fd, struct file *file, int is_news);
/* The same on news, but receives may be left to flush_receives. */
void gather_in(int fd, struct file *file);
void flush_receives(void);

/* epoll_send.c */
void submit_send(const struct io_uring_sqe *entry, const struct operation *operation);
void submit_message(const struct io_uring_sqe *entry);
/* Does the sends that submit_send has put off. */
void flush_sends(void);
void submit_connect(const struct operation *operation);
void run_out(int fd, struct file *file);
/* Of a file in the queue: tries its connect once more, if that is why it is there. */
void retry_connect(struct file *file);
/* Files in the queue that are there for a connect alone. */
extern uint32_t retry_count;

#endif
