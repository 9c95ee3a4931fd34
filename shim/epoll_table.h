/*
 * What the epoll engine remembers: of each file what is known of its readiness and who waits for
 * it, and of each operation that waits what it was asked. See epoll.c for how it is used.
 */
#ifndef RINGWAY_EPOLL_TABLE_H
#define RINGWAY_EPOLL_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* More than the limits of the data plane allow (src/limits.ts); the memory is touched when used. */
#define FILES_MAX (1u << 20)
#define OPERATIONS_MAX (1u << 20)

/* What is known of a file; a new one has none of these. */
#define READABLE 1u   /* a receive may find something; not set: the next edge will tell */
#define FULL 2u       /* a send found no room; not set: it may find some */
#define ENDING 4u     /* its end or an error is behind what is left to read */
#define URGENT 8u     /* urgent bytes: receives stop at them, however much lies behind */
#define BROKEN 16u    /* an error or hang-up was seen */
#define MADE 32u      /* by us: no other process has it, it does not block */
#define TCP 64u       /* a short receive means that there is no more */
#define ACCEPTING 128u
#define QUEUED 256u   /* in the queue of those that have more to do */
#define RETRYING 512u /* in that queue for a connect that is tried again, which need not be soon */
#define IMPATIENT 1024u /* its accepts end after an instant, should they have to wait */
#define PUT_OFF 2048u /* sends of it are put off until they are done together with others */

struct file {
  uint32_t generation;         /* moves on at each close: later events of it are passed over */
  uint16_t flags;
  uint16_t events;             /* what epoll watches, EPOLL*; 0: it does not know the file */
  uint32_t in_head, in_tail;   /* who waits to receive, read or accept; operations, 0 for none */
  uint32_t out_head, out_tail; /* who waits to send or connect, or for room */
  uint32_t next_queued;        /* fd + 1 */
};

struct operation {
  uint64_t user_data;
  uint64_t address;        /* bytes, struct sockaddr or struct msghdr */
  uint64_t length_address; /* of an accept */
  uint32_t bytes, done;    /* asked for, and had so far */
  uint32_t allowance;      /* a multishot receive ends when it has had so much; 0: never */
  uint32_t message_flags;  /* or the events of a poll */
  int32_t fd;
  uint32_t next, previous; /* of those that wait in the same direction */
  uint32_t next_same_hash;
  uint16_t lane;
  uint8_t opcode, is_multishot;
  uint8_t is_retried;      /* a connect that waits in the queue of files to be tried again */
};

/* Operations by number from 1 on, files by fd. */
extern struct operation *operations;
extern struct file *files;

/* Zeroed memory that exists where it is used; NULL when there is none. */
void *reserve(size_t bytes);
int table_open(void);
/* A new operation at the end of its file's list; 0 when there is no room for one. */
uint32_t operation_park(const struct operation *like, int is_out);
void operation_remove(uint32_t index);
/* The operation of this name; 0 when none is waiting. */
uint32_t operation_find(uint64_t user_data);

/* Files that have more to do than their turn allowed; first come, first served. */
void queue_push(int fd);
int queue_shift(void); /* -1 when it is empty */
extern uint32_t queue_length;

/* NULL when it is no number of a file, or larger than any. */
static inline struct file *file_of(int fd) {
  return (uint32_t)fd < FILES_MAX ? &files[fd] : 0;
}

#endif
