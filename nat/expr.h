/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements as the kernel's expressions and sets, by libnftnl.  Private to this room.
 */
#ifndef WARREN_NAT_EXPR_H
#define WARREN_NAT_EXPR_H

#include <libnftnl/rule.h>
#include <libnftnl/set.h>

#include "nat/ruleset.h"

/*
 * stmt_set - the anonymous set that @s looks something up in, with its elements.
 * *@ret: NULL where it needs none; else the caller's.  Returns 0 or -ENOMEM.
 */
int stmt_set(const struct stmt *s, uint32_t set_id, struct nftnl_set **ret);

/* stmt_expressions - append what @s means to @r.  @set_id: of its set.  Returns 0 or -ENOMEM. */
int stmt_expressions(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r);

/* stmt_kernel_option - what the kernel must be built with for @s; NULL: nf_tables alone. */
const char *stmt_kernel_option(const struct stmt *s);

#endif
