/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  While all are kept, entries are only appended.  Once there are as many as
 * are wanted, the array is a heap whose root is the last of them: a new one that comes before the
 * root takes its place.
 */
#include "nat/ct_top.h"

#include <errno.h>
#include <stdlib.h>

/* positive: @b comes before @a */
static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare(enum ct_order order, const struct ct_item *a, const struct ct_item *b)
{
	const struct ct_entry *x = &a->ct, *y = &b->ct;
	int r = 0;

	if (order == CT_BY_AGE)
		r = by_number(x->has_start ? ~x->start : 0, y->has_start ? ~y->start : 0);
	else if (order == CT_BY_PACKETS)
		r = by_number(x->packets[0] + x->packets[1], y->packets[0] + y->packets[1]);
	else if (order == CT_BY_BYTES)
		r = by_number(x->bytes[0] + x->bytes[1], y->bytes[0] + y->bytes[1]);
	return r ? r : by_number(b->place, a->place);
}

static void swap(struct ct_item *a, struct ct_item *b)
{
	struct ct_item spare = *a;

	*a = *b;
	*b = spare;
}

static void sink(struct ct_top *t, size_t i)
{
	for (;;) {
		size_t last = i;

		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < t->n; k++)
			if (compare(t->order, &t->v[k], &t->v[last]) > 0)
				last = k;
		if (last == i)
			return;
		swap(&t->v[i], &t->v[last]);
		i = last;
	}
}

static int make_room(struct ct_top *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	struct ct_item *grown;

	if (t->n < t->room)
		return 0;
	grown = reallocarray(t->v, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->v = grown;
	t->room = room;
	return 0;
}

int ct_top_add(struct ct_top *t, const struct ct_entry *ct, const void *tag)
{
	const struct ct_item item = {*ct, tag, t->seen++};

	if (t->max && t->n == t->max) {
		if (compare(t->order, &item, &t->v[0]) < 0) {
			t->v[0] = item;
			sink(t, 0);
		}
		return 0;
	}
	if (make_room(t) < 0)
		return -ENOMEM;
	t->v[t->n++] = item;
	if (t->n == t->max)
		for (size_t i = t->n / 2 + 1; i-- > 0;)
			sink(t, i);
	return 0;
}

static int for_qsort(const void *a, const void *b, void *order)
{
	return compare(*(const enum ct_order *)order, a, b);
}

void ct_top_sort(struct ct_top *t)
{
	if (t->n)
		qsort_r(t->v, t->n, sizeof(*t->v), for_qsort, &t->order);
}

void ct_top_free(struct ct_top *t)
{
	free(t->v);
	t->v = NULL;
	t->n = t->room = 0;
}
