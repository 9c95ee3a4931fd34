/*
 * The engine without io_uring, as shim.c sees it: the same queues in memory, served by epoll.
 * Entries, completions and buffer lanes have the layout that io_uring gives them, so TypeScript
 * cannot tell the two apart. Both read the clock by the same function. Nothing of this leaves the
 * library.
 */
#ifndef RINGWAY_ENGINE_H
#define RINGWAY_ENGINE_H

#include <stdint.h>
#include <time.h>

struct rw_control;

static inline double monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* 0, or -errno. Fills in the control block. */
int32_t engine_open(uint32_t entries, struct rw_control *control);
/* Whether this engine is the one that was opened. */
int engine_is_open(void);
/* `memory` holds `entries` buffers of 16 bytes and the tail that TypeScript moves. */
void engine_lane_open(uint32_t lane, uint32_t entries, uint64_t memory);
/* Carries out what is queued and waits for news; the number of entries taken. */
int32_t engine_enter(uint32_t submit, uint32_t wait, uint32_t timeout_ms);

/* Of sockets that are made and files that are closed by immediate calls: */
void engine_note_made(int fd, int is_tcp);
void engine_note_closing(int fd);

#endif
