/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a file that somebody has written: all of it, each with its place.
 */
#ifndef WARREN_BASE_DIAG_H
#define WARREN_BASE_DIAG_H

#include <stddef.h>

#include "base/arena.h"

#define DIAGS_MAX 10000 /* more are counted only */

struct diag {
	const char *file; /* of several: its path; NULL: the one file */
	unsigned int nth; /* of the files, from 0 */
	int line, column; /* from 1 */
	const char *text; /* what is wrong (what to do) */
};

/* all that is wrong, in the order of the files and in that of each */
struct diags {
	struct arena *arena; /* owned; NULL: nothing can be added */
	struct diag *v;
	size_t n;
	size_t dropped; /* beyond the first DIAGS_MAX */
};

/*
 * diags_add - one more: @at, with a text of its own, printf-like; without memory it is lost.
 * at.file is borrowed.
 */
void diags_add(struct diags *d, struct diag at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* diags_sort - in the order of the file; what is said of one place in the order of its words. */
void diags_sort(struct diags *d);

/* diags_free - frees what @d holds, and empties it.  NULL is allowed. */
void diags_free(struct diags *d);

#endif
