/** What the exit status says; service managers and scripts act on it (see sysexits.h). */
export const EXIT_OK = 0;
/** Failed while running, or at start for a reason below. */
export const EXIT_FAILURE = 1;
/** The command line makes no sense. */
export const EXIT_USAGE = 2;
/** Drained, but connections had to be cut at the deadline. */
export const EXIT_CUT = 3;
/** This machine cannot run it: no io_uring. */
export const EXIT_UNAVAILABLE = 69;
/** Not allowed to: a port below 1024. */
export const EXIT_PERMISSION = 77;
/** The configuration is wrong. */
export const EXIT_CONFIG = 78;
/** A second SIGINT or SIGTERM cut the drain short. */
export const EXIT_INTERRUPTED = 130;
export const EXIT_TERMINATED = 143;
