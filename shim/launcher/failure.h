/*
 * The end of a start that cannot succeed: one line that says what is wrong and what to do, as the
 * rest of the program does it, and an exit status of sysexits.h. Nothing here returns.
 */
#ifndef RW_LAUNCHER_FAILURE_H
#define RW_LAUNCHER_FAILURE_H

/* This file is not what was published (EX_SOFTWARE). */
#define EXIT_DAMAGED 70
/* The system does not let us (EX_OSERR). */
#define EXIT_SYSTEM 71

/* Writes "ringway: ", the text and a newline to standard error; ends the process. */
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
