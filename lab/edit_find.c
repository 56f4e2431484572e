/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_find.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/read.h"
#include "lab/yaml_text.h"

/* libyaml's tree of the largest file that loads is less */
#define EDIT_TREE_MAX ((size_t)96 * 1024 * 1024)

int edit_doc_read(const struct edit_source *src, struct edit_doc *ret, struct err *e)
{
	int r;

	*ret = (struct edit_doc){
		.src = src, .t = {src->text, src->len}, .arena = arena_new(EDIT_TREE_MAX)};
	if (!ret->arena)
		return err_set(e, ENOMEM, "out of memory");
	r = edit_tree_read(&ret->t, ret->arena, &ret->top, e);
	if (r < 0) {
		char why[sizeof(e->msg)];

		snprintf(why, sizeof(why), "%s", e->msg);
		err_set(e, -r, "%s:%s", src->name, why);
		return err_kind_set(e, ERR_INVALID);
	}
	return 0;
}

void edit_doc_clear(struct edit_doc *d)
{
	arena_free(d->arena);
	d->arena = NULL;
}

int edit_fail(const struct edit_doc *d, size_t at, struct err *e, int code, const char *fmt, ...)
{
	char what[768];
	int line, column;
	const char *s = d->t.s;
	size_t len = d->t.len;
	struct yaml_error ignored;
	va_list ap;

	(void)yaml_text_check(&s, &len, &ignored); /* the mark of the byte order is no column */
	yaml_text_position(s, at - (size_t)(s - d->t.s), &line, &column);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(e, code, "%s:%d:%d: %s", d->src->name, line, column, what);
	return err_kind_set(e, ERR_INVALID);
}

static int line_of(const struct edit_doc *d, const struct mark *m)
{
	int line, column;

	yaml_text_position(d->t.s, m->start, &line, &column);
	return line;
}

int edit_alone(const struct edit_doc *d, const struct mark *value, struct err *e)
{
	const struct mark *alias;

	if (value->kind == MARK_ALIAS) {
		edit_fail(d, value->start, e, EOPNOTSUPP,
			  "this is the alias `*%s`: its anchor would change, and all that it means",
			  show(value->value).s);
		return err_hint(e, "write out here what it means");
	}
	alias = value->anchor ? mark_alias_of(d->top, value->anchor) : NULL;
	if (!alias)
		return 0;
	edit_fail(d, value->start, e, EOPNOTSUPP,
		  "the anchor `&%s` is used again in line %d, which would change as well",
		  show(value->anchor).s, line_of(d, alias));
	return err_hint(e, "write out there what it means");
}

/* the mapping that is @key's value, into which we go */
static int step_into(const struct edit_doc *d, const struct mark *map, const char *name,
		     struct mark **ret, struct err *e)
{
	struct mark *key = mark_get(map, name);

	*ret = key;
	return key ? edit_alone(d, key->next, e) : 0;
}

static bool is_number(const char *s, size_t len, int64_t *ret)
{
	int64_t v = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (s[i] - '0');
	}
	*ret = v;
	return true;
}

/*
 * Does @key stand for @name?  What has braces beside its range is not recognised: @ret_odd says so.
 */
static bool means(const char *key, const char *name, struct arena *arena, struct range *range,
		  int64_t *ret_number, bool *ret_odd)
{
	const struct scope none = {.set = false};
	char error[EXPAND_ERROR_MAX], text[32];
	const char *word = key;
	size_t len = strlen(name), tail;

	if (expand_range(key, range, error) < 0)
		return false;
	if (!range->present)
		return expand_text(key, &none, NULL, EXPAND_NAME, arena, &word, error) == 0 &&
		       strcmp(word, name) == 0;
	tail = strlen(key + range->end);
	if (strpbrk(key + range->end, "{}") || memchr(key, '{', range->start) ||
	    memchr(key, '}', range->start)) {
		*ret_odd = true;
		return false;
	}
	if (len < range->start + tail || memcmp(key, name, range->start) != 0 ||
	    strcmp(key + range->end, name + len - tail) != 0 ||
	    !is_number(name + range->start, len - range->start - tail, ret_number) ||
	    *ret_number < range->first || *ret_number > range->last)
		return false;
	snprintf(text, sizeof(text), "%0*" PRId64, range->width, *ret_number);
	return strlen(text) == len - range->start - tail &&
	       memcmp(text, name + range->start, strlen(text)) == 0;
}

/* the key of @map that stands for @name; NULL in *@ret: none does */
static int find_named(const struct edit_doc *d, const struct mark *map, const char *name,
		      struct mark **ret, struct range *ret_range, int64_t *ret_number,
		      struct err *e)
{
	const struct mark *odd_one = NULL;

	*ret = NULL;
	for (struct mark *k = map->kind == MARK_MAP ? map->child : NULL; k; k = k->next->next) {
		bool odd = false;
		/* a key that is an alias is not followed: none that we write is one */
		bool alias = k->kind == MARK_ALIAS;

		if (k->kind == MARK_SCALAR &&
		    means(k->value, name, d->arena, ret_range, ret_number, &odd)) {
			*ret = k;
			return 0;
		}
		if (alias || odd)
			odd_one = k;
	}
	*ret_range = (struct range){.present = false};
	if (!odd_one)
		return 0;
	edit_fail(d, odd_one->start, e, EOPNOTSUPP, "this key may stand for `%s` or not",
		  show(name).s);
	return err_hint(e, "edit the file by hand");
}

static int find_host(const struct edit_doc *d, const char *host, struct mark **ret, struct err *e)
{
	struct mark *hosts, *key = NULL;
	struct range range;
	int64_t number;
	int r = edit_alone(d, d->top, e);

	if (!r)
		r = step_into(d, d->top, "hosts", &hosts, e);
	if (!r && hosts)
		r = find_named(d, hosts->next, host, &key, &range, &number, e);
	if (r < 0)
		return r;
	if (!key)
		return edit_fail(d, 0, e, ENOENT, "there is no host `%s`", show(host).s);
	if (range.present) {
		edit_fail(d, key->start, e, EOPNOTSUPP,
			  "host `%s` comes from the range `%s`, all hosts of which would change",
			  show(host).s, show(key->value).s);
		return err_hint(e, "take the host out of the range first");
	}
	*ret = key;
	return edit_alone(d, key->next, e);
}

/* a file of tenants.d: as if a key without a text stood before all of it */
static int find_file(const struct edit_doc *d, struct edit_found *f, struct err *e)
{
	struct mark *key = arena_alloc(d->arena, sizeof(*key));

	if (!key)
		return err_set(e, ENOMEM, "out of memory");
	key->value = "";
	key->next = d->top;
	f->tenants = key;
	return edit_alone(d, d->top, e);
}

static int find_gateway(const struct edit_doc *d, const char *host, struct edit_found *f,
			struct err *e)
{
	struct mark *key = NULL;
	int r = find_host(d, host, &key, e);

	if (r < 0 || !key)
		return r;
	r = step_into(d, key->next, "gateway", &f->gateway, e);
	if (!r && (!f->gateway || f->gateway->next->kind != MARK_MAP))
		return edit_fail(d, key->start, e, ENOENT, "host `%s` has no `gateway`",
				 show(host).s);
	return r < 0 ? r : step_into(d, f->gateway->next, "tenants", &f->tenants, e);
}

int edit_find(const struct edit_doc *d, const char *host, const char *tenant,
	      struct edit_found *ret, struct err *e)
{
	struct edit_found f = {.number = 0};
	int r = host ? find_gateway(d, host, &f, e) : find_file(d, &f, e);

	if (!r && f.tenants)
		r = find_named(d, f.tenants->next, tenant, &f.tenant, &f.range, &f.number, e);
	if (!r)
		*ret = f;
	return r;
}
