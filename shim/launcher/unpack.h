/*
 * Unpacks every part of the image into a memory file of its own, with as many threads as there are
 * processors to run them.
 */
#ifndef RW_LAUNCHER_UNPACK_H
#define RW_LAUNCHER_UNPACK_H

#include "image.h"

/*
 * fds[i] becomes the memory file of part i: whole, sealed, kept over exec. Ends the process with a
 * reason when that cannot be.
 */
void unpack(const struct image *image, int fds[PARTS_MAX]);

#endif
