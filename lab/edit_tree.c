/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "lab/yaml.h"
#include "lab/yaml_text.h"

struct builder {
	yaml_parser_t parser;
	const struct text *t;
	size_t base; /* bytes of the byte order mark */
	struct arena *arena;
	struct mark *top;
	bool documents;
	/* a character that has been found, and the byte that it begins with */
	size_t at_index, at_byte;
	struct {
		struct mark *mark, **tail;
		const struct mark *last; /* that was put in */
	} open[YAML_DEPTH_MAX];
	size_t depth;
};

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* from libyaml's characters to bytes; one event is near the last */
static size_t byte_of(struct builder *b, const yaml_mark_t *at)
{
	const char *s = b->t->s;

	while (b->at_index < at->index && b->at_byte < b->t->len) {
		b->at_byte++;
		while (b->at_byte < b->t->len && continues(s[b->at_byte]))
			b->at_byte++;
		b->at_index++;
	}
	while (b->at_index > at->index && b->at_byte > b->base) {
		b->at_byte--;
		while (b->at_byte > b->base && continues(s[b->at_byte]))
			b->at_byte--;
		b->at_index--;
	}
	return b->at_byte;
}

static int fail_at(const struct builder *b, size_t at, struct err *e, const char *what)
{
	int line, column;

	yaml_text_position(b->t->s + b->base, at - b->base, &line, &column);
	return err_set(e, EINVAL, "%d:%d: %s", line, column, what);
}

/* behind anchor and tag */
static size_t content_of(const struct text *t, const struct mark *m)
{
	size_t at = m->start;

	while (at < t->len && (t->s[at] == '&' || t->s[at] == '!')) {
		size_t end = at;

		while (end < t->len && !strchr(" \t,[]{}", t->s[end]) && !text_break(t, end))
			end++;
		if (end == m->end && m->kind == MARK_SCALAR) /* an anchor and nothing for it */
			return end;
		at = text_skip_gap(t, end);
	}
	return at;
}

/* a block scalar says with "+" that the empty lines behind it are its own */
static void end_block_scalar(const struct text *t, struct mark *m)
{
	size_t head = m->content + 1;

	while (head < m->end && t->s[head] != '+' && t->s[head] != '#' && !text_break(t, head))
		head++;
	if (head < m->end && t->s[head] == '+')
		return;
	for (;;) {
		size_t start = text_skip_blanks_back(t, m->end, m->content);
		size_t n = text_break_before(t, start);

		if (!n || start <= m->content)
			return;
		m->end = start - n;
	}
}

/* nothing stands for it: it ends behind the colon, if there is one, and else with its key */
static void end_nothing(const struct text *t, struct mark *m, const struct mark *key)
{
	size_t at = text_skip_gap(t, key->end);

	if (m->start != m->end || m->start < key->end)
		return;
	m->start = m->end = at < m->start && t->s[at] == ':' ? at + 1 : key->end;
	m->content = m->start;
}

static void attach(struct builder *b, struct mark *m)
{
	if (!b->depth) {
		b->top = m;
		return;
	}
	*b->open[b->depth - 1].tail = m;
	b->open[b->depth - 1].tail = &m->next;
	b->open[b->depth - 1].last = m;
}

static int new_mark(struct builder *b, const yaml_event_t *ev, enum mark_kind kind,
		    const yaml_char_t *anchor, struct mark **ret)
{
	struct mark *m = arena_alloc(b->arena, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->kind = kind;
	m->start = byte_of(b, &ev->start_mark);
	m->end = byte_of(b, &ev->end_mark);
	m->content = content_of(b->t, m);
	m->anchor = anchor ? arena_strdup(b->arena, (const char *)anchor) : NULL;
	if (anchor && !m->anchor)
		return -ENOMEM;
	*ret = m;
	return 0;
}

static int on_word(struct builder *b, const yaml_event_t *ev, enum mark_kind kind)
{
	const bool scalar = kind == MARK_SCALAR;
	const yaml_char_t *value = scalar ? ev->data.scalar.value : ev->data.alias.anchor;
	const struct mark *parent = b->depth ? b->open[b->depth - 1].mark : NULL;
	const struct mark *last = b->depth ? b->open[b->depth - 1].last : NULL;
	struct mark *m;
	int r = new_mark(b, ev, kind, scalar ? ev->data.scalar.anchor : NULL, &m);

	if (r < 0)
		return r;
	m->value_len = scalar ? ev->data.scalar.length : strlen((const char *)value);
	m->value = arena_strndup(b->arena, (const char *)value, m->value_len);
	m->plain = scalar && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (scalar && (ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
		       ev->data.scalar.style == YAML_FOLDED_SCALAR_STYLE))
		end_block_scalar(b->t, m);
	if (scalar && parent && parent->kind == MARK_MAP && last && !m->value_len && m->plain)
		end_nothing(b->t, m, last);
	if (!m->value)
		return -ENOMEM;
	attach(b, m);
	return 0;
}

static int on_start(struct builder *b, const yaml_event_t *ev, enum mark_kind kind, bool flow,
		    const yaml_char_t *anchor, struct err *e)
{
	struct mark *m;
	int r;

	if (b->depth == YAML_DEPTH_MAX)
		return fail_at(b, byte_of(b, &ev->start_mark), e, "too many levels");
	r = new_mark(b, ev, kind, anchor, &m);
	if (r < 0)
		return r;
	m->flow = flow;
	attach(b, m);
	b->open[b->depth].mark = m;
	b->open[b->depth].tail = &m->child;
	b->open[b->depth].last = NULL;
	b->depth++;
	return 0;
}

static void on_end(struct builder *b, const yaml_event_t *ev)
{
	struct mark *m = b->open[--b->depth].mark;
	const struct mark *last = b->open[b->depth].last;

	if (m->flow)
		m->end = byte_of(b, &ev->end_mark);
	else if (last && last->end > m->content)
		m->end = last->end;
}

static int on_event(struct builder *b, const yaml_event_t *ev, struct err *e)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents)
			return fail_at(b, byte_of(b, &ev->start_mark), e, "a second document");
		b->documents = true;
		return 0;
	case YAML_SCALAR_EVENT:
		return on_word(b, ev, MARK_SCALAR);
	case YAML_ALIAS_EVENT:
		return on_word(b, ev, MARK_ALIAS);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, ev, MARK_LIST,
				ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE,
				ev->data.sequence_start.anchor, e);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, ev, MARK_MAP,
				ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE,
				ev->data.mapping_start.anchor, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(b, ev);
		return 0;
	default:
		return 0;
	}
}

static int parse_all(struct builder *b, struct err *e)
{
	bool end = false;
	int r = 0;

	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser, (const unsigned char *)b->t->s + b->base,
				     b->t->len - b->base);
	while (!end && !r) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&b->parser, &ev)) {
			if (b->parser.error == YAML_MEMORY_ERROR)
				return -ENOMEM;
			return fail_at(b, byte_of(b, &b->parser.problem_mark), e,
				       b->parser.problem ? b->parser.problem : "not YAML");
		}
		r = on_event(b, &ev, e);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	return r;
}

int edit_tree_read(const struct text *t, struct arena *arena, struct mark **ret, struct err *e)
{
	struct builder b = {.t = t, .arena = arena};
	struct yaml_error error;
	const char *s = t->s;
	size_t len = t->len;
	int r;

	if (yaml_text_check(&s, &len, &error) < 0)
		return err_set(e, EINVAL, "%d:%d: %s", error.line, error.column, error.text);
	b.base = b.at_byte = (size_t)(s - t->s);
	if (!yaml_parser_initialize(&b.parser))
		return err_set(e, ENOMEM, "out of memory");
	r = parse_all(&b, e);
	yaml_parser_delete(&b.parser);
	if (r == -ENOMEM)
		return err_set(e, ENOMEM, "out of memory");
	if (!r && !b.top)
		r = err_set(e, EINVAL, "1:1: the file is empty");
	if (!r)
		*ret = b.top;
	return r;
}

/* --- asking ------------------------------------------------------------------------------ */

struct mark *mark_get(const struct mark *map, const char *key)
{
	if (map->kind != MARK_MAP)
		return NULL;
	for (struct mark *k = map->child; k; k = k->next->next)
		if (k->kind == MARK_SCALAR && strcmp(k->value, key) == 0)
			return k;
	return NULL;
}

const struct mark *mark_last_key(const struct mark *map)
{
	const struct mark *last = NULL;

	for (const struct mark *k = map->child; k; k = k->next->next)
		last = k;
	return last;
}

bool mark_is_null(const struct mark *m)
{
	return m->kind == MARK_SCALAR && m->plain &&
	       (!m->value_len || strcmp(m->value, "~") == 0 || strcmp(m->value, "null") == 0);
}

const struct mark *mark_alias_of(const struct mark *top, const char *anchor)
{
	const struct mark *found = NULL;

	if (top->kind == MARK_ALIAS)
		return strcmp(top->value, anchor) == 0 ? top : NULL;
	for (const struct mark *m = top->child; m && !found; m = m->next)
		found = mark_alias_of(m, anchor);
	return found;
}

static bool is_hollow(const struct mark *m, const struct mark_difference *d)
{
	return m == d->hollow && (mark_is_null(m) || (m->kind == MARK_MAP && !m->child));
}

/* the next thing to compare: a key to be skipped goes with its value */
static const struct mark *skip(const struct mark *m, const struct mark_difference *d)
{
	return m && (m == d->skip_a || m == d->skip_b) ? m->next->next : m;
}

static bool same_word(const struct mark *a, const struct mark *b)
{
	return a->value_len == b->value_len && memcmp(a->value, b->value, a->value_len) == 0 &&
	       mark_is_null(a) == mark_is_null(b);
}

static bool same_anchor(const struct mark *a, const struct mark *b)
{
	return a->anchor && b->anchor ? strcmp(a->anchor, b->anchor) == 0 : a->anchor == b->anchor;
}

bool mark_same(const struct mark *a, const struct mark *b, const struct mark_difference *d)
{
	const struct mark *x, *y;

	if (!same_anchor(a, b))
		return false;
	if (is_hollow(a, d) || is_hollow(b, d)) {
		const struct mark *other = is_hollow(a, d) ? b : a;

		return mark_is_null(other) || (other->kind == MARK_MAP && !skip(other->child, d));
	}
	if (a->kind != b->kind)
		return false;
	if (a->kind == MARK_SCALAR || a->kind == MARK_ALIAS)
		return same_word(a, b);
	for (x = skip(a->child, d), y = skip(b->child, d); x && y;
	     x = skip(x->next, d), y = skip(y->next, d))
		if (!mark_same(x, y, d))
			return false;
	return !x && !y;
}
