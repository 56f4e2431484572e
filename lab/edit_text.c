/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct text *t, size_t at, const char *what)
{
	size_t n = strlen(what);

	return at <= t->len && t->len - at >= n && memcmp(t->s + at, what, n) == 0;
}

/* CR LF stands before CR */
static const char *const breaks[] = {"\r\n",     "\n",           "\r",
				     "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

size_t text_break(const struct text *t, size_t at)
{
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
		if (has(t, at, breaks[i]))
			return strlen(breaks[i]);
	return 0;
}

size_t text_break_before(const struct text *t, size_t at)
{
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++)
		if (at >= strlen(breaks[i]) && has(t, at - strlen(breaks[i]), breaks[i]))
			return strlen(breaks[i]);
	return 0;
}

size_t text_line_start(const struct text *t, size_t at)
{
	while (at > 0 && !text_break_before(t, at))
		at--;
	return at;
}

size_t text_line_end(const struct text *t, size_t at)
{
	while (at < t->len && !text_break(t, at))
		at++;
	return at;
}

size_t text_next_line(const struct text *t, size_t at)
{
	at = text_line_end(t, at);
	return at + text_break(t, at);
}

static bool is_blank(const struct text *t, size_t at)
{
	return t->s[at] == ' ' || t->s[at] == '\t';
}

size_t text_skip_blanks(const struct text *t, size_t at)
{
	while (at < t->len && is_blank(t, at))
		at++;
	return at;
}

size_t text_skip_blanks_back(const struct text *t, size_t at, size_t least)
{
	while (at > least && is_blank(t, at - 1))
		at--;
	return at;
}

size_t text_skip_gap(const struct text *t, size_t at)
{
	for (;;) {
		at = text_skip_blanks(t, at);
		if (at < t->len && t->s[at] == '#')
			at = text_line_end(t, at);
		if (at == t->len || !text_break(t, at))
			return at;
		at += text_break(t, at);
	}
}

bool text_is_empty(const struct text *t, size_t start)
{
	return text_skip_blanks(t, start) == text_line_end(t, start);
}

bool text_is_comment(const struct text *t, size_t start, size_t *ret_column)
{
	size_t at = text_skip_blanks(t, start);

	*ret_column = at - start;
	return at < t->len && t->s[at] == '#';
}

struct text text_eol(const struct text *t, size_t at)
{
	size_t start = text_line_start(t, at), n = text_break_before(t, start);

	if (n)
		return (struct text){t->s + start - n, n};
	start = text_line_end(t, 0);
	n = text_break(t, start);
	return n ? (struct text){t->s + start, n} : (struct text){"\n", 1};
}

/* --- changes --------------------------------------------------------------------------- */

void splice_add(struct splices *s, size_t at, size_t cut, const char *put, size_t put_len)
{
	assert(s->n < SPLICES_MAX);
	s->v[s->n++] = (struct splice){at, cut, {put, put_len}};
}

/* those of one place stay as they were added: few, so that insertion will do */
static void sort(struct splices *s)
{
	for (size_t i = 1; i < s->n; i++) {
		for (size_t k = i; k > 0 && s->v[k].at < s->v[k - 1].at; k--) {
			struct splice other = s->v[k];

			s->v[k] = s->v[k - 1];
			s->v[k - 1] = other;
		}
	}
}

static size_t copy(char *out, size_t at, const char *s, size_t n)
{
	if (n)
		memcpy(out + at, s, n);
	return at + n;
}

int splice_apply(struct splices *s, const struct text *t, char **ret, size_t *ret_len,
		 struct err *e)
{
	size_t size = t->len + 1, from = 0, n = 0;
	char *out;

	sort(s);
	for (size_t i = 0; i < s->n; i++)
		size += s->v[i].put.len;
	out = malloc(size);
	if (!out)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < s->n; i++) {
		const struct splice *p = &s->v[i];

		assert(p->at >= from && p->at + p->cut <= t->len);
		n = copy(out, n, t->s + from, p->at - from);
		n = copy(out, n, p->put.s, p->put.len);
		from = p->at + p->cut;
	}
	n = copy(out, n, t->s + from, t->len - from);
	out[n] = '\0';
	*ret = out;
	*ret_len = n;
	return 0;
}
