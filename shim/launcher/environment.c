/*
 * See environment.h. That a runtime is inside is our affair alone: a variable that was set for
 * another program of the same machine must neither break this one nor take it over.
 */
#include "environment.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

/* Beginnings of names. OTEL_DENO would have the runtime send telemetry, RUST_LOG have it talk. */
static const char *const REMOVED[] = {
	"LD_",      "GLIBC_TUNABLES=", "MALLOC_", "MIMALLOC_",   "GCONV_PATH=", "LOCPATH=",
	"DENO_",    "NODE_",           "OTEL_",   "NPM_CONFIG_", "npm_config_", "RUST_",
	"RINGWAY_PARTS=",
};

static char *const ADDED[] = {
	/* A place where nobody can create anything: the runtime's caches stay in memory. */
	"DENO_DIR=/proc/self/nothing",
	"DENO_NO_UPDATE_CHECK=1",
	"DENO_NO_PROMPT=1",
	/* The heap's size follows the container's memory, not the machine's. */
	"DENO_USE_CGROUPS=1",
};

static int is_removed(const char *assignment)
{
	for (size_t i = 0; i < sizeof REMOVED / sizeof *REMOVED; i++)
		if (strncmp(assignment, REMOVED[i], strlen(REMOVED[i])) == 0)
			return 1;
	return 0;
}

char **make_environment(char *const current[], char *parts)
{
	const size_t added = sizeof ADDED / sizeof *ADDED;
	size_t count = 0;
	while (current[count] != NULL)
		count++;
	char **list = calloc(count + added + 2, sizeof *list);
	if (list == NULL)
		fail(EXIT_SYSTEM, "out of memory");
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		if (!is_removed(current[i]))
			list[length++] = current[i];
	memcpy(list + length, ADDED, sizeof ADDED);
	list[length + added] = parts;
	return list;
}
