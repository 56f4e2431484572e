/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a namespace's conntrack has to do: its own counters, and sums over entries.
 */
#ifndef WARREN_NAT_CT_STATS_H
#define WARREN_NAT_CT_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "nat/conntrack.h"

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

/* what went wrong since the namespace was made, in packets, of all CPUs together */
struct ct_faults {
	uint64_t invalid;       /* that belong to no session */
	uint64_t insert_failed; /* whose session could not be entered: another took its place */
	uint64_t drop;          /* dropped, for want of room or memory */
	uint64_t early_drop;    /* sessions thrown out to make room for others */
	uint64_t error;         /* with a broken header */
};

/*
 * ct_faults - the same counters as `conntrack -S` of the namespace of @sock (AF_NETLINK,
 * NETLINK_NETFILTER).  IPCTNL_MSG_CT_GET_STATS_CPU: ctnetlink_ct_stat_cpu_dump().
 * Returns 0, or -errno with @ret untouched.
 */
int ct_faults(int sock, struct ct_faults *ret, struct err *e);

/* sums over entries */
struct ct_totals {
	uint64_t sessions;
	uint64_t tcp, udp, icmp, other; /* of them; icmp: of both families */
	uint64_t unreplied, assured;
	uint64_t snat, dnat;
	uint64_t counted;              /* have counters (nf_conntrack_acct=1), which are: */
	uint64_t packets[2], bytes[2]; /* original, reply */
};

/* ct_totals_add - count @ct in @t, which is all zero at first.  Pure. */
void ct_totals_add(struct ct_totals *t, const struct ct_entry *ct);

/* ct_totals_join - add what @other has to @t.  Pure. */
void ct_totals_join(struct ct_totals *t, const struct ct_totals *other);

#endif
