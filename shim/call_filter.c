/*
 * The system calls that are left to a worker once it is set up: an allow list as a seccomp filter,
 * for all threads. Everything else answers EPERM; nothing ends the process, because a call that was
 * overlooked here, or that another version of the runtime makes, shall be a failure and no outage.
 *
 * What is on the list was found by tracing workers under load, over garbage collection, drains,
 * crashes and exits; beside our own calls it is what threads of the runtime wait and allocate with.
 * Memory may be made executable: V8 compiles. Threads may be started, processes may not.
 *
 * Calls that the filter allows whatever their arguments are cost next to nothing: the kernel knows
 * them by a bitmap (Linux 5.11) and does not run the filter.
 */
#define _GNU_SOURCE
#include "harden.h"
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the numbers of this machine's system calls are not known here"
#endif

#define X32_CALLS 0x40000000u /* on x86-64, the numbers from here on are another machine's */
#define PR_SET_VMA_ 0x53564d41
#define CLONE_THREAD_FLAGS                                                                      \
  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |           \
   CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)

static const int allowed[] = {
  /* Serving. */
  SYS_io_uring_enter, SYS_setsockopt, SYS_shutdown, SYS_close, SYS_connect, SYS_getsockname,
  SYS_getsockopt, SYS_accept4, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_recvmmsg,
  SYS_read, SYS_write, SYS_getrusage, SYS_clock_gettime,
  /* The engine that has no ring, and the runtime's own event loop. io_submit asks for no more than
   * reads and writes of what is open, and only in a context that was made before. */
  SYS_io_submit, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_readv, SYS_writev,
#ifdef SYS_epoll_wait
  SYS_epoll_wait, SYS_poll,
#endif
#ifdef SYS_epoll_pwait2
  SYS_epoll_pwait2,
#endif
  /* Memory. */
  SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_membarrier,
#ifdef SYS_pkey_mprotect
  SYS_pkey_mprotect,
#endif
  /* Threads, and what they wait with. */
  SYS_futex, SYS_set_robust_list, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
  SYS_sigaltstack, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getscheduler,
  SYS_sched_getparam, SYS_nanosleep, SYS_clock_nanosleep,
  SYS_restart_syscall, SYS_exit, SYS_exit_group, SYS_gettid, SYS_getpid, SYS_getrandom,
#ifdef SYS_rseq
  SYS_rseq,
#endif
#ifdef SYS_time
  SYS_time,
#endif
  SYS_gettimeofday, SYS_clock_getres, SYS_getcpu,
};

enum { FILTER_MAX = 2 * (sizeof allowed / sizeof allowed[0]) + 64 };

struct program {
  struct sock_filter code[FILTER_MAX];
  unsigned short length;
};

static void add(struct program *to, uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
  to->code[to->length++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = value};
}

static void load(struct program *to, size_t offset) {
  add(to, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The low half of an argument, where all numbers that are looked at stand. */
static void load_argument(struct program *to, unsigned index) {
  load(to, offsetof(struct seccomp_data, args) + 8 * index);
}

static void answer(struct program *to, uint32_t action) { add(to, BPF_RET | BPF_K, action, 0, 0); }

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

/* Skips the next `count` instructions unless the value loaded is `value`. */
static void unless_skip(struct program *to, uint32_t value, uint8_t count) {
  add(to, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

static void allow_if(struct program *to, uint32_t value) {
  unless_skip(to, value, 1);
  answer(to, SECCOMP_RET_ALLOW);
}

static void refuse_unless(struct program *to, uint32_t value) {
  add(to, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
  answer(to, REFUSED);
}

/* A call of which an argument decides; what comes after must answer. Returns where to patch. */
static unsigned begin_call(struct program *to, int number) {
  unless_skip(to, (uint32_t)number, 0);
  return to->length - 1u;
}

static void end_call(struct program *to, unsigned begun) {
  answer(to, REFUSED);
  to->code[begun].jf = (uint8_t)(to->length - begun - 1);
}

/* Stream and datagram sockets of the families that are used, with no protocol of their own. */
static void allow_sockets(struct program *to, uint32_t steps) {
  unsigned socket_call = begin_call(to, SYS_socket);
  load_argument(to, 2);
  refuse_unless(to, 0);
  load_argument(to, 1);
  add(to, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), 0, 0);
  add(to, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0); /* over what refuses others */
  refuse_unless(to, SOCK_DGRAM);
  load_argument(to, 0);
  allow_if(to, AF_INET);
  allow_if(to, AF_INET6);
  if (steps & RW_ALLOW_UNIX) allow_if(to, AF_UNIX);
  end_call(to, socket_call);
}

static void allow_by_argument(struct program *to, uint32_t steps) {
  allow_sockets(to, steps);
  /* Threads: with this answer the C library takes clone(2), whose flags a filter can see. */
  unless_skip(to, SYS_clone3, 1);
  answer(to, UNKNOWN);
  unsigned clone_call = begin_call(to, SYS_clone);
  load_argument(to, 0);
  add(to, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)CLONE_THREAD_FLAGS | CLONE_THREAD, 0, 0);
  allow_if(to, CLONE_THREAD);
  end_call(to, clone_call);
  /* abort(3) raises a signal in its own process. */
  unsigned signal_call = begin_call(to, SYS_tgkill);
  load_argument(to, 0);
  allow_if(to, (uint32_t)getpid());
  end_call(to, signal_call);
  /* How many bytes a socket holds. */
  unsigned ioctl_call = begin_call(to, SYS_ioctl);
  load_argument(to, 1);
  allow_if(to, FIONREAD);
  end_call(to, ioctl_call);
  /* Flags and locks. Where the runtime's caches cannot lock they try again for ten seconds. */
  unsigned fcntl_call = begin_call(to, SYS_fcntl);
  load_argument(to, 1);
  add(to, BPF_JMP | BPF_JGT | BPF_K, F_SETLKW, 1, 0);
  answer(to, SECCOMP_RET_ALLOW);
  end_call(to, fcntl_call);
  /* Names of threads and of mappings. */
  unsigned prctl_call = begin_call(to, SYS_prctl);
  load_argument(to, 0);
  allow_if(to, PR_SET_NAME);
  allow_if(to, PR_SET_VMA_);
  end_call(to, prctl_call);
}

int filter_calls(uint32_t steps) {
  static struct program program;
  struct program *to = &program;
  to->length = 0;
  load(to, offsetof(struct seccomp_data, arch));
  refuse_unless(to, ARCHITECTURE);
  load(to, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
  add(to, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1);
  answer(to, REFUSED);
#endif
  allow_by_argument(to, steps);
  for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
    allow_if(to, (uint32_t)allowed[i]);
  if (steps & RW_ALLOW_BIND) allow_if(to, SYS_bind);
  answer(to, REFUSED);
  struct sock_fprog list = {.len = to->length, .filter = to->code};
  /* TSYNC: for all threads. SPEC_ALLOW: kernels before 5.16 would slow compiled code down. */
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &list);
  if (result < 0) return errno == EINVAL ? -ENOSYS : -errno;
  /* The thread that could not be given the filter. */
  return result > 0 ? -ESRCH : 0;
}
