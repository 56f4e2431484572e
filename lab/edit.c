/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/edit_entry.h"
#include "lab/edit_find.h"
#include "lab/edit_pair.h"
#include "lab/read.h"

/* --- is it what was meant? ------------------------------------------------------------- */

/* one change of a file: the tree before, and what is to be different */
struct change {
	struct edit_doc d;
	struct edit_found found;
	const char *host, *tenant;
	struct splices s;
	char *put[2]; /* owned: what the splices put in */
};

static void change_clear(struct change *c)
{
	edit_doc_clear(&c->d);
	free(c->put[0]);
	free(c->put[1]);
}

static int change_begin(struct change *c, const struct edit_source *src, struct err *e)
{
	int r = edit_doc_read(src, &c->d, e);

	return r < 0 ? r : edit_find(&c->d, c->host, c->tenant, &c->found, e);
}

/* what differs between the two trees, and should */
typedef bool same_fn(const struct change *c, const struct edit_doc *after,
		     const struct edit_found *found);

static int odd_place(const struct change *c, const struct mark *at, struct err *e)
{
	edit_fail(&c->d, at->start, e, EOPNOTSUPP,
		  "this is written in a way that cannot be changed by command");
	return err_hint(e, "edit the file by hand");
}

/* the text after, once it says what it should */
static int change_end(struct change *c, same_fn *same, struct edited *ret, struct err *e)
{
	const struct mark *place = c->found.tenants ? c->found.tenants : c->found.gateway;
	char *text _cleanup_free_ = NULL;
	struct edit_source src = {.name = c->d.src->name};
	struct edit_found found;
	struct edit_doc after;
	struct err why = ERR_INIT;
	int r = splice_apply(&c->s, &c->d.t, &text, &src.len, e);

	if (r < 0)
		return r;
	src.text = text;
	r = edit_doc_read(&src, &after, &why);
	if (!r)
		r = edit_find(&after, c->host, c->tenant, &found, &why);
	if (r == -ENOMEM)
		*e = why;
	else if (r < 0 || !same(c, &after, &found))
		r = odd_place(c, place, e);
	edit_doc_clear(&after);
	if (r < 0)
		return r;
	ret->text = steal_ptr(text);
	ret->len = src.len;
	return 0;
}

/* --- add ------------------------------------------------------------------------------- */

static bool same_but_added(const struct change *c, const struct edit_doc *after,
			   const struct edit_found *found)
{
	const struct mark_difference d = {
		.skip_a = c->found.tenants ? found->tenant : found->tenants,
		.hollow = c->found.tenants ? c->found.tenants->next : NULL,
	};

	return found->tenant && mark_last_key(found->tenants->next) == found->tenant &&
	       !found->range.present && mark_same(c->d.top, after->top, &d);
}

static int append(struct change *c, const struct edit_tenant *t, struct err *e)
{
	const struct edit_found *f = &c->found;
	const struct mark *key = f->tenants ? f->tenants : f->gateway;
	const struct entry entry = {f->tenants ? entry_tenant : entry_tenants, t};
	int r = pair_append(&c->d.t, f->tenants ? f->gateway : NULL, key, &entry, &c->s, c->put, e);

	return r == -EOPNOTSUPP ? odd_place(c, key, e) : r;
}

int edit_add(const struct edit_source *src, const char *host, const struct edit_tenant *t,
	     struct edited *ret, struct err *e)
{
	struct change c = {.host = host, .tenant = t->name};
	int r = change_begin(&c, src, e);

	if (!r && c.found.tenant)
		r = edit_fail(&c.d, c.found.tenant->start, e, EEXIST,
			      "tenant `%s` is there already", show(t->name).s);
	if (!r)
		r = append(&c, t, e);
	if (!r)
		r = change_end(&c, same_but_added, ret, e);
	change_clear(&c);
	return r;
}

/* --- remove ---------------------------------------------------------------------------- */

static bool same_but_removed(const struct change *c, const struct edit_doc *after,
			     const struct edit_found *found)
{
	const struct mark_difference d = {.skip_a = c->found.tenant};

	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch) */
	return !found->tenant && mark_same(c->d.top, after->top, &d);
}

/* the range has another first or last: its key is another, and its value is the same */
static bool same_but_shrunk(const struct change *c, const struct edit_doc *after,
			    const struct edit_found *found)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	const struct mark *was = c->found.tenant, *is = found->tenants->next->child;
	const struct mark_difference none = {.hollow = NULL};
	struct mark_difference d = {.skip_a = was};

	/* the same place among the keys */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	for (const struct mark *k = c->found.tenants->next->child; is && k != was;
	     k = k->next->next)
		is = is->next->next;
	d.skip_b = is;
	return is && !found->tenant && mark_same(was->next, is->next, &none) &&
	       mark_same(c->d.top, after->top, &d);
}

static int middle(const struct change *c, struct err *e)
{
	const struct edit_found *f = &c->found;
	const char *key = f->tenant->value;
	int start = (int)f->range.start;
	const char *end = key + f->range.end;

	edit_fail(&c->d, f->tenant->start, e, ERANGE,
		  "tenant `%s` is in the middle of the range `%s`", show(c->tenant).s, show(key).s);
	return err_hint(e,
			"split the range: `%.*s{%0*" PRId64 "..%0*" PRId64
			"}%s` and `%.*s{%0*" PRId64 "..%0*" PRId64 "}%s`",
			start, key, f->range.width, f->range.first, f->range.width, f->number - 1,
			end, start, key, f->range.width, f->number + 1, f->range.width,
			f->range.last, end);
}

/* "{A..B}" with one less; it has to stand in the text as it is meant, without escapes */
static int shrink(struct change *c, struct err *e)
{
	const struct edit_found *f = &c->found;
	const struct mark *key = f->tenant;
	const char *braces = key->value + f->range.start, *at;
	size_t len = f->range.end - f->range.start, size;
	bool first = f->number == f->range.first;
	FILE *out;

	at = memmem(c->d.t.s + key->content, key->end - key->content, braces, len);
	if (!at)
		return odd_place(c, key, e);
	out = open_memstream(&c->put[0], &size);
	if (!out)
		return err_set(e, ENOMEM, "out of memory");
	fprintf(out, "{%0*" PRId64 "..%0*" PRId64 "}", f->range.width, f->range.first + first,
		f->range.width, f->range.last - !first);
	if (fclose(out) != 0)
		return err_set(e, ENOMEM, "out of memory");
	splice_add(&c->s, (size_t)(at - c->d.t.s), len, c->put[0], size);
	return 0;
}

static int no_tenant(const struct change *c, struct err *e)
{
	const struct mark *at = c->found.tenants ? c->found.tenants : c->found.gateway;

	return edit_fail(&c->d, at->start, e, ENOENT, "there is no tenant `%s` here",
			 show(c->tenant).s);
}

/* nothing else is in the file, and the file is nothing else */
static bool is_all(const struct change *c)
{
	const struct mark *first = c->found.tenants->next->child;

	return !c->host && first == c->found.tenant && !first->next->next;
}

static int nothing_left(struct edited *ret, struct err *e)
{
	char *text = strdup("");

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	*ret = (struct edited){text, 0};
	return 0;
}

static int take_out(struct change *c, struct err *e)
{
	int r = pair_remove(&c->d.t, c->found.tenants, c->found.tenant, &c->s, e);

	return r == -EOPNOTSUPP ? odd_place(c, c->found.tenant, e) : r;
}

int edit_remove(const struct edit_source *src, const char *host, const char *tenant,
		struct edited *ret, struct err *e)
{
	struct change c = {.host = host, .tenant = tenant};
	const struct edit_found *f = &c.found;
	int r = change_begin(&c, src, e);
	bool shrinks = !r && f->tenant && f->range.present && f->range.first < f->range.last;

	if (!r && f->tenant && !shrinks && is_all(&c)) {
		change_clear(&c);
		return nothing_left(ret, e);
	}
	if (!r && !f->tenant)
		r = no_tenant(&c, e);
	else if (shrinks && f->number != f->range.first && f->number != f->range.last)
		r = middle(&c, e);
	else if (!r)
		r = shrinks ? shrink(&c, e) : take_out(&c, e);
	if (!r)
		r = change_end(&c, shrinks ? same_but_shrunk : same_but_removed, ret, e);
	change_clear(&c);
	return r;
}

/* --- set ------------------------------------------------------------------------------- */

struct setting {
	struct change c;
	const char *field, *value;
};

static bool same_but_set(const struct change *c, const struct edit_doc *after,
			 const struct edit_found *found)
{
	const struct setting *s = (const struct setting *)c;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	const struct mark *was = mark_get(c->found.tenant->next, s->field);
	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch) */
	const struct mark *is = found->tenant ? mark_get(found->tenant->next, s->field) : NULL;
	const struct mark_difference d = {
		.skip_a = was, .skip_b = is, .hollow = was ? NULL : c->found.tenant->next};

	return is && is->next->kind == MARK_SCALAR && strcmp(is->next->value, s->value) == 0 &&
	       mark_same(c->d.top, after->top, &d);
}

/* in the place of the value, in the same quotes */
static int replace_value(struct setting *s, const struct mark *value, struct err *e)
{
	struct change *c = &s->c;
	char quote = value->content < value->end ? c->d.t.s[value->content] : '\0';
	size_t cut = value->end - value->content, len;

	if (value->kind != MARK_SCALAR)
		return edit_alone(&c->d, value, e) < 0 ? -e->code : odd_place(c, value, e);
	if (edit_alone(&c->d, value, e) < 0)
		return -e->code;
	if (quote == '"' || quote == '\'')
		cut -= 2;
	else if (!cut)
		return odd_place(c, value, e);
	c->put[0] = strdup(s->value);
	if (!c->put[0])
		return err_set(e, ENOMEM, "out of memory");
	len = strlen(c->put[0]);
	splice_add(&c->s, value->content + (cut != value->end - value->content), cut, c->put[0],
		   len);
	return 0;
}

static int set_field(struct setting *s, struct err *e)
{
	struct change *c = &s->c;
	struct mark *tenant = c->found.tenant;
	const struct mark *key = mark_get(tenant->next, s->field);
	const struct entry_field f = {s->field, s->value,
				      .is_key = strcmp(s->field, "private_key") == 0};
	int r = edit_alone(&c->d, tenant->next, e);

	if (r < 0)
		return r;
	if (key)
		return replace_value(s, key->next, e);
	r = pair_append(&c->d.t, c->found.tenants, tenant, &(struct entry){entry_field, &f}, &c->s,
			c->put, e);
	return r == -EOPNOTSUPP ? odd_place(c, tenant, e) : r;
}

int edit_set(const struct edit_source *src, const char *host, const char *tenant, const char *field,
	     const char *value, struct edited *ret, struct err *e)
{
	struct setting s = {.c = {.host = host, .tenant = tenant}, .field = field, .value = value};
	const struct edit_found *f = &s.c.found;
	int r = change_begin(&s.c, src, e);

	if (!r && !f->tenant) {
		r = no_tenant(&s.c, e);
	} else if (!r && f->range.present) {
		r = edit_fail(&s.c.d, f->tenant->start, e, ERANGE,
			      "tenant `%s` comes from the range `%s`, all of which would change",
			      show(tenant).s, show(f->tenant->value).s);
		err_hint(e, "take the tenant out of the range, and give it an entry of its own");
	} else if (!r) {
		r = set_field(&s, e);
	}
	if (!r)
		r = change_end(&s.c, same_but_set, ret, e);
	change_clear(&s.c);
	return r;
}
