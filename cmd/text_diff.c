/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/text_diff.h"

#include <stdbool.h>
#include <string.h>

#include "cmd/out.h"

#define CONTEXT 3 /* lines */

static bool begins_line(const struct diff_text *t, size_t at)
{
	return at == 0 || t->text[at - 1] == '\n';
}

static size_t line_end(const struct diff_text *t, size_t at)
{
	const char *end = memchr(t->text + at, '\n', t->len - at);

	return end ? (size_t)(end - t->text) + 1 : t->len;
}

static size_t count_lines(const struct diff_text *t, size_t from, size_t to)
{
	size_t n = 0;

	for (; from < to; n++)
		from = line_end(t, from);
	return n;
}

struct text_diff text_diff(const struct diff_text *was, const struct diff_text *is)
{
	struct text_diff d = {.was_end = was->len, .is_end = is->len};

	while (d.start < was->len && d.start < is->len && was->text[d.start] == is->text[d.start])
		d.start++;
	while (!begins_line(was, d.start))
		d.start--;
	while (d.was_end > d.start && d.is_end > d.start &&
	       was->text[d.was_end - 1] == is->text[d.is_end - 1]) {
		d.was_end--;
		d.is_end--;
	}
	/* what follows is the same in both, and is taken from the beginning of a line */
	while (d.was_end < was->len &&
	       !(begins_line(was, d.was_end) && begins_line(is, d.is_end))) {
		d.was_end++;
		d.is_end++;
	}
	d.line = count_lines(was, 0, d.start) + 1;
	d.was = count_lines(was, d.start, d.was_end);
	d.is = count_lines(is, d.start, d.is_end);
	return d;
}

int text_diff_line(const struct text_diff *d, int line)
{
	if (line < 1 || (size_t)line < d->line + d->is)
		return line;
	return (int)((size_t)line - d->is + d->was);
}

static void print_lines(const struct diff_text *t, size_t from, size_t to, char sign,
			enum colour colour, FILE *out)
{
	while (from < to) {
		size_t end = line_end(t, from);
		bool whole = t->text[end - 1] == '\n';

		fprintf(out, "%s%c", out_colour(colour), sign);
		fwrite(t->shown + from, 1, end - from - whole, out);
		fprintf(out, "%s\n%s", colour ? out_plain() : "",
			whole ? "" : "\\ No newline at end of file\n");
		from = end;
	}
}

/* "L,N": a hunk without lines is said to be behind the line before it */
static void print_range(char sign, size_t line, size_t n, FILE *out)
{
	fprintf(out, "%c%zu,%zu ", sign, n ? line : line - 1, n);
}

void text_diff_print(const char *name, const struct diff_text *was, const struct diff_text *is,
		     FILE *out)
{
	struct text_diff d = text_diff(was, is);
	size_t from = d.start, to = d.was_end, before = 0, after = 0;

	if (!d.was && !d.is)
		return;
	for (; before < CONTEXT && from > 0; before++)
		for (from--; !begins_line(was, from);)
			from--;
	for (; after < CONTEXT && to < was->len; after++)
		to = line_end(was, to);
	fprintf(out, "%s--- %s%s\n%s+++ %s%s\n", out_colour(COLOUR_HEAD), name, out_plain(),
		out_colour(COLOUR_HEAD), name, out_plain());
	fputs("@@ ", out);
	print_range('-', d.line - before, d.was + before + after, out);
	print_range('+', d.line - before, d.is + before + after, out);
	fputs("@@\n", out);
	print_lines(was, from, d.start, ' ', COLOUR_NONE, out);
	print_lines(was, d.start, d.was_end, '-', COLOUR_BAD, out);
	print_lines(is, d.start, d.is_end, '+', COLOUR_GOOD, out);
	print_lines(was, d.was_end, to, ' ', COLOUR_NONE, out);
}
