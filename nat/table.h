/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our table in a transaction.  Private to this room.
 */
#ifndef WARREN_NAT_TABLE_H
#define WARREN_NAT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/batch.h"

/* what is known of a table by our name */
struct table_found {
	const char *owner; /* given: whose it should be */
	bool any, ours;
	uint32_t flags; /* NFT_TABLE_F_*; ours have none */
	uint64_t handle;
};

/* table_parse - one answer to NFT_MSG_GETTABLE.  Returns 0, -EBADMSG or -ENOMEM. */
int table_parse(const struct nlmsghdr *nlh, struct table_found *f);

/* table_put_new - @owner: its comment, or NULL.  @flags: NLM_F_*.  Returns 0 or -ENOMEM. */
int table_put_new(struct batch *b, const char *owner, uint16_t flags);

/* table_put_delete - by its handle, or where that is 0 by its name.  Returns 0 or -ENOMEM. */
int table_put_delete(struct batch *b, uint64_t handle);

#endif
