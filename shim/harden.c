/*
 * What a worker gives up once everything is open: rights, files, system calls. The steps are bits
 * (shim.h), each of use without the others; a kernel that lacks one is no failure.
 *
 * Credentials and landlock belong to threads, and the runtime has started threads before us: code
 * that runs in the process runs in all of them, so a wall around one thread is none. Therefore a
 * signal takes the steps to each thread, as libpsx and the C library's setresuid do. What a thread
 * starts later inherits them; passes over the threads end when one finds nobody new. The system
 * call filter comes last, when nothing of all this is needed any more; the kernel itself brings it
 * to all threads.
 */
#define _GNU_SOURCE
#include "harden.h"
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256
#define PATIENCE_LOOKS 20000 /* of 100 us each */

/* Linux 5.13 to 6.12; numbers, because headers may be older. See landlock(7). */
#define LANDLOCK_VERSION 1u
#define FILE_RIGHTS_FIRST ((1u << 13) - 1)
#define FILE_RIGHT_REFER (1u << 13)
#define FILE_RIGHT_TRUNCATE (1u << 14)
#define FILE_RIGHT_IOCTL (1u << 15)
#define BIND_TCP 1u
#define SCOPE_ABSTRACT_SOCKETS 1u
#define SCOPE_SIGNALS 2u
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

struct rules { uint64_t files, network, scope; };

/* The errand that the signal takes to every thread. */
static uint32_t errand_steps, errand_kept;
static int errand_rules = -1;
static _Atomic uint32_t errand_failed, errand_answers;
static _Atomic int errand_error;

static void note(uint32_t step, int error) {
  atomic_fetch_or(&errand_failed, step);
  atomic_store(&errand_error, error);
}

static void harden_thread(void) {
  if (errand_steps & RW_NO_NEW_PRIVS && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    note(RW_NO_NEW_PRIVS, errno);
  if (errand_steps & RW_LANDLOCK && syscall(SYS_landlock_restrict_self, errand_rules, 0) < 0)
    note(RW_LANDLOCK, errno);
  if (errand_steps & RW_CAPABILITIES) {
    drop_bounding_set(0);
    int result = keep_capabilities(errand_kept, 0);
    if (result < 0) note(RW_CAPABILITIES, -result);
  }
}

static void on_errand(int number) {
  (void)number;
  int saved = errno;
  harden_thread();
  atomic_fetch_add(&errand_answers, 1);
  errno = saved;
}

static void look_again_soon(void) {
  nanosleep(&(struct timespec){.tv_nsec = 100000}, 0);
}

/* The next number in a folder of /proc that has numbers as names; -1 after the last. */
struct numbers { int fd; long left; char *at; _Alignas(8) char entries[2048]; };
struct entry { uint64_t inode; int64_t offset; uint16_t bytes; uint8_t type; char name[]; };

static int next_number(struct numbers *from) {
  for (;;) {
    if (from->left <= 0) {
      from->left = syscall(SYS_getdents64, from->fd, from->entries, sizeof from->entries);
      from->at = from->entries;
      if (from->left <= 0) return -1;
    }
    struct entry *entry = (struct entry *)from->at;
    from->at += entry->bytes;
    from->left -= entry->bytes;
    int number = 0;
    const char *digit = entry->name;
    for (; *digit >= '0' && *digit <= '9'; digit++) number = number * 10 + (*digit - '0');
    if (*digit == 0 && digit != entry->name) return number;
  }
}

static int open_numbers(struct numbers *numbers, const char *folder) {
  numbers->left = 0;
  numbers->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return numbers->fd < 0 ? -errno : 0;
}

/* Waits until a thread has done its errand or is there no more. */
static int await_thread(int thread, uint32_t answers) {
  for (int looks = 0; looks < PATIENCE_LOOKS; looks++) {
    if (atomic_load(&errand_answers) != answers) return 0;
    if (syscall(SYS_tgkill, getpid(), thread, 0) < 0) return 0;
    look_again_soon();
  }
  return -ETIMEDOUT;
}

/* One pass over the threads; returns how many were sent for the first time. */
static int visit_threads(int signal_number, int *seen, int *count) {
  struct numbers threads;
  int result = open_numbers(&threads, "/proc/self/task");
  int visited = 0;
  for (int thread; result >= 0 && (thread = next_number(&threads)) >= 0;) {
    int at = 0;
    while (at < *count && seen[at] != thread) at++;
    if (at < *count) continue;
    if (*count == THREADS_MAX) result = -E2BIG;
    else {
      seen[(*count)++] = thread;
      visited++;
      uint32_t answers = atomic_load(&errand_answers);
      if (syscall(SYS_tgkill, getpid(), thread, signal_number) == 0)
        result = await_thread(thread, answers);
    }
  }
  if (threads.fd >= 0) close(threads.fd);
  return result < 0 ? result : visited;
}

/* Does the errand in every thread, in ours last: it looks for the others in /proc. */
static int harden_threads(void) {
  static int seen[THREADS_MAX];
  int count = 1, visited;
  seen[0] = (int)syscall(SYS_gettid);
  struct sigaction before, action = {.sa_handler = on_errand, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  const int signal_number = SIGRTMIN + 1;
  if (sigaction(signal_number, &action, &before) < 0) return -errno;
  while ((visited = visit_threads(signal_number, seen, &count)) > 0) { /* others may be new */ }
  /* Who has not answered may yet come to it: then the handler must still be there. */
  if (visited == 0) sigaction(signal_number, &before, 0);
  harden_thread();
  return visited;
}

int32_t rw_landlock_version(void) {
  long version = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_VERSION);
  return version < 0 ? -errno : (int32_t)version;
}

/* A set of rules that names every right the kernel knows and grants none; -errno without. */
static int open_rules(uint32_t steps) {
  int version = rw_landlock_version();
  if (version < 0) return version;
  struct rules rules = {.files = FILE_RIGHTS_FIRST};
  if (version >= 2) rules.files |= FILE_RIGHT_REFER;
  if (version >= 3) rules.files |= FILE_RIGHT_TRUNCATE;
  if (version >= 5) rules.files |= FILE_RIGHT_IOCTL;
  if (version >= 4 && !(steps & RW_ALLOW_BIND)) rules.network = BIND_TCP;
  if (version >= 6) rules.scope = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
  int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
  return fd < 0 ? -errno : fd;
}

static int is_one_of(const struct stat *files, const struct stat *file) {
  for (int i = 0; i < 3; i++)
    if (files[i].st_dev == file->st_dev && files[i].st_ino == file->st_ino) return 1;
  return 0;
}

/*
 * Puts an empty, sealed file in the place of every file and folder that is open, but for what
 * standard input and output are: the runtime keeps its caches open, in which the code of later
 * starts is, and whoever packed this program its parts. What is mapped stays mapped. The numbers
 * stay taken, so that code which closes its file later does not close a client's connection.
 */
static int close_files(void) {
  struct stat standard[3], file;
  for (int fd = 0; fd < 3; fd++)
    if (fstat(fd, &standard[fd]) < 0) standard[fd] = (struct stat){0};
  int empty = memfd_create("closed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (empty < 0) return -errno;
  fcntl(empty, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL);
  struct numbers fds;
  int result = open_numbers(&fds, "/proc/self/fd");
  for (int fd; result >= 0 && (fd = next_number(&fds)) >= 0;) {
    if (fd < 3 || fd == fds.fd || fd == empty || fstat(fd, &file) < 0) continue;
    if (!S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode) && !S_ISBLK(file.st_mode)) continue;
    if (!is_one_of(standard, &file) && dup3(empty, fd, O_CLOEXEC) < 0) result = -errno;
  }
  if (fds.fd >= 0) close(fds.fd);
  close(empty);
  return result;
}

/*
 * Takes the steps; of the capabilities those in `kept` stay. Returns the bits of the steps that are
 * done (and RW_RING when the ring has its limits), those that failed shifted by 8, and the last
 * errno shifted by 16.
 */
int32_t rw_harden(uint32_t steps, uint32_t kept) {
  uint32_t missing = 0;
  int result;
  if (steps & RW_FILES && (result = close_files()) < 0) note(RW_FILES, -result);
  if (steps & RW_LANDLOCK && (errand_rules = open_rules(steps)) < 0) {
    missing |= RW_LANDLOCK;
    /* Not built in, switched off, or hidden by the filter of a container. */
    if (errand_rules != -ENOSYS && errand_rules != -EOPNOTSUPP && errand_rules != -EPERM)
      note(RW_LANDLOCK, -errand_rules);
  }
  errand_kept = kept;
  errand_steps = steps & ~missing & (RW_NO_NEW_PRIVS | RW_CAPABILITIES | RW_LANDLOCK);
  if (errand_steps && (result = harden_threads()) < 0) note(errand_steps, -result);
  if (errand_rules >= 0) close(errand_rules);
  if (steps & RW_SECCOMP && (result = filter_calls(steps)) < 0) {
    missing |= RW_SECCOMP;
    if (result != -ENOSYS) note(RW_SECCOMP, -result);
  }
  uint32_t failed = atomic_load(&errand_failed);
  uint32_t done = (steps & RW_STEPS & ~missing & ~failed) | (ring_is_limited() ? RW_RING : 0);
  return (int32_t)(done | failed << 8 | (uint32_t)atomic_load(&errand_error) << 16);
}
