/*
 * The shim's whole interface: what TypeScript cannot do by itself, and nothing else.
 *
 * Rules that hold for every function here:
 *  - returns >= 0, or -errno; never logs, never decides, never calls back into JavaScript;
 *  - takes i32/u32 only, because a 64-bit argument leaves Deno's fast call path (170 ns, not 14);
 *  - allocates nothing after rw_ring_open. Memory that the kernel sees is mapped here, never a
 *    JavaScript ArrayBuffer: those may be collected while an operation still points into them;
 *  - one ring per process, used by the thread that opened it (SINGLE_ISSUER).
 *
 * Larger results go through the control block: addresses as 64-bit integers, read once at start,
 * and `scratch`, a small area for socket addresses, short headers and affinity masks.
 * The offsets are written to ffi/layout.ts by `deno task layout` and compared when it is opened.
 */
#ifndef RINGWAY_SHIM_H
#define RINGWAY_SHIM_H

#include <stdint.h>

#pragma GCC visibility push(default) /* the build hides everything else */

#define RW_ABI 3
#define RW_SCRATCH_BYTES 1024
#define RW_LANES_MAX 3
#define RW_WORKERS_MAX 256

struct rw_control {
  /* The mapped rings: addresses of the arrays and of their heads and tails. */
  uint64_t sqes, sq_head, sq_tail, sq_flags;
  uint64_t cqes, cq_head, cq_tail, cq_overflow;
  uint64_t lanes[RW_LANES_MAX]; /* provided-buffer rings, one page-aligned array each */
  uint64_t address;             /* result of rw_map_anonymous and rw_map_shared */
  double now_ms;                /* CLOCK_MONOTONIC, milliseconds, at the return of rw_enter */
  uint32_t sq_entries, cq_entries;
  uint32_t features;            /* IORING_FEAT_* as the kernel answered */
  uint32_t receive_allowance;   /* 1 when multishot receives take a byte limit (Linux 6.17) */
  uint8_t scratch[RW_SCRATCH_BYTES];
};

/* "NAME=value" lines: every offset and number that ffi/layout.ts relies on. */
const char *rw_layout(void);
struct rw_control *rw_control(void);

/*
 * Ring. rw_probe opens and closes as many rings as told and returns their features. Both engines
 * have the same queues in memory; RW_EPOLL is for where io_uring is not to be had (epoll.c).
 */
#define RW_URING 0u
#define RW_EPOLL 1u
int32_t rw_probe(uint32_t entries, uint32_t rings);
int32_t rw_ring_open(uint32_t entries, uint32_t engine);
int32_t rw_lane_open(uint32_t lane, uint32_t entries);
int32_t rw_enter(uint32_t submit, uint32_t wait, uint32_t timeout_ms);

/* Memory, in pages of 4096 bytes; the address goes to control->address. */
int32_t rw_map_anonymous(uint32_t pages);
int32_t rw_shared_create(uint32_t pages);
int32_t rw_map_shared(int32_t fd, uint32_t pages);

/*
 * Sockets. Addresses are struct sockaddr bytes in scratch, as are the bytes of rw_send; family,
 * type, level, option and value are the numbers of socket(2) and setsockopt(2).
 */
int32_t rw_socket(int32_t family, int32_t type);
int32_t rw_set_option(int32_t fd, int32_t level, int32_t option, int32_t value);
int32_t rw_bind(int32_t fd, uint32_t address_bytes);
int32_t rw_listen(int32_t fd, uint32_t backlog);
int32_t rw_connect(int32_t fd, uint32_t address_bytes);
int32_t rw_socket_name(int32_t fd);
int32_t rw_socket_type(int32_t fd);
int32_t rw_accept(int32_t fd);
int32_t rw_send(int32_t fd, uint32_t bytes);
int32_t rw_send_message(int32_t fd, int32_t address_low, int32_t address_high);
int32_t rw_discard(int32_t fd, uint32_t bytes);
int32_t rw_peer_ended(int32_t fd);
int32_t rw_shutdown_write(int32_t fd);
int32_t rw_reset_on_close(int32_t fd);

/* Process. */
int32_t rw_close(int32_t fd);
int32_t rw_close_on_exec(int32_t fd, uint32_t on);
int32_t rw_nonblocking(int32_t fd);
int32_t rw_fd_limit_raise(void);
/* CPU time of this process so far, in milliseconds; a double, because it has no bound. */
double rw_cpu_ms(void);
int32_t rw_affinity(void);
int32_t rw_pin(uint32_t cpu);
int32_t rw_name(void);
int32_t rw_signals_open(void);
/* Hears signals that wait since shim/launcher was started as process 1. */
int32_t rw_signals_unblock(void);
int32_t rw_nop(int32_t value);

/*
 * Giving up what is not needed any more; see harden.c and privileges.c. Capabilities are masks of
 * those below 32. RW_ALLOW_* are no steps: what the steps leave, for configurations that need it.
 */
#define RW_NO_NEW_PRIVS 1u
#define RW_CAPABILITIES 2u
#define RW_LANDLOCK 4u
#define RW_SECCOMP 8u
#define RW_FILES 16u
#define RW_STEPS 31u
#define RW_RING 32u
#define RW_ALLOW_UNIX 256u /* sockets of the unix family */
#define RW_ALLOW_BIND 512u /* bind(2): connecting from other addresses */
int32_t rw_harden(uint32_t steps, uint32_t kept_capabilities);
int32_t rw_landlock_version(void);
int32_t rw_drop_user(uint32_t uid, uint32_t gid, uint32_t kept, uint32_t inherited);

#pragma GCC visibility pop

#endif
