/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a text was and what it has become, for people and for patch(1).
 */
#ifndef WARREN_CMD_TEXT_DIFF_H
#define WARREN_CMD_TEXT_DIFF_H

#include <stddef.h>
#include <stdio.h>

/* a text, and what is shown of it: of the same length, with the same line breaks */
struct diff_text {
	const char *text, *shown;
	size_t len;
};

/* the lines between the first and the last that differ */
struct text_diff {
	size_t line;            /* the first, from 1 */
	size_t was, is;         /* how many there were, and are */
	size_t start;           /* byte that the first begins with, in both */
	size_t was_end, is_end; /* byte behind the last */
};

struct text_diff text_diff(const struct diff_text *was, const struct diff_text *is);

/* text_diff_line - which line @line of the new text was in the old one; one that is new is itself. */
int text_diff_line(const struct text_diff *d, int line);

/* text_diff_print - a unified diff, in colour where that is wanted; nothing where nothing differs. */
void text_diff_print(const char *name, const struct diff_text *was, const struct diff_text *is,
		     FILE *out);

#endif
