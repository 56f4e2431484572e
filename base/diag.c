/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/diag.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diags_add(struct diags *d, struct diag at, const char *fmt, ...)
{
	char text[PATH_MAX + 1024];
	struct diag *v;
	va_list ap;

	if (d->n == DIAGS_MAX) {
		d->dropped++;
		return;
	}
	v = d->arena ? arena_grow(d->arena, d->v, d->n, sizeof(*v)) : NULL;
	if (!v)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->v = v;
	v[d->n] = at;
	v[d->n].text = arena_strdup(d->arena, text);
	if (v[d->n].text)
		d->n++;
}

static int compare(const void *a, const void *b)
{
	const struct diag *x = a, *y = b;

	if (x->nth != y->nth)
		return x->nth < y->nth ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void diags_sort(struct diags *d)
{
	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), compare);
}

void diags_free(struct diags *d)
{
	if (!d)
		return;
	arena_free(d->arena);
	*d = (struct diags){.arena = NULL};
}
