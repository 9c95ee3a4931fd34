/*
 * See image.h. The place of the table and the length of the file stand in the launcher itself,
 * not at the end of the file, because an end is what a file lacks that was cut short: so it can
 * say how many bytes are missing.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"

/* Filled in by scripts/compile/image.ts, which finds it by its mark. */
struct image_header {
	char mark[16];
	uint64_t file_bytes;
	uint64_t table_offset;
	uint32_t part_count;
	uint32_t frame_count;
};

/* Volatile: the compiler must not count on the zeros that it sees here. */
static const volatile struct image_header header = { "RINGWAY-IMAGE-1", 0, 0, 0, 0 };

static int open_self(void)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (self >= 0)
		return self;
	if (errno == ENOENT || errno == ENOTDIR)
		fail(EXIT_SYSTEM, "ringway needs /proc: docker always has it; "
		     "chroot: mount -t proc proc /proc");
	if (errno == EACCES || errno == EPERM)
		fail(EXIT_SYSTEM, "this file must be readable for who runs it: "
		     "chmod a+r on the executable");
	fail(EXIT_SYSTEM, "cannot read /proc/self/exe: %s", strerror(errno));
}

struct image image_open(void)
{
	struct stat status;
	int self = open_self();
	if (fstat(self, &status) < 0)
		fail(EXIT_SYSTEM, "cannot read /proc/self/exe: %s", strerror(errno));
	uint64_t length = status.st_size;
	if (header.file_bytes == 0)
		fail(EXIT_DAMAGED, "this is a launcher with nothing to launch; "
		     "\"deno task compile\" makes the whole program");
	if (length < header.file_bytes)
		fail(EXIT_DAMAGED, "this file is cut short: %llu bytes are missing; "
		     "download it again", (unsigned long long)(header.file_bytes - length));
	if (length > header.file_bytes)
		fail(EXIT_DAMAGED, "this file is %llu bytes too long; download it again",
		     (unsigned long long)(length - header.file_bytes));
	/* Populated in one go: each page is going to be read once. */
	const uint8_t *bytes =
		mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, self, 0);
	if (bytes == MAP_FAILED)
		fail(EXIT_SYSTEM, "cannot map this file (%llu bytes): %s; it needs about 300 MB "
		     "of address space and memory (ulimit -v)",
		     (unsigned long long)length, strerror(errno));
	close(self);
	const uint8_t *table = bytes + header.table_offset;
	return (struct image){
		.bytes = bytes,
		.length = length,
		.parts = (const struct image_part *)table,
		.part_count = header.part_count,
		.frames = (const struct image_frame *)
			(table + header.part_count * sizeof(struct image_part)),
		.frame_count = header.frame_count,
	};
}

void image_close(struct image *image)
{
	munmap((void *)image->bytes, image->length);
	image->bytes = NULL;
}
