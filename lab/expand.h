/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges and arithmetic in braces.
 *
 *	t{0001..1000}	in a name: a thousand names, t0001 to t1000
 *	{n}		in a value below it: the number, 1 to 1000
 *	{n:04}		the number in four digits at least
 *	{50000+n}	integer arithmetic: + - * / % ( ), 64 bits
 *	{{ and }}	a brace that means itself
 */
#ifndef WARREN_LAB_EXPAND_H
#define WARREN_LAB_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define EXPAND_RANGE_MAX 100000 /* entries of one range */

/* the range that a value stands in */
struct scope {
	bool set;  /* false: in none */
	int64_t n; /* its number */
	int width; /* digits that the range was written with; 0: as many as it takes */
};

struct range {
	bool present;
	int64_t first, last;
	int64_t now;       /* the number that expand_text() puts there */
	int width;         /* as in struct scope */
	size_t start, end; /* bytes of "{A..B}" in the text */
};

enum expand_mode {
	EXPAND_VALUE,   /* {n} is a plain number */
	EXPAND_NAME,    /* {n} keeps the width of its range */
	EXPAND_COMMAND, /* only braces around arithmetic with n count; {{n}} means {n} */
};

#define EXPAND_ERROR_MAX 160

/*
 * expand_range - is there a range in @text?  It need not be the only thing in braces.
 * Returns 0, or -EINVAL with what is wrong in @error.
 */
int expand_range(const char *text, struct range *ret, char error[static EXPAND_ERROR_MAX]);

/*
 * expand_text - @text with what is in braces worked out.  @range: the range in it, which becomes
 * its number now; NULL: none.  {n} beside a range is that of @scope, the one around it.  *@ret is @text itself where it has no braces, or new in
 * @arena.  Returns 0; -EINVAL with what is wrong in @error; -ENOMEM.
 */
int expand_text(const char *text, const struct scope *scope, const struct range *range,
		enum expand_mode mode, struct arena *arena, const char **ret,
		char error[static EXPAND_ERROR_MAX]);

/* expand_is_expression - would EXPAND_COMMAND work out the braces that @text begins with? */
bool expand_is_expression(const char *text);

#endif
