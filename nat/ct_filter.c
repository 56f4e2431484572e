/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_filter.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "nat/ct_put.h"
#include "nat/kernel.h"

/* net/netfilter/nf_internals.h; no header for programs has them */
#define FILTER_IP_SRC    (1u << 0)
#define FILTER_IP_DST    (1u << 1)
#define FILTER_PROTO_NUM (1u << 3)
#define FILTER_SRC_PORT  (1u << 4)
#define FILTER_DST_PORT  (1u << 5)

/* --- matching -------------------------------------------------------------------------- */

struct place {
	const struct ip_addr *addr;
	bool has_port;
	uint16_t port;
};

static struct place place_of(const struct ct_entry *ct, enum ct_where where)
{
	const struct ct_tuple *t = where <= CT_ORIG_DST ? &ct->orig : &ct->reply;
	const bool src = where == CT_ORIG_SRC || where == CT_REPLY_SRC;

	if (t->has_icmp)
		return (struct place){src ? &t->src : &t->dst, true, t->icmp_id};
	return (struct place){src ? &t->src : &t->dst, t->has_ports, src ? t->sport : t->dport};
}

/* address and port of one place; of CT_ANYWHERE, both have to be of the same one */
static bool match_place(const struct ct_filter *f, enum ct_where asked, const struct ct_entry *ct,
			enum ct_where where)
{
	const struct place p = place_of(ct, where);

	if (f->has_prefix[asked] && !ip_prefix_contains(&f->prefix[asked], p.addr))
		return false;
	return !f->has_ports[asked] ||
	       (p.has_port && p.port >= f->ports[asked].first && p.port <= f->ports[asked].last);
}

static bool match_places(const struct ct_filter *f, const struct ct_entry *ct)
{
	for (enum ct_where w = CT_ORIG_SRC; w < CT_ANYWHERE; w++)
		if (!match_place(f, w, ct, w))
			return false;
	for (enum ct_where w = CT_ORIG_SRC; w < CT_ANYWHERE; w++)
		if (match_place(f, CT_ANYWHERE, ct, w))
			return true;
	return false;
}

/* all that every kernel says of an entry */
static bool match_plain(const struct ct_filter *f, const struct ct_entry *ct)
{
	const char *state = f->state ? ct_state_name(ct) : NULL;

	if (f->has_proto && f->proto != ct->l4proto)
		return false;
	if (f->state && (!state || strcmp(state, f->state)))
		return false;
	if ((ct->status & f->status_mask) != f->status)
		return false;
	if (f->not_status && (ct->status & f->not_status) == f->not_status)
		return false;
	if (f->has_mark && (ct->mark & f->mark_mask) != f->mark)
		return false;
	return match_places(f, ct);
}

bool ct_filter_match(const struct ct_filter *f, const struct ct_entry *ct)
{
	if (!f)
		return true;
	if (f->has_bytes && (!ct_counted(ct) || ct->bytes[0] + ct->bytes[1] < f->bytes))
		return false;
	if (f->has_age && (!ct->has_start || ct->start > f->now_ns ||
			   (f->now_ns - ct->start) / 1000000000 < f->age_s))
		return false;
	return match_plain(f, ct);
}

bool ct_filter_blind(const struct ct_filter *f, const struct ct_entry *ct)
{
	return f && ((f->has_bytes && !ct_counted(ct)) || (f->has_age && !ct->has_start)) &&
	       match_plain(f, ct);
}

bool ct_filter_empty(const struct ct_filter *f)
{
	if (!f)
		return true;
	for (enum ct_where w = 0; w < CT_WHERES; w++)
		if (f->has_prefix[w] || f->has_ports[w])
			return false;
	return !f->has_proto && !f->state && !f->status_mask && !f->not_status && !f->has_mark &&
	       !f->has_bytes && !f->has_age;
}

int ct_filter_family(const struct ct_filter *f)
{
	for (enum ct_where w = 0; f && w < CT_WHERES; w++)
		if (f->has_prefix[w])
			return f->prefix[w].addr.family;
	if (f && f->has_proto && f->proto == IPPROTO_ICMP)
		return AF_INET;
	if (f && f->has_proto && f->proto == IPPROTO_ICMPV6)
		return AF_INET6;
	return AF_UNSPEC;
}

/* --- for the kernel ---------------------------------------------------------------------- */

/*
 * Of IPv6, kernels leave out just those that match: ctnetlink_filter_match_tuple() takes
 * ipv6_addr_cmp() for "equal" (seen in 6.18).
 */
static bool is_whole(const struct ct_filter *f, enum ct_where w)
{
	return f->has_prefix[w] && f->prefix[w].addr.family == AF_INET && f->prefix[w].len == 32;
}

static bool is_single(const struct ct_filter *f, enum ct_where w)
{
	return f->has_proto && (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP) &&
	       f->has_ports[w] && f->ports[w].first == f->ports[w].last;
}

/* one direction: its tuple, and which parts of it count */
static uint32_t put_direction(struct nlmsghdr *nlh, uint16_t type, const struct ct_filter *f,
			      enum ct_where src, enum ct_where dst, bool with_proto)
{
	struct ct_tuple t = {.src = f->prefix[src].addr, .dst = f->prefix[dst].addr};
	uint32_t flags = (is_whole(f, src) ? FILTER_IP_SRC : 0) |
			 (is_whole(f, dst) ? FILTER_IP_DST : 0) |
			 (is_single(f, src) ? FILTER_SRC_PORT : 0) |
			 (is_single(f, dst) ? FILTER_DST_PORT : 0);

	if (f->has_proto && (with_proto || flags & (FILTER_SRC_PORT | FILTER_DST_PORT)))
		flags |= FILTER_PROTO_NUM;
	if (!flags)
		return 0;
	if (!is_whole(f, src))
		t.src.family = AF_UNSPEC;
	if (!is_whole(f, dst))
		t.dst.family = AF_UNSPEC;
	t.has_ports = (flags & (FILTER_SRC_PORT | FILTER_DST_PORT)) != 0;
	t.sport = f->ports[src].first;
	t.dport = f->ports[dst].first;
	ct_put_tuple(nlh, type, &t, f->proto);
	return flags;
}

/* tuples are of one family, so the kernel takes them only where that is said */
static void put_tuples(struct nlmsghdr *nlh, const struct ct_filter *f)
{
	uint32_t orig = put_direction(nlh, CTA_TUPLE_ORIG, f, CT_ORIG_SRC, CT_ORIG_DST, true);
	uint32_t reply = put_direction(nlh, CTA_TUPLE_REPLY, f, CT_REPLY_SRC, CT_REPLY_DST, false);
	struct nlattr *nest;

	if (!orig && !reply)
		return;
	nest = mnl_attr_nest_start(nlh, CTA_FILTER);
	/* in the machine's byte order, unlike all else */
	mnl_attr_put_u32(nlh, CTA_FILTER_ORIG_FLAGS, orig);
	mnl_attr_put_u32(nlh, CTA_FILTER_REPLY_FLAGS, reply);
	mnl_attr_nest_end(nlh, nest);
}

void ct_filter_put(struct nlmsghdr *nlh, const struct ct_filter *f)
{
	if (!f)
		return;
	if (ct_filter_family(f) != AF_UNSPEC)
		put_tuples(nlh, f);
	if (f->status_mask) {
		mnl_attr_put_u32(nlh, CTA_STATUS, htobe32(f->status));
		mnl_attr_put_u32(nlh, CTA_STATUS_MASK, htobe32(f->status_mask));
	}
	if (f->has_mark) {
		mnl_attr_put_u32(nlh, CTA_MARK, htobe32(f->mark));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htobe32(f->mark_mask));
	}
}
