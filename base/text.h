/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text that somebody else has written: is it text, where are we in it, and can it be shown?
 */
#ifndef WARREN_BASE_TEXT_H
#define WARREN_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text_error {
	int line, column; /* from 1; columns are characters */
	const char *what; /* what is wrong (what to do) */
};

/*
 * text_check - UTF-8 without NUL and control characters; a byte order mark at the
 * beginning is stepped over, by moving *@text and *@len.
 * Returns 0, or -EINVAL with @ret filled in.
 */
int text_check(const char **text, size_t *len, struct text_error *ret);

/*
 * text_decode - one character of UTF-8 at @s, @left bytes before the end; its number in *@ret.
 * Returns its length, 1 to 4; 0: it is none (RFC 3629: shortest form, no surrogates, nothing above
 * U+10FFFF).
 */
size_t text_decode(const char *s, size_t left, uint32_t *ret);

/* text_position - line and column (in characters), from 1, of the byte at @offset. */
void text_position(const char *text, size_t offset, int *ret_line, int *ret_column);

/* text_columns - how many characters @len bytes of UTF-8 are. */
size_t text_columns(const char *text, size_t len);

struct shown {
	char s[48];
};

/* show - @text for a message: cut, and without characters that a terminal obeys. */
struct shown show(const char *text);

#endif
