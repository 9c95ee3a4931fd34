/*
 * See unpack.h.
 *
 * Memory files (memfd_create) and not files: they need no folder that is writable or allows
 * execution, leave nothing behind, and are shared by all processes of the program: the supervisor
 * hands them on to its workers, so that code is unpacked once and in memory once. Sealed, nobody
 * can change them any more, not even we.
 *
 * The big parts are cut into frames that do not depend on each other. Threads take the next one
 * that is left; each frame carries a checksum, which the decoder compares. A thread decodes into
 * one buffer of its own and writes that: a buffer that stays in the processor's cache. Decoding
 * into the mapped memory file instead costs almost three times as much.
 */
#define _GNU_SOURCE
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "failure.h"

/* linux/memfd.h, since 6.3 */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* More gain nothing: memory is the limit then. */
#define THREADS_MAX 6
#define STACK_BYTES (256 * 1024)
#define HUGE_PAGE_BYTES (2u << 20)
#define OUT_OF_MEMORY "there is not enough memory to unpack this program: it takes about 110 MB, " \
	"and 60 MB more for each process; raise the memory limit"

struct work {
	const struct image *image;
	const int *fds;
	atomic_uint next_frame;
};

static int create_file(const struct image_part *part)
{
	char name[PART_NAME_BYTES + 16];
	snprintf(name, sizeof name, "ringway:%s", part->name);
	unsigned kind = part->flags & PART_EXECUTABLE ? MFD_EXEC : MFD_NOEXEC_SEAL;
	int fd = memfd_create(name, MFD_ALLOW_SEALING | kind);
	/* A kernel that does not know the flag executes what it is given. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_ALLOW_SEALING);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		fail(EXIT_SYSTEM, "this system forbids programs in memory files (memfd): set "
		     "\"sysctl vm.memfd_noexec=1\" or lower, or let the seccomp profile allow "
		     "memfd_create");
	if (fd < 0 && errno == ENOSYS)
		fail(EXIT_SYSTEM, "this system has no memory files (memfd_create): Linux 3.17 or "
		     "newer has them, unless a seccomp profile takes them away");
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		fail(EXIT_SYSTEM, "too few files may be open: raise the limit (ulimit -n 1024)");
	if (fd < 0)
		fail(EXIT_SYSTEM, "cannot create a memory file: %s", strerror(errno));
	if (fd > STDERR_FILENO)
		return fd;
	/* Started with a standard stream closed: its number must not become a part. */
	int above = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
	if (above < 0)
		fail(EXIT_SYSTEM, "cannot number a memory file: %s", strerror(errno));
	close(fd);
	return above;
}

/* Writes all of it, or says why that cannot be. */
static void write_all(int fd, const uint8_t *bytes, size_t count, off_t offset)
{
	while (count > 0) {
		ssize_t written = pwrite(fd, bytes, count, offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EFBIG)
			fail(EXIT_SYSTEM, "the limit on the size of files is too low for this "
			     "program: raise it (ulimit -f unlimited)");
		if (written < 0 && (errno == ENOMEM || errno == ENOSPC))
			fail(EXIT_SYSTEM, OUT_OF_MEMORY);
		if (written <= 0)
			fail(EXIT_SYSTEM, "cannot fill a memory file: %s", strerror(errno));
		bytes += written;
		count -= written;
		offset += written;
	}
}

/*
 * On huge pages where the kernel gives some: a decoder jumps back into what it has written, and
 * small pages would cost it a look into the page tables each time. Never freed: the process that
 * these threads belong to is about to become another program.
 */
static uint8_t *allocate_buffer(void)
{
	size_t bytes = FRAME_BYTES_MAX + HUGE_PAGE_BYTES;
	uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail(EXIT_SYSTEM, OUT_OF_MEMORY);
	uintptr_t start = (uintptr_t)memory;
	uint8_t *buffer = memory + (HUGE_PAGE_BYTES - start % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
	madvise(buffer, FRAME_BYTES_MAX, MADV_HUGEPAGE);
	return buffer;
}

/* Parts are few and their frames stand in order, so looking through all of them is nothing. */
static uint32_t part_of(const struct image *image, uint32_t frame)
{
	uint32_t part = 0;
	while (frame - image->parts[part].frame_first >= image->parts[part].frame_count)
		part++;
	return part;
}

static void *unpack_frames(void *argument)
{
	struct work *work = argument;
	const struct image *image = work->image;
	ZSTD_DCtx *context = ZSTD_createDCtx();
	if (context == NULL)
		fail(EXIT_SYSTEM, OUT_OF_MEMORY);
	uint8_t *buffer = allocate_buffer();
	for (;;) {
		uint32_t index = atomic_fetch_add(&work->next_frame, 1);
		if (index >= image->frame_count)
			break;
		uint32_t part = part_of(image, index);
		const struct image_frame *frame = &image->frames[index];
		size_t count = ZSTD_decompressDCtx(context, buffer, FRAME_BYTES_MAX,
						   image->bytes + frame->offset,
						   frame->stored_bytes);
		if (ZSTD_isError(count) || count != frame->bytes)
			fail(EXIT_DAMAGED, "this file is damaged (%s): download it again",
			     image->parts[part].name);
		/* All frames of a part are full but the last. */
		off_t offset = (off_t)(index - image->parts[part].frame_first) * FRAME_BYTES_MAX;
		write_all(work->fds[part], buffer, count, offset);
	}
	ZSTD_freeDCtx(context);
	return NULL;
}

static int processor_count(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : CPU_COUNT(&set);
}

static void run_threads(struct work *work)
{
	pthread_t threads[THREADS_MAX];
	int processors = processor_count();
	int wanted = (processors > THREADS_MAX ? THREADS_MAX : processors) - 1;
	int started = 0;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* Where no thread may be started (a limit on processes), this one does it all. */
	while (started < wanted &&
	       pthread_create(&threads[started], &attributes, unpack_frames, work) == 0)
		started++;
	unpack_frames(work);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

void unpack(const struct image *image, int fds[PARTS_MAX])
{
	struct work work = { .image = image, .fds = fds };
	/* A limit on file sizes shall be an error that we can explain. */
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	for (uint32_t i = 0; i < image->part_count; i++)
		fds[i] = create_file(&image->parts[i]);
	run_threads(&work);
	signal(SIGXFSZ, before);
	for (uint32_t i = 0; i < image->part_count; i++)
		/* Not vital: who could write them are we alone. */
		fcntl(fds[i], F_ADD_SEALS,
		      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}
