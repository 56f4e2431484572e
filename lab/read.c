/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"

#define STEPS_MAX 4000000 /* values and ranges looked at, see step(); about a second */

struct src src_of(const struct node *n)
{
	return (struct src){.line = (int)n->line, .column = (int)n->column, .file = n->file};
}

/* --- saying what is wrong ------------------------------------------------------------ */

/* NULL: the lone file, whose name the caller knows */
static const char *shown_path(struct load *ld, unsigned int file)
{
	const char *name = file < ld->files.n ? ld->files.files[file].name : NULL;
	size_t len = ld->shown ? strlen(ld->shown) : 0;

	if (!name || !ld->paths)
		return name;
	while (len > 1 && ld->shown[len - 1] == '/')
		len--;
	if (!ld->paths[file] && len)
		ld->paths[file] = arena_printf(ld->diags->arena, "%.*s%s%s", (int)len, ld->shown,
					       ld->shown[len - 1] == '/' ? "" : "/", name);
	else if (!ld->paths[file])
		ld->paths[file] = arena_strdup(ld->diags->arena, name);
	return ld->paths[file];
}

struct there where(struct load *ld, struct src here, const struct src *there)
{
	struct there out;

	if (here.file == there->file)
		snprintf(out.s, sizeof(out.s), "line %d", there->line);
	else
		snprintf(out.s, sizeof(out.s), "%s:%d:%d", shown_path(ld, there->file), there->line,
			 there->column);
	return out;
}

/* has @kind not been said of this place yet? */
static bool is_news(struct load *ld, struct src at, const void *kind)
{
	struct place {
		const void *kind;
		struct src at;
	} *p = arena_alloc(ld->diags->arena, sizeof(*p));

	if (!p)
		return false;
	p->kind = kind;
	p->at = at;
	return table_add(&ld->said, p, sizeof(*p), 0, NULL) > 0;
}

/* asked before is_news() takes memory: most repetitions come from ranges */
static bool was_said(const struct load *ld, struct src at, const void *kind)
{
	struct place {
		const void *kind;
		struct src at;
	} p;

	memset(&p, 0, sizeof(p));
	p.kind = kind;
	p.at = at;
	return table_get(&ld->said, &p, sizeof(p), NULL);
}

static void vdiag(struct load *ld, struct src at, const void *kind, const char *fmt, va_list ap)
{
	struct diags *d = ld->diags;
	char text[sizeof(struct there) + 512];

	ld->errors++;
	/* what is missing after a stop may just not have been read */
	if (ld->stop || was_said(ld, at, kind))
		return;
	if (d->n == DIAGS_MAX) {
		d->dropped++;
		return;
	}
	if (!is_news(ld, at, kind))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	diags_add(d,
		  (struct diag){.file = shown_path(ld, at.file),
				.nth = at.file,
				.line = at.line,
				.column = at.column},
		  "%s", text);
}

void diag(struct load *ld, struct src at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag(ld, at, fmt, fmt, ap);
	va_end(ap);
}

void diag_kind(struct load *ld, struct src at, const void *kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdiag(ld, at, kind, fmt, ap);
	va_end(ap);
}

void too_big(struct load *ld, struct src at)
{
	if (ld->stop)
		return;
	diag(ld, at, "the topology gets too big here (split it, or shorten its ranges)");
	ld->stop = true;
}

/* one more value is looked at; false: that was one too many */
static bool step(struct load *ld, const struct node *n)
{
	if (ld->stop)
		return false;
	if (++ld->steps > STEPS_MAX)
		too_big(ld, src_of(n));
	return !ld->stop;
}

void *grow(struct load *ld, struct src at, void *array, size_t n, size_t size)
{
	void *p = ld->stop ? NULL : arena_grow(ld->out, array, n, size);

	if (!p)
		too_big(ld, at);
	return p;
}

void ref_add(struct load *ld, enum ref_kind kind, struct src src, const char *text, size_t index,
	     size_t sub)
{
	struct ref *refs = ld->stop ? NULL
				    : arena_grow(ld->work, ld->refs, ld->n_refs, sizeof(*refs));

	if (!refs) {
		too_big(ld, src);
		return;
	}
	ld->refs = refs;
	ld->refs[ld->n_refs++] = (struct ref){.kind = kind,
					      .src = src,
					      .text = text,
					      .host = ld->host,
					      .owner = ld->tenant,
					      .index = index,
					      .sub = sub};
}

/* --- mappings and lists ---------------------------------------------------------------- */

/* a misspelt key; one that runs into a secret ("private_key=…") is cut before it */
static void unknown_key(struct load *ld, const struct node *key, const char *what,
			const struct field *fields, size_t n_fields)
{
	struct suggest s = suggest_start(key->text, ld->suggestions);
	char name[72]; /* more than show() leaves */
	size_t len = strcspn(key->text, "=: ");

	snprintf(name, sizeof(name), "%.*s", (int)(len < 64 ? len : 64), key->text);
	for (size_t i = 0; i < n_fields; i++)
		suggest_try(&s, fields[i].key);
	ld->suggestions = s.budget;
	if (s.best)
		diag(ld, src_of(key), "unknown key `%s` in %s (did you mean `%s`?)", show(name).s,
		     what, s.best);
	else
		diag(ld, src_of(key), "unknown key `%s` in %s (take it out)", show(name).s, what);
}

static size_t find_field(const struct node *key, const struct field *fields, size_t n_fields)
{
	size_t i = 0;

	while (i < n_fields && strcmp(key->text, fields[i].key) != 0)
		i++;
	return i;
}

uint64_t read_map(struct load *ld, const struct node *n, const char *what,
		  const struct field *fields, size_t n_fields, void *obj)
{
	const char *outer = ld->key;
	uint64_t seen = 0;

	if (n->kind != NODE_MAP && !yaml_is_null(n)) {
		diag(ld, src_of(n), "%s has to be a mapping (lines of `key: value`, indented)",
		     what);
		return 0;
	}
	for (const struct node *key = n->kind == NODE_MAP ? n->child : NULL; key && step(ld, key);
	     key = key->next->next) {
		size_t i = find_field(key, fields, n_fields);

		if (i == n_fields) {
			unknown_key(ld, key, what, fields, n_fields);
		} else if (seen & (uint64_t)1 << i) {
			diag(ld, src_of(key), "key `%s` is given twice in %s (take one out)",
			     key->text, what);
		} else {
			seen |= (uint64_t)1 << i;
			ld->key = fields[i].key;
			fields[i].read(ld, key->next, obj);
		}
	}
	ld->key = outer;
	for (size_t i = 0; i < n_fields && !ld->stop; i++)
		if (fields[i].need == NEEDED && !(seen & (uint64_t)1 << i))
			diag_kind(ld, src_of(n), fields[i].key, "%s needs `%s`", what,
				  fields[i].key);
	return seen;
}

struct named {
	const struct node *key;
	struct table names; /* that have been there */
	named_fn *fn;
	void *obj;
};

static void read_entry(struct load *ld, const struct range *range, struct named *nm)
{
	struct scope outer = ld->scope;
	char error[EXPAND_ERROR_MAX];
	const char *name;
	int r = expand_text(nm->key->text, &ld->scope, range, EXPAND_NAME, ld->out, &name, error);

	ld->steps += nm->key->len / STEP_BYTES;
	if (r == 0 && name == nm->key->text)
		name = arena_strndup(ld->out, name, nm->key->len);
	if (r == -EINVAL) {
		diag(ld, src_of(nm->key), "%s", error);
		return;
	}
	if (r == 0 && name)
		r = table_add_str(&nm->names, name, 0, NULL);
	if (r < 0 || !name)
		too_big(ld, src_of(nm->key));
	else if (r == 0)
		diag(ld, src_of(nm->key), "key `%s` is given twice (take one out)", show(name).s);
	if (r <= 0 || !name)
		return;
	if (range)
		ld->scope = (struct scope){.set = true, .n = range->now, .width = range->width};
	nm->fn(ld, name, nm->key, nm->key->next, nm->obj);
	ld->scope = outer;
}

/* the entries that one key stands for */
static void read_entries(struct load *ld, struct named *nm)
{
	const char *outer_key = ld->key;
	char error[EXPAND_ERROR_MAX];
	struct range range;

	if (expand_range(nm->key->text, &range, error) < 0) {
		diag(ld, src_of(nm->key), "%s", error);
		return;
	}
	if (!range.present)
		read_entry(ld, NULL, nm);
	range.now = range.first;
	for (; range.present && range.now <= range.last && step(ld, nm->key); range.now++) {
		read_entry(ld, &range, nm);
		ld->key = outer_key;
	}
	ld->key = outer_key;
}

void read_named(struct load *ld, const struct node *n, named_fn *fn, void *obj)
{
	struct named nm = {.fn = fn, .obj = obj};

	if (yaml_is_null(n))
		return;
	if (n->kind != NODE_MAP) {
		diag(ld, src_of(n), "`%s` has to be a mapping (lines of `NAME: …`, indented)",
		     ld->key);
		return;
	}
	for (const struct node *key = n->child; key && step(ld, key); key = key->next->next) {
		nm.key = key;
		read_entries(ld, &nm);
	}
	table_free(&nm.names);
}

void read_list(struct load *ld, const struct node *n, read_fn *fn, void *obj)
{
	if (yaml_is_null(n))
		return;
	if (n->kind != NODE_LIST) {
		diag(ld, src_of(n), "`%s` has to be a list (in brackets, or lines with a dash)",
		     ld->key);
		return;
	}
	for (const struct node *item = n->child; item && step(ld, item); item = item->next)
		fn(ld, item, obj);
}
