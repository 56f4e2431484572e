/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which conntrack entries are meant.
 *
 * Theory of operation.  What a filter says is told to the kernel as far as it understands, so that a
 * dump copies only those: whole IPv4 addresses, with an address or a family the protocol and single
 * ports, status and mark.  Prefixes, ranges, counters and times it knows nothing of, and older kernels
 * pass over what they do not know.  So whoever dumps asks ct_filter_match() about every entry again.
 */
#ifndef WARREN_NAT_CT_FILTER_H
#define WARREN_NAT_CT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "nat/conntrack.h"

/* the places of an entry that have an address and a port */
enum ct_where {
	CT_ORIG_SRC,  /* who began the session: the inside */
	CT_ORIG_DST,  /* whom it asked */
	CT_REPLY_SRC, /* who answers */
	CT_REPLY_DST, /* whom the answer goes to: the NAPT's address and port */
	CT_ANYWHERE,  /* one of the four */
	CT_WHERES,
};

struct ct_ports {
	uint16_t first, last; /* host byte order, both included */
};

struct ct_filter {
	bool has_proto;
	uint8_t proto; /* IPPROTO_TCP … */
	bool has_prefix[CT_WHERES];
	struct ip_prefix prefix[CT_WHERES];
	bool has_ports[CT_WHERES];
	struct ct_ports ports[CT_WHERES]; /* of ICMP: its id, which it has in both directions */
	const char *state;                /* what ct_state_name() says; NULL: any */
	uint32_t status, status_mask;     /* IPS_*: the bits of the mask are these */
	uint32_t not_status;              /* IPS_*: one of these is not set */
	bool has_mark;
	uint32_t mark, mark_mask;
	bool has_bytes;
	uint64_t bytes; /* at least, of both directions */
	bool has_age;
	uint64_t age_s;  /* at least, seconds since it began */
	uint64_t now_ns; /* for age_s: nanoseconds since the epoch */
};

/* ct_filter_empty - does every entry match?  @f: NULL does. */
bool ct_filter_empty(const struct ct_filter *f);

/*
 * ct_filter_match - is @ct meant?  An entry whose kernel does not count (nf_conntrack_acct=0) has no
 * bytes, one without a start (nf_conntrack_timestamp=0) no age: they do not match where that is
 * asked for.  Pure.
 */
bool ct_filter_match(const struct ct_filter *f, const struct ct_entry *ct);

/* ct_filter_blind - would @ct perhaps match if its kernel counted, or noted when it began? */
bool ct_filter_blind(const struct ct_filter *f, const struct ct_entry *ct);

/* ct_filter_family - AF_INET or AF_INET6 where no entry of the other family can match; AF_UNSPEC. */
int ct_filter_family(const struct ct_filter *f);

struct nlmsghdr;

/*
 * ct_filter_put - what the kernel understands of @f, as attributes of a dump request at @nlh, which
 * has room for 256 bytes more.  CTA_FILTER, CTA_STATUS, CTA_MARK: ctnetlink_alloc_filter() in
 * net/netfilter/nf_conntrack_netlink.c, Linux 5.8; the family goes into the nfgenmsg.
 */
void ct_filter_put(struct nlmsghdr *nlh, const struct ct_filter *f);

#endif
