/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack entries in order, and the first few of very many: only as many as are wanted are kept.
 */
#ifndef WARREN_NAT_CT_TOP_H
#define WARREN_NAT_CT_TOP_H

#include <stddef.h>

#include "nat/conntrack.h"

enum ct_order {
	CT_BY_BYTES,    /* of both directions, the most first */
	CT_BY_PACKETS,  /* the same */
	CT_BY_AGE,      /* the oldest first; without a start: last */
	CT_BY_SESSIONS, /* of whoever adds entries up; of entries: as they came */
};

struct ct_item {
	struct ct_entry ct;
	const void *tag; /* the caller's */
	size_t place;    /* how many came before; of two alike the one that came first is first */
};

struct ct_top {
	enum ct_order order;
	size_t max; /* how many are kept; 0: all */
	struct ct_item *v;
	size_t n, room, seen;
};

/*
 * ct_top_add - take a copy of @ct, with @tag, if it is among the first @t->max.  O(log max).
 * @t: all zero at first save order and max.  Returns 0 or -ENOMEM.
 */
int ct_top_add(struct ct_top *t, const struct ct_entry *ct, const void *tag);

/* ct_top_sort - put @t->v in order.  Nothing can be added afterwards. */
void ct_top_sort(struct ct_top *t);

void ct_top_free(struct ct_top *t);

#endif
