/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a text that is being edited, by byte offset, with YAML 1.1's line breaks: LF, CR LF, CR,
 * U+0085, U+2028, U+2029.
 */
#ifndef WARREN_LAB_EDIT_TEXT_H
#define WARREN_LAB_EDIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct text {
	const char *s; /* not NUL-terminated for certain */
	size_t len;
};

/* text_break - bytes of the line break at @at; 0: there is none. */
size_t text_break(const struct text *t, size_t at);

/* text_break_before - bytes of the line break that ends at @at; 0: @at is in the middle of a line,
 * or at the beginning of the text. */
size_t text_break_before(const struct text *t, size_t at);

/* text_line_start, text_line_end - of the line that @at is in; the end is that of its last
 * character, before the break. */
size_t text_line_start(const struct text *t, size_t at);
size_t text_line_end(const struct text *t, size_t at);

/* text_next_line - where the next line starts, or the length of the text. */
size_t text_next_line(const struct text *t, size_t at);

/* text_skip_blanks, text_skip_blanks_back - over blanks and tabs; @least: where to stop going back. */
size_t text_skip_blanks(const struct text *t, size_t at);
size_t text_skip_blanks_back(const struct text *t, size_t at, size_t least);

/* text_skip_gap - over blanks, line breaks and comments. */
size_t text_skip_gap(const struct text *t, size_t at);

/* text_is_empty - is the line at @start blank?  text_is_comment - is it nothing but a comment, the
 * mark of which is at *@ret_column? */
bool text_is_empty(const struct text *t, size_t start);
bool text_is_comment(const struct text *t, size_t start, size_t *ret_column);

/* text_eol - the line break to use at @at: that of the line before, or else the text's first. */
struct text text_eol(const struct text *t, size_t at);

/* --- changes --------------------------------------------------------------------------- */

#define SPLICES_MAX 4

/* take out @cut bytes at @at and put in @put */
struct splice {
	size_t at, cut;
	struct text put;
};

struct splices {
	struct splice v[SPLICES_MAX];
	size_t n;
};

/* splice_add - @put is borrowed.  The splices must not overlap, and come in any order. */
void splice_add(struct splices *s, size_t at, size_t cut, const char *put, size_t put_len);

/* splice_apply - the text that comes of them, NUL appended; the caller frees *@ret. */
int splice_apply(struct splices *s, const struct text *t, char **ret, size_t *ret_len,
		 struct err *e);

#endif
