/*
 * Who the process is and what it may: capabilities, user and group.
 *
 * To the kernel all of these belong to threads. User and group are brought to every thread by the C
 * library's setresuid and its kin, with a signal of its own; capabilities by harden.c.
 */
#define _GNU_SOURCE
#include "harden.h"
#include "shim.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64

/* A mask has the first 32; those after them are never kept. */
static int is_kept(uint32_t kept, unsigned capability) {
  return capability < 32 && (kept >> capability & 1);
}

/* No program that is executed from here on can get these back. Ends at the first that is refused:
 * it is the number after the kernel's last, or the first, when this user may not. */
void drop_bounding_set(uint32_t kept) {
  for (unsigned capability = 0; capability < CAPABILITIES_MAX; capability++)
    if (!is_kept(kept, capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return;
}

int keep_capabilities(uint32_t kept, uint32_t inheritable) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) < 0) return -errno;
  kept &= sets[0].permitted;
  inheritable &= kept;
  sets[0] = (struct __user_cap_data_struct){
    .effective = kept, .permitted = kept, .inheritable = inheritable};
  sets[1] = (struct __user_cap_data_struct){0};
  /* Older than Linux 4.3: there are none, and none to clear. */
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capset, &header, sets) < 0) return -errno;
  for (unsigned capability = 0; capability < 32; capability++)
    if (inheritable >> capability & 1)
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
  return 0;
}

/*
 * Becomes another user for good. The calling thread keeps the capabilities of `kept` that it has,
 * and programs that it executes get those of `inherited`; other threads keep none.
 */
int32_t rw_drop_user(uint32_t uid, uint32_t gid, uint32_t kept, uint32_t inherited) {
  drop_bounding_set(kept);
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -errno;
  if (setgroups(0, 0) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
    return -errno;
  int32_t result = keep_capabilities(kept, inherited);
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  return result;
}
