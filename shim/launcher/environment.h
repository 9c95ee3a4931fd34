/*
 * The environment of the program: the user's, without what would tell the runtime or the dynamic
 * loader something, and with what they must be told.
 */
#ifndef RW_LAUNCHER_ENVIRONMENT_H
#define RW_LAUNCHER_ENVIRONMENT_H

/* `parts` is an assignment: RINGWAY_PARTS=... Returns a list for execve. */
char **make_environment(char *const current[], char *parts);

#endif
