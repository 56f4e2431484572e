/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what the kernel lists what we would send?  Pure.  Private to this room.
 *
 * Theory of operation.  The kernel lists rules in the same attributes in which it gets them.  So
 * two expressions are the same if each attribute of ours stands in the kernel's list with the
 * same bytes; in which order does not matter.  What only the kernel's has must be zero: it fills
 * in flags and offsets that nobody gave, and zero is what they mean then; anything else says
 * something that ours does not, also where it is of a kernel newer than this program.  expr.c
 * gives those attributes which the kernel would fill in with other values.  Three are passed over:
 * a counter's numbers, and an anonymous set's name and number, for which the sets themselves are
 * compared.
 */
#ifndef WARREN_NAT_MATCH_H
#define WARREN_NAT_MATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/ruleset.h"

/* match_chain - is @have (NFT_MSG_NEWCHAIN) the base chain @want?  @policy: and is that the same? */
bool match_chain(const struct chain *want, const struct nlmsghdr *have, bool policy);

/*
 * match_rule - does the rule @have (NFT_MSG_NEWRULE) do what @want does?
 * @lookup: called for each look-up in a set, with the number in @want and the name in @have.
 */
bool match_rule(const struct nlmsghdr *want, const struct nlmsghdr *have,
		void (*lookup)(uint32_t set_id, const char *name, void *arg), void *arg);

/* match_set - are the two (NFT_MSG_NEWSET) of one kind?  Names and elements are not compared. */
bool match_set(const struct nlmsghdr *want, const struct nlmsghdr *have);

/* the elements of a wanted set, and which of them were seen */
struct elements {
	struct element *all;
	size_t n, n_seen, cap;
};

/* elements_add - those of a message (NFT_MSG_NEWSETELEM) are wanted.  Returns 0, -ENOMEM or -EBADMSG. */
int elements_add(struct elements *es, const struct nlmsghdr *want);

/* elements_sort - after the last one was added, before the first is seen. */
void elements_sort(struct elements *es);

/* elements_see - those of @have are there.  False: one is not wanted, or was seen before. */
bool elements_see(struct elements *es, const struct nlmsghdr *have);

void elements_free(struct elements *es);

#endif
