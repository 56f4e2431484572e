/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of a set, in whatever order the kernel lists them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat/kernel.h"
#include "nat/match.h"
#include "nat/query.h"

/* bytes that belong to the message */
struct bytes {
	const void *at;
	size_t len;
};

struct element {
	struct bytes key, data; /* data: of a map */
	uint32_t flags;         /* NFT_SET_ELEM_* */
	bool seen;
};

static struct bytes value(const struct nlattr *data)
{
	const struct nlattr *attr = nest_find(data, NFTA_DATA_VALUE);

	return attr ? (struct bytes){attr_value(attr), attr_len(attr)} : (struct bytes){NULL, 0};
}

/* false: it has something that none of ours has, such as a time or a counter */
static bool parse(const struct nlattr *elem, struct element *ret)
{
	const struct nlattr *attr;

	*ret = (struct element){.seen = false};
	for (attr = nest_first(elem); attr; attr = nest_next(elem, attr)) {
		switch (attr_type(attr)) {
		case NFTA_SET_ELEM_KEY:
			ret->key = value(attr);
			break;
		case NFTA_SET_ELEM_DATA:
			ret->data = value(attr);
			break;
		case NFTA_SET_ELEM_FLAGS:
			if (!attr_u32(attr, &ret->flags))
				return false;
			break;
		case NFTA_SET_ELEM_USERDATA: /* a comment, or how nft shows it */
			break;
		default:
			return false;
		}
	}
	return ret->key.len > 0;
}

static int compare_bytes(const struct bytes *a, const struct bytes *b)
{
	int r = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);

	return r ? r : (a->len > b->len) - (a->len < b->len);
}

/* the end of one interval and the beginning of another can have one key */
static int by_key(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	int r = compare_bytes(&x->key, &y->key);

	return r ? r : (x->flags > y->flags) - (x->flags < y->flags);
}

int elements_add(struct elements *es, const struct nlmsghdr *want)
{
	const struct nlattr *list = msg_attr(want, NFTA_SET_ELEM_LIST_ELEMENTS), *attr;
	struct element *all;

	if (!list)
		return 0;
	for (attr = nest_first(list); attr; attr = nest_next(list, attr)) {
		if (es->n == es->cap) {
			es->cap = es->cap ? es->cap * 2 : 16;
			all = reallocarray(es->all, es->cap, sizeof(*all));
			if (!all)
				return -ENOMEM;
			es->all = all;
		}
		if (!parse(attr, &es->all[es->n]))
			return -EBADMSG;
		es->n++;
	}
	return 0;
}

void elements_sort(struct elements *es)
{
	if (es->n)
		qsort(es->all, es->n, sizeof(*es->all), by_key);
}

bool elements_see(struct elements *es, const struct nlmsghdr *have)
{
	const struct nlattr *list = msg_attr(have, NFTA_SET_ELEM_LIST_ELEMENTS), *attr;
	struct element one, *same;

	if (!list)
		return true;
	for (attr = nest_first(list); attr; attr = nest_next(list, attr)) {
		if (!es->n || !parse(attr, &one))
			return false;
		same = bsearch(&one, es->all, es->n, sizeof(one), by_key);
		if (!same || same->seen || one.data.len != same->data.len ||
		    (one.data.len && memcmp(one.data.at, same->data.at, one.data.len)))
			return false;
		same->seen = true;
		es->n_seen++;
	}
	return true;
}

void elements_free(struct elements *es)
{
	free(es->all);
	*es = (struct elements){.all = NULL};
}
