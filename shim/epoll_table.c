/*
 * Memory of the epoll engine: files, operations that wait, and the names to find those by.
 *
 * Everything is mapped once, as large as it can ever become, and costs memory only where it is
 * used: pages that were never touched do not exist, and both fds and operations are given out
 * lowest first. Zeroes are a valid empty table, so nothing is initialized either.
 */
#define _GNU_SOURCE
#include "epoll_table.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#define HASH_BITS 17

struct operation *operations;
struct file *files;
uint32_t queue_length;

static uint32_t *buckets;
static uint32_t first_free; /* operations that were used, a stack by `next` */
static uint32_t used;       /* operations that were ever used */
static uint32_t queue_head, queue_tail; /* fd + 1 */

_Static_assert(sizeof(struct file) == 28, "a file is small: there may be a million");
_Static_assert(sizeof(struct operation) == 64, "an operation is a line of the cache");

void *reserve(size_t bytes) {
  void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE,
                      MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? 0 : memory;
}

int table_open(void) {
  files = reserve(sizeof *files * FILES_MAX);
  operations = reserve(sizeof *operations * (OPERATIONS_MAX + 1));
  buckets = reserve(sizeof *buckets << HASH_BITS);
  return files && operations && buckets ? 0 : -ENOMEM;
}

/* Times 2^64 over the golden ratio: names differ in low bits, buckets are told by high ones. */
static uint32_t *bucket_of(uint64_t user_data) {
  return &buckets[user_data * 0x9e3779b97f4a7c15u >> (64 - HASH_BITS)];
}

uint32_t operation_park(const struct operation *like, int is_out) {
  uint32_t index = first_free;
  if (index) first_free = operations[index].next;
  else if (used < OPERATIONS_MAX) index = ++used;
  else return 0;
  struct operation *operation = &operations[index];
  *operation = *like;
  struct file *file = &files[like->fd];
  uint32_t *head = is_out ? &file->out_head : &file->in_head;
  uint32_t *tail = is_out ? &file->out_tail : &file->in_tail;
  operation->next = 0;
  operation->previous = *tail;
  if (*tail) operations[*tail].next = index;
  else *head = index;
  *tail = index;
  uint32_t *bucket = bucket_of(operation->user_data);
  operation->next_same_hash = *bucket;
  *bucket = index;
  return index;
}

void operation_remove(uint32_t index) {
  struct operation *operation = &operations[index];
  struct file *file = &files[operation->fd];
  uint32_t next = operation->next, previous = operation->previous;
  if (next) operations[next].previous = previous;
  else if (file->in_tail == index) file->in_tail = previous;
  else file->out_tail = previous;
  if (previous) operations[previous].next = next;
  else if (file->in_head == index) file->in_head = next;
  else file->out_head = next;
  uint32_t *link = bucket_of(operation->user_data);
  while (*link != index) link = &operations[*link].next_same_hash;
  *link = operation->next_same_hash;
  operation->next = first_free;
  first_free = index;
}

uint32_t operation_find(uint64_t user_data) {
  uint32_t index = *bucket_of(user_data);
  while (index && operations[index].user_data != user_data)
    index = operations[index].next_same_hash;
  return index;
}

void queue_push(int fd) {
  struct file *file = &files[fd];
  if (file->flags & QUEUED) return;
  file->flags |= QUEUED;
  file->next_queued = 0;
  if (queue_tail) files[queue_tail - 1].next_queued = (uint32_t)fd + 1;
  else queue_head = (uint32_t)fd + 1;
  queue_tail = (uint32_t)fd + 1;
  queue_length++;
}

int queue_shift(void) {
  if (!queue_head) return -1;
  int fd = (int)queue_head - 1;
  queue_head = files[fd].next_queued;
  if (!queue_head) queue_tail = 0;
  files[fd].flags &= ~QUEUED;
  queue_length--;
  return fd;
}
