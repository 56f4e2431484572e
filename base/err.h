/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors.
 *
 * A function that can fail returns 0 or -errno and takes a `struct err *` as
 * its last argument.  The one that fails says why with err_set(); each level
 * above says which object it was dealing with, with err_wrap(), so that the
 * message reads from the outside in:
 *
 *	tenant c17: interface wg-c17: create: Operation not supported
 *
 * Only cmd/ prints errors.  An err is plain memory: nothing is allocated and
 * nothing has to be freed, so errors can be reported when memory is short.
 */
#ifndef WARREN_BASE_ERR_H
#define WARREN_BASE_ERR_H

#include <stdbool.h>

/* What the caller of the program can do about it; cmd/ maps it to an exit status. */
enum err_kind {
	ERR_FAILED,  /* the system refused while it was being changed	(status 4) */
	ERR_INVALID, /* the input is wrong: usage or topology file	(status 2) */
	ERR_CANNOT,  /* this machine can't: privilege, kernel, program	(status 3) */
	ERR_NO,      /* nothing broke; the answer is no			(status 1) */
};

struct err {
	int code;           /* errno value, positive; 0 while nothing failed */
	enum err_kind kind; /* ERR_FAILED unless said otherwise */
	char msg[1024];     /* what failed: why; no trailing newline */
	char hint[256];     /* what to do about it, or "" */
};

#define ERR_INIT          \
	{                 \
		.code = 0 \
	}

/*
 * err_set - say why something failed.  Replaces whatever @e held.
 * @code: errno value, positive.  Returns -@code.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_errno - like err_set() with errno, its text appended: "FMT: No such file or directory". */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_code - like err_errno() for a given errno value @code (positive). Returns -@code. */
int err_code(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_wrap - put "FMT: " before the message.  Returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_hint - say what the user can do.  Keeps the first hint, the nearest to the cause. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* err_kind_set - say what kind of failure it is.  Returns -e->code. */
int err_kind_set(struct err *e, enum err_kind kind);

#endif
