/*
 * The executable as a container: behind the launcher's own code stand frames of zstd, and behind
 * them the table that says which frames make which part. scripts/compile/image.ts writes this.
 *
 * All numbers are little endian, as the two processors are that the program is built for.
 */
#ifndef RW_LAUNCHER_IMAGE_H
#define RW_LAUNCHER_IMAGE_H

#include <stdint.h>

#define PART_NAME_BYTES 32
#define PARTS_MAX 32
/* Unpacked. Every frame of a part has this size, but the last, which may be shorter. */
#define FRAME_BYTES_MAX (2u << 20)

/* What a part is for, beyond its name. */
#define PART_EXECUTABLE 1u /* holds machine code */
#define PART_PRELOAD 2u    /* a library that the dynamic loader gets first */

struct image_frame {
	uint64_t offset; /* in the file */
	uint32_t stored_bytes;
	uint32_t bytes;
};

struct image_part {
	char name[PART_NAME_BYTES]; /* ends with a zero */
	uint64_t bytes;
	uint32_t frame_first;
	uint32_t frame_count;
	uint32_t flags;
	uint32_t reserved;
};

_Static_assert(sizeof(struct image_frame) == 16, "image.ts writes 16 bytes");
_Static_assert(sizeof(struct image_part) == 56, "image.ts writes 56 bytes");

struct image {
	const uint8_t *bytes; /* the whole file, mapped */
	uint64_t length;
	const struct image_part *parts;
	uint32_t part_count;
	const struct image_frame *frames;
	uint32_t frame_count;
};

/* Maps this executable. Ends the process with a reason when that cannot be or it is not whole. */
struct image image_open(void);
/* Unmaps it: who is executed next must not find it, and does not. */
void image_close(struct image *image);

#endif
