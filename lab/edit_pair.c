/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* --- places ---------------------------------------------------------------------------- */

static size_t column_of(const struct text *t, const struct mark *key)
{
	return key->start - text_line_start(t, key->start);
}

/* nothing but blanks before it on its line */
static bool begins_line(const struct text *t, const struct mark *key)
{
	size_t start = text_line_start(t, key->start);

	return text_skip_blanks(t, start) == key->start;
}

/* nothing but blanks and a comment from @at to the end of the line */
static bool rest_is_free(const struct text *t, size_t at)
{
	at = text_skip_blanks(t, at);
	return at == t->len || text_break(t, at) || t->s[at] == '#';
}

/* nothing but blanks and line breaks */
static bool is_free(const struct text *t, size_t from, size_t to)
{
	while (from < to) {
		size_t n = text_break(t, from);

		if (!n && text_skip_blanks(t, from) == from)
			return false;
		from += n ? n : 1;
	}
	return true;
}

static bool is_char(const struct text *t, size_t at, char c)
{
	return at < t->len && t->s[at] == c;
}

/* the line behind a value; a block scalar that keeps its empty lines ends on none */
static bool line_behind(const struct text *t, size_t end, size_t *ret)
{
	if (!rest_is_free(t, end) && !text_break_before(t, end))
		return false;
	*ret = text_break_before(t, end) ? end : text_next_line(t, end);
	return true;
}

/* over the comments from the line at @at on that are indented more than @column, and what is empty
 * between them */
static size_t body_end(const struct text *t, size_t at, size_t column)
{
	size_t end = at;

	for (size_t line = at; line < t->len; line = text_next_line(t, line)) {
		size_t mark;

		if (text_is_empty(t, line))
			continue;
		if (!text_is_comment(t, line, &mark) || mark <= column)
			break;
		end = text_next_line(t, line);
	}
	return end;
}

/* over the comments in the lines directly before @at that are indented like it; none begins before
 * @least */
static size_t comments_start(const struct text *t, size_t at, size_t column, size_t least)
{
	size_t n, mark;

	while ((n = text_break_before(t, at)) > 0) {
		size_t line = text_line_start(t, at - n);

		if (line < least || !text_is_comment(t, line, &mark) || mark != column)
			break;
		at = line;
	}
	return at;
}

/* behind the colon of @key, and the anchor and tag of its value; false: there is no colon */
static bool value_place(const struct text *t, const struct mark *key, size_t *ret)
{
	const struct mark *v = key->next;
	size_t at = text_skip_blanks(t, key->end);

	if (!is_char(t, at, ':'))
		return false;
	*ret = at + 1;
	for (at = v->start; at < v->content && strchr("&!", t->s[at]); at = text_skip_gap(t, at)) {
		while (at < v->content && !strchr(" \t", t->s[at]) && !text_break(t, at))
			at++;
		*ret = at;
	}
	return true;
}

/* --- append, in lines ------------------------------------------------------------------- */

static char *entry_text(const struct entry *entry, const struct style *style, const char *before,
			size_t n_before, const char *after, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return NULL;
	fwrite(before, 1, n_before, out);
	entry->print(out, style, entry->arg);
	fputs(after, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* put the entry's lines behind those of what ends at @end */
static int append_lines(const struct text *t, size_t end, const struct entry *entry,
			struct style *style, struct splices *s, char **put, struct err *e)
{
	bool broken_off;
	size_t at, len;

	if (!line_behind(t, end, &at))
		return -EOPNOTSUPP;
	at = body_end(t, at, style->column);
	style->eol = text_eol(t, at);
	broken_off = at == t->len && !text_break_before(t, at);
	*put = entry_text(entry, style, style->eol.s, broken_off ? style->eol.len : 0, "", &len);
	if (!*put)
		return err_set(e, ENOMEM, "out of memory");
	/* a last line without a break stays one */
	splice_add(s, at, 0, *put, len - (broken_off ? style->eol.len : 0));
	return 0;
}

/* by how much values stand further right than their keys, after the last entry that shows it */
static size_t step_of(const struct text *t, const struct mark *map, size_t otherwise)
{
	for (const struct mark *k = map->child; k; k = k->next->next) {
		const struct mark *v = k->next;

		if (v->kind == MARK_MAP && !v->flow && v->child && begins_line(t, v->child) &&
		    begins_line(t, k) && column_of(t, v->child) > column_of(t, k))
			otherwise = column_of(t, v->child) - column_of(t, k);
	}
	return otherwise;
}

static int append_block(const struct text *t, const struct mark *key, const struct entry *entry,
			struct splices *s, char **put, struct err *e)
{
	const struct mark *map = key->next, *last = mark_last_key(map);
	struct style style = {.column = column_of(t, last)};
	size_t step = column_of(t, key) < style.column ? style.column - column_of(t, key) : 2;

	if (!begins_line(t, last))
		return -EOPNOTSUPP;
	style.step = step_of(t, map, step);
	return append_lines(t, last->next->end, entry, &style, s, put, e);
}

/* `{}` or nothing becomes lines */
static int append_first(const struct text *t, const struct mark *above, const struct mark *key,
			const struct entry *entry, struct splices *s, char **put, struct err *e)
{
	const struct mark *value = key->next;
	size_t from = text_skip_blanks_back(t, value->content, key->end), step = 2;
	struct style style = {.flow = false};

	if (!begins_line(t, key) || !begins_line(t, above))
		return -EOPNOTSUPP;
	/* in a file of tenants both are at the very left */
	if (column_of(t, key) > column_of(t, above))
		step = column_of(t, key) - column_of(t, above);
	style.column = column_of(t, key) + step;
	style.step = step;
	if (value->end > value->content)
		splice_add(s, from, value->end - from, "", 0);
	return append_lines(t, value->end, entry, &style, s, put, e);
}

/* --- append, in braces -------------------------------------------------------------------- */

/* keys in double quotes: JSON, or meant to look like it */
static bool is_quoted(const struct text *t, const struct mark *key)
{
	return is_char(t, key->content, '"');
}

/* between two words on one line, as @like is written, a key */
static int append_inline(const struct text *t, const struct mark *like, size_t at, size_t cut,
			 const char *before, const char *after, const struct entry *entry,
			 struct splices *s, char **put, struct err *e)
{
	const struct style style = {.flow = true, .quoted = is_quoted(t, like)};
	size_t len;

	*put = entry_text(entry, &style, before, strlen(before), after, &len);
	if (!*put)
		return err_set(e, ENOMEM, "out of memory");
	splice_add(s, at, cut, *put, len);
	return 0;
}

/* on a line of its own, indented as the last one is */
static int append_own_line(const struct text *t, size_t at, const struct mark *last, bool comma,
			   const struct entry *entry, struct splices *s, char *put[static 2],
			   struct err *e)
{
	const struct style style = {.flow = true, .quoted = is_quoted(t, last)};
	size_t start = text_line_start(t, last->start), len;
	size_t n = text_break(t, at); /* the line that is split ends on both sides as it did */
	struct text eol = n ? (struct text){t->s + at, n} : text_eol(t, last->start);

	if (asprintf(&put[1], "%.*s%.*s", (int)eol.len, eol.s, (int)(last->start - start),
		     t->s + start) < 0) {
		put[1] = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	put[0] = entry_text(entry, &style, put[1], strlen(put[1]), comma ? "," : "", &len);
	if (!put[0])
		return err_set(e, ENOMEM, "out of memory");
	splice_add(s, at, 0, put[0], len);
	return 0;
}

static int append_flow(const struct text *t, const struct mark *map, const struct entry *entry,
		       struct splices *s, char *put[static 2], struct err *e)
{
	const struct mark *last = mark_last_key(map);
	size_t end = last->next->end, gap = text_skip_gap(t, end);
	bool comma = is_char(t, gap, ',');
	size_t behind = comma ? gap + 1 : end;

	if (!begins_line(t, last) || text_line_start(t, last->start) <= map->content) {
		if (comma)
			return append_inline(t, last, behind, 0, " ", ",", entry, s, put, e);
		return append_inline(t, last, end, 0, ", ", "", entry, s, put, e);
	}
	if (!comma)
		splice_add(s, end, 0, ",", 1);
	if (rest_is_free(t, behind))
		behind = text_line_end(t, behind);
	return append_own_line(t, behind, last, comma, entry, s, put, e);
}

/* `{}` stays in braces; nothing gets some */
static int append_first_flow(const struct text *t, const struct mark *key,
			     const struct entry *entry, struct splices *s, char **put,
			     struct err *e)
{
	const struct mark *v = key->next;

	if (v->kind == MARK_MAP)
		return append_inline(t, key, v->content + 1, 0, "", "", entry, s, put, e);
	if (v->content < v->end)
		return append_inline(t, key, v->content, v->end - v->content, "{", "}", entry, s,
				     put, e);
	if (v->start < v->end || is_char(t, v->end - 1, ':'))
		return append_inline(t, key, v->end, 0, " {", "}", entry, s, put, e);
	return append_inline(t, key, v->end, 0, ": {", "}", entry, s, put, e);
}

int pair_append(const struct text *t, const struct mark *above, const struct mark *key,
		const struct entry *entry, struct splices *s, char *put[static 2], struct err *e)
{
	const struct mark *v = key->next;
	bool one_line;

	if (v->kind == MARK_MAP && v->child)
		return v->flow ? append_flow(t, v, entry, s, put, e)
			       : append_block(t, key, entry, s, put, e);
	if (!above || (v->kind != MARK_MAP && !mark_is_null(v)))
		return -EOPNOTSUPP;
	one_line = text_line_end(t, key->end) == text_line_end(t, v->end);
	if (above->next->flow || !one_line)
		return append_first_flow(t, key, entry, s, put, e);
	return append_first(t, above, key, entry, s, put, e);
}

/* --- remove -------------------------------------------------------------------------------- */

/* @before: where what stands before the entry ends */
static int remove_lines(const struct text *t, const struct mark *entry, size_t before,
			struct splices *s)
{
	size_t from = text_line_start(t, entry->start), to, column = column_of(t, entry);

	if (!begins_line(t, entry) || !line_behind(t, entry->next->end, &to))
		return -EOPNOTSUPP;
	from = comments_start(t, from, column, before);
	to = body_end(t, to, column);
	/* where the last line has no break, that before it goes */
	if (to == t->len && !text_break_before(t, to))
		from -= text_break_before(t, from);
	splice_add(s, from, to - from, "", 0);
	return 0;
}

struct neighbours {
	const struct mark *before, *after; /* keys; NULL: none */
	size_t comma_before, comma_after;  /* where; 0: none */
};

static struct neighbours neighbours_of(const struct text *t, const struct mark *map,
				       const struct mark *entry)
{
	struct neighbours n = {.after = entry->next->next};
	size_t at = text_skip_gap(t, entry->next->end);

	n.comma_after = is_char(t, at, ',') ? at : 0;
	for (const struct mark *k = map->child; k != entry; k = k->next->next)
		n.before = k;
	at = n.before ? text_skip_gap(t, n.before->next->end) : 0;
	n.comma_before = n.before && is_char(t, at, ',') ? at : 0;
	return n;
}

static void remove_inline(const struct text *t, const struct mark *entry,
			  const struct neighbours *n, struct splices *s)
{
	size_t from = entry->start, to = entry->next->end;

	if (n->comma_after) {
		to = n->comma_after + 1;
		if (n->comma_before && is_free(t, n->comma_before + 1, from))
			from = n->comma_before + 1;
		else
			to = text_skip_blanks(t, to);
	} else if (n->comma_before && is_free(t, n->comma_before + 1, from)) {
		from = n->comma_before;
	} else if (n->comma_before) {
		splice_add(s, n->comma_before, 1, "", 0);
	}
	splice_add(s, from, to - from, "", 0);
}

static void remove_flow(const struct text *t, const struct mark *map, const struct mark *entry,
			struct splices *s)
{
	const struct neighbours n = neighbours_of(t, map, entry);
	size_t behind = n.comma_after ? n.comma_after + 1 : entry->next->end;
	size_t line = text_line_start(t, entry->start), least;

	if (!n.before && !n.after && is_free(t, map->content + 1, entry->start) &&
	    is_free(t, behind, map->end - 1)) {
		splice_add(s, map->content + 1, map->end - map->content - 2, "", 0);
		return;
	}
	if (!begins_line(t, entry) || line <= map->content || !rest_is_free(t, behind)) {
		remove_inline(t, entry, &n, s);
		return;
	}
	least = n.before ? n.before->next->end : map->content + 1;
	if (!n.comma_after && n.comma_before)
		splice_add(s, n.comma_before, 1, "", 0);
	line = comments_start(t, line, column_of(t, entry), least);
	splice_add(s, line, text_next_line(t, behind) - line, "", 0);
}

int pair_remove(const struct text *t, const struct mark *key, const struct mark *entry,
		struct splices *s, struct err *e)
{
	const struct mark *map = key->next, *before = NULL;
	size_t place = key->end;

	(void)e;
	if (map->flow) {
		remove_flow(t, map, entry, s);
		return 0;
	}
	for (const struct mark *k = map->child; k != entry; k = k->next->next)
		before = k;
	if (!before && !entry->next->next) {
		if (!value_place(t, key, &place))
			return -EOPNOTSUPP;
		splice_add(s, place, 0, " {}", 3);
	}
	return remove_lines(t, entry, before ? before->next->end : place, s);
}
