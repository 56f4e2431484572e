/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership helpers: what a scope owns is released when the scope is left,
 * unless it is handed over with a steal_ function.
 */
#ifndef WARREN_BASE_CLEANUP_H
#define WARREN_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_   __attribute__((cleanup(cleanup_freep)))
#define _cleanup_close_  __attribute__((cleanup(cleanup_closep)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclosep)))

/* steal_fd - hand over a file descriptor: the variable no longer owns it. */
static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* steal_ptr - hand over a pointer: the variable no longer owns it. */
#define steal_ptr(p)                            \
	__extension__({                         \
		__typeof__(p) steal_tmp_ = (p); \
		(p) = NULL;                     \
		steal_tmp_;                     \
	})

#endif
