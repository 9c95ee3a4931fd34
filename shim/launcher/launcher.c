/*
 * The part of the executable that the kernel starts: a static program that unpacks the others and
 * becomes them, with its arguments as they are.
 *
 * Why: the runtime is linked dynamically against glibc, which not every system has, and of which
 * an empty container has nothing. So the executable brings the dynamic loader and the libraries,
 * and starts the runtime by them; no file of the system is needed, nor one written. What is where
 * stands in RINGWAY_PARTS, which ffi/parts.ts reads: from it the supervisor makes the command
 * line of its workers, which therefore unpack nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "failure.h"
#include "image.h"
#include "unpack.h"

#define PATH_BYTES 32
#define FIXED_ARGUMENTS 24

/* "/proc/self/fd/" and up to ten digits, and a colon where a list follows. */
static void append_path(char *text, int fd)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "%s/proc/self/fd/%d", *text == 0 ? "" : ":", fd);
	strcat(text, path);
}

static int find_part(const struct image *image, const int fds[], const char *name)
{
	for (uint32_t i = 0; i < image->part_count; i++)
		if (strcmp(image->parts[i].name, name) == 0)
			return fds[i];
	return -1;
}

/* RINGWAY_PARTS: "name=fd", one word for each part, and "preload=fd:fd" for the libraries. */
static void describe_parts(const struct image *image, const int fds[], char *text)
{
	char preload[PARTS_MAX * 12] = "";
	char word[PART_NAME_BYTES + 16];
	strcpy(text, "RINGWAY_PARTS=");
	for (uint32_t i = 0; i < image->part_count; i++) {
		if (image->parts[i].flags & PART_PRELOAD) {
			snprintf(word, sizeof word, "%s%d", *preload == 0 ? "" : ":", fds[i]);
			strcat(preload, word);
		} else {
			snprintf(word, sizeof word, "%s=%d ", image->parts[i].name, fds[i]);
			strcat(text, word);
		}
	}
	strcat(strcat(text, "preload="), preload);
}

/* The same as selfCommand() in ffi/parts.ts, but for the arguments of this start. */
static char **make_arguments(const struct image *image, const int fds[], int argc, char *argv[])
{
	static char preload[PARTS_MAX * PATH_BYTES], runtime[PATH_BYTES], start[PATH_BYTES];
	for (uint32_t i = 0; i < image->part_count; i++)
		if (image->parts[i].flags & PART_PRELOAD)
			append_path(preload, fds[i]);
	append_path(runtime, find_part(image, fds, "deno"));
	int start_fd = find_part(image, fds, "app.js");
	char *const loader[] = { "ringway",   "--inhibit-cache", "--argv0", "ringway",
				 "--preload", preload,           runtime };
	char *const options[] = { "run", "-A", "--quiet", "--no-config", "--no-lock", "--no-remote",
				  "--no-npm", "--ext=js", start };
	char **list = calloc(FIXED_ARGUMENTS + argc, sizeof *list);
	if (list == NULL)
		fail(EXIT_SYSTEM, "out of memory");
	size_t length = sizeof loader / sizeof *loader;
	memcpy(list, loader, sizeof loader);
	/* A program made by `deno compile` brings its own start, and takes no options. */
	if (start_fd >= 0) {
		append_path(start, start_fd);
		memcpy(list + length, options, sizeof options);
		length += sizeof options / sizeof *options;
	}
	for (int i = 1; i < argc; i++)
		list[length++] = argv[i];
	return list;
}

/*
 * The kernel drops a signal for process 1 of a container that has no handler for it, and so a stop
 * that comes while the runtime starts. One that is blocked waits until the program hears it
 * (rw_signals_unblock). Anybody else is ended by it at once, as should be.
 */
static void keep_signals(void)
{
	if (getpid() != 1)
		return;
	sigset_t kept;
	sigemptyset(&kept);
	sigaddset(&kept, SIGTERM);
	sigaddset(&kept, SIGINT);
	sigaddset(&kept, SIGQUIT);
	sigprocmask(SIG_BLOCK, &kept, NULL);
}

int main(int argc, char *argv[], char *environment[])
{
	static char parts[PARTS_MAX * (PART_NAME_BYTES + 16) * 2];
	static char loader[PATH_BYTES];
	int fds[PARTS_MAX];
	keep_signals();
	struct image image = image_open();
	unpack(&image, fds);
	describe_parts(&image, fds, parts);
	append_path(loader, find_part(&image, fds, "ld.so"));
	char **arguments = make_arguments(&image, fds, argc, argv);
	char **variables = make_environment(environment, parts);
	image_close(&image);
	execve(loader, arguments, variables);
	if (errno == EACCES || errno == EPERM)
		fail(EXIT_SYSTEM, "this system forbids executing memory files (memfd): \"sysctl "
		     "vm.memfd_noexec\" must be 0 or 1, and no security module may deny it");
	if (errno == ENOENT)
		fail(EXIT_SYSTEM, "/proc is not what it should be: mount -t proc proc /proc");
	if (errno == E2BIG)
		fail(EXIT_SYSTEM, "arguments and environment are too long");
	fail(EXIT_SYSTEM, "cannot start the program: %s", strerror(errno));
}
