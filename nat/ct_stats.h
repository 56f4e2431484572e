/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a namespace's conntrack has to do, without looking at a single entry.
 */
#ifndef WARREN_NAT_CT_STATS_H
#define WARREN_NAT_CT_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct ct_count {
	uint64_t sessions; /* of this namespace: net.netfilter.nf_conntrack_count */
	bool has_max;
	uint64_t max; /* each namespace's ceiling, the same for all: nf_conntrack_max */
};

/*
 * ct_count - how many entries the namespace of @sock (AF_NETLINK, NETLINK_NETFILTER) has.  The
 * kernel's own counter, so it costs the same for none and for a million.
 * IPCTNL_MSG_CT_GET_STATS: ctnetlink_stat_ct() in net/netfilter/nf_conntrack_netlink.c.
 * Returns 0, or -errno with @ret untouched.
 */
int ct_count(int sock, struct ct_count *ret, struct err *e);

#endif
