/*
 * What the parts of the hardening share with each other and with the ring. Nothing of it leaves
 * the library; what does is declared in shim.h.
 */
#ifndef RINGWAY_HARDEN_H
#define RINGWAY_HARDEN_H

#include <stdint.h>

struct io_uring;

/* ring_limits.c: allows a ring opened with IORING_SETUP_R_DISABLED what we use, and enables it. */
int limit_ring(struct io_uring *ring);
int ring_is_limited(void);

/* call_filter.c: 0, or -errno; -ENOSYS when the kernel has no filters. `steps` as in rw_harden. */
int filter_calls(uint32_t steps);

/* privileges.c: keeps the capabilities of a mask, for the calling thread. 0 or -errno. */
int keep_capabilities(uint32_t kept, uint32_t inheritable);
void drop_bounding_set(uint32_t kept);

#endif
