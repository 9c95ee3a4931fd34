/*
 * See failure.h. Threads may fail at the same time: whoever is first writes its line with one call
 * and ends the process, so that the line is whole.
 */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

_Noreturn void fail(int status, const char *format, ...)
{
	char line[1024] = "ringway: ";
	const int prefix = 9;
	va_list values;
	va_start(values, format);
	int count = vsnprintf(line + prefix, sizeof line - prefix - 1, format, values);
	va_end(values);
	int length = prefix + (count < 0 ? 0 : count);
	if (length > (int)sizeof line - 1)
		length = sizeof line - 1;
	line[length] = '\n';
	ssize_t written = write(STDERR_FILENO, line, length + 1);
	(void)written; /* Who does not listen is not told. */
	_exit(status);
}
