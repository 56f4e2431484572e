/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/table.h"
#include "lab/yaml_text.h"

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	unsigned int file;
	struct yaml_error *error;
	struct table anchors; /* name to the node, complete or not */
	struct node *top;
	bool documents; /* one has ended */
	/* the lists and mappings that are open, from the outside in */
	struct {
		struct node *node;
		struct node **tail; /* where the next item goes */
		bool want_value;    /* mapping: the next item belongs to a key */
	} open[YAML_DEPTH_MAX];
	size_t depth;
};

static int fail(struct builder *b, const yaml_mark_t *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct builder *b, const yaml_mark_t *at, const char *fmt, ...)
{
	va_list ap;

	b->error->line = (int)at->line + 1;
	b->error->column = (int)at->column + 1;
	va_start(ap, fmt);
	vsnprintf(b->error->text, sizeof(b->error->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

bool yaml_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain &&
	       (n->len == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

/* hang @n below what is open */
static int attach(struct builder *b, struct node *n, const yaml_mark_t *at)
{
	struct node *parent;

	if (!b->depth) {
		b->top = n;
		return 0;
	}
	parent = b->open[b->depth - 1].node;
	if (parent->kind == NODE_MAP) {
		if (!b->open[b->depth - 1].want_value && n->kind != NODE_SCALAR)
			return fail(b, at, "a key has to be a plain word");
		b->open[b->depth - 1].want_value = !b->open[b->depth - 1].want_value;
	}
	*b->open[b->depth - 1].tail = n;
	b->open[b->depth - 1].tail = &n->next;
	return 0;
}

static int node_new(struct builder *b, const yaml_mark_t *at, enum node_kind kind,
		    struct node **ret)
{
	struct node *n = arena_alloc(b->arena, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->kind = (uint8_t)kind;
	n->line = (uint32_t)at->line + 1;
	n->column = (uint32_t)at->column + 1;
	n->file = b->file;
	*ret = n;
	return 0;
}

/* a later anchor of the same name takes its place, as YAML has it */
static int remember(struct builder *b, const yaml_char_t *anchor, struct node *n)
{
	char *name;

	if (!anchor)
		return 0;
	name = arena_strdup(b->arena, (const char *)anchor);
	if (!name || table_set(&b->anchors, name, strlen(name), (size_t)(uintptr_t)n) < 0)
		return -ENOMEM;
	return 0;
}

/* add the weight of a node that is complete to the one it is in */
static int weigh(struct builder *b, const struct node *n, const yaml_mark_t *at)
{
	struct node *parent = b->depth ? b->open[b->depth - 1].node : NULL;
	uint64_t sum = (parent ? (uint64_t)parent->below : 0) + n->below + 1;

	if (sum > YAML_NODES_MAX)
		return fail(b, at, "more than %d values with all aliases followed (split the file)",
			    YAML_NODES_MAX);
	if (parent)
		parent->below = (uint32_t)sum;
	return 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	struct node *n;
	int r;

	if (ev->data.scalar.length > YAML_SCALAR_MAX)
		return fail(b, &ev->start_mark, "a value of more than %zu bytes (shorten it)",
			    YAML_SCALAR_MAX);
	r = node_new(b, &ev->start_mark, NODE_SCALAR, &n);
	if (r < 0)
		return r;
	n->len = (uint32_t)ev->data.scalar.length;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(ev->data.scalar.value, '\0', n->len)) /* from "\0" in quotes */
		return fail(b, &ev->start_mark, "a NUL character in a value (leave it out)");
	n->text = arena_strndup(b->arena, (const char *)ev->data.scalar.value, n->len);
	if (!n->text)
		return -ENOMEM;
	r = remember(b, ev->data.scalar.anchor, n);
	if (r == 0)
		r = attach(b, n, &ev->start_mark);
	return r < 0 ? r : weigh(b, n, &ev->start_mark);
}

static int on_start(struct builder *b, const yaml_event_t *ev, enum node_kind kind,
		    const yaml_char_t *anchor)
{
	struct node *n;
	int r;

	if (b->depth == YAML_DEPTH_MAX)
		return fail(b, &ev->start_mark,
			    "more than %d levels of lists and mappings (a topology needs ten)",
			    YAML_DEPTH_MAX);
	r = node_new(b, &ev->start_mark, kind, &n);
	if (r == 0)
		r = attach(b, n, &ev->start_mark);
	if (r == 0)
		r = remember(b, anchor, n);
	if (r < 0)
		return r;
	b->open[b->depth].node = n;
	b->open[b->depth].tail = &n->child;
	b->open[b->depth].want_value = false;
	b->depth++;
	return 0;
}

static int on_end(struct builder *b, const yaml_event_t *ev)
{
	const struct node *n = b->open[--b->depth].node;

	return weigh(b, n, &ev->start_mark);
}

static bool is_open(const struct builder *b, const struct node *n)
{
	for (size_t i = 0; i < b->depth; i++)
		if (b->open[i].node == n)
			return true;
	return false;
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	const struct node *target;
	struct node *n;
	size_t value;
	int r;

	if (!table_get_str(&b->anchors, name, &value))
		return fail(b, &ev->start_mark, "alias `*%.60s` has no anchor above it", name);
	target = (const struct node *)(uintptr_t)value;
	if (is_open(b, target))
		return fail(b, &ev->start_mark, "alias `*%.60s` stands inside its own anchor",
			    name);
	r = node_new(b, &ev->start_mark, target->kind, &n);
	if (r < 0)
		return r;
	/* errors in what is shared are told at the anchor, where they can be mended */
	*n = *target;
	n->next = NULL;
	r = attach(b, n, &ev->start_mark);
	return r < 0 ? r : weigh(b, n, &ev->start_mark);
}

static int on_document(struct builder *b, const yaml_event_t *ev)
{
	if (b->documents)
		return fail(b, &ev->start_mark,
			    "a second document (one file is one topology: take away the `---`)");
	b->documents = true;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, ev);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_ALIAS_EVENT:
		return on_alias(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, ev, NODE_LIST, ev->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, ev, NODE_MAP, ev->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(b, ev);
	default:
		return 0;
	}
}

/* what libyaml says, with what to do about the usual mistakes */
static int parser_error(struct builder *b, const char *text, size_t len)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "not YAML";
	const char *hint = "";
	yaml_mark_t at = p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		yaml_text_position(text, p->problem_offset < len ? p->problem_offset : len,
				   &b->error->line, &b->error->column);
		snprintf(b->error->text, sizeof(b->error->text), "%s (save the file as UTF-8)",
			 problem);
		return -EINVAL;
	}
	if (at.index < len && yaml_text_at(text, len, at.line, at.column) == '\t') {
		problem = "a tab where YAML wants spaces";
		hint = " (indent with spaces)";
	} else if (strstr(problem, "',' or")) {
		hint = " (inside [ ] and { } values with braces need quotes)";
	} else if (strstr(problem, "mapping values are not allowed")) {
		hint = " (check the indentation, or put quotes around the value)";
	} else if (strstr(problem, "could not find expected ':'")) {
		hint = " (a key ends with a colon and a space)";
	}
	return fail(b, &at, "%s%s", problem, hint);
}

static int parse_all(struct builder *b, const char *text, size_t len)
{
	bool end = false;

	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser, (const unsigned char *)text, len);
	while (!end) {
		yaml_event_t ev;
		int r;

		if (!yaml_parser_parse(&b->parser, &ev))
			return parser_error(b, text, len);
		r = on_event(b, &ev);
		end = ev.type == YAML_STREAM_END_EVENT;
		if (r == -ENOMEM) {
			b->error->line = (int)ev.start_mark.line + 1;
			b->error->column = (int)ev.start_mark.column + 1;
		}
		yaml_event_delete(&ev);
		if (r < 0)
			return r;
	}
	return 0;
}

int yaml_read(const char *text, size_t len, unsigned int file, struct arena *arena,
	      struct node **ret, struct yaml_error *error)
{
	struct builder b = {.arena = arena, .file = file, .error = error};
	int r = yaml_text_check(&text, &len, error);

	error->empty = false;
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	r = parse_all(&b, text, len);
	yaml_parser_delete(&b.parser);
	table_free(&b.anchors);
	if (r < 0)
		return r;
	error->empty = !b.top;
	if (!b.top)
		return fail(&b, &(yaml_mark_t){0}, "the file is empty");
	*ret = b.top;
	return 0;
}
