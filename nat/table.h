/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our table in a transaction.  Private to this room.
 */
#ifndef WARREN_NAT_TABLE_H
#define WARREN_NAT_TABLE_H

#include <stdint.h>

#include "nat/batch.h"

/* table_put_new - @owner: its comment, or NULL.  @flags: NLM_F_*.  Returns 0 or -ENOMEM. */
int table_put_new(struct batch *b, const char *owner, uint16_t flags);

/* table_put_delete - by its handle, or where that is 0 by its name.  Returns 0 or -ENOMEM. */
int table_put_delete(struct batch *b, uint64_t handle);

#endif
