/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as the messages that make it: what nat_apply() sends, and what nat_compare() holds
 * against the kernel's own list.  Private to this room.
 */
#ifndef WARREN_NAT_MESSAGES_H
#define WARREN_NAT_MESSAGES_H

#include <stddef.h>

#include "nat/batch.h"
#include "nat/ruleset.h"

/* what a message is about, its tag: a chain, or one of its rules with the sets of that */
struct subject {
	const struct chain *chain;
	const struct rule *rule; /* NULL: the chain */
};

/* subjects_new - room for the tags of ruleset_put(); free(3) it after the batch.  NULL: no memory. */
struct subject *subjects_new(const struct nat_ruleset *rs);

/*
 * ruleset_put - the chains, then their rules, each behind the anonymous sets that it uses.  The
 * table is not among them.  The numbers of the sets (NFTA_SET_ID) are unique in @b.
 * Returns 0 or -ENOMEM.
 */
int ruleset_put(struct batch *b, const struct nat_ruleset *rs, struct subject *subjects);

#endif
