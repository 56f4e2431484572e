/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/addr.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

static struct nl_addr *nl_addr_from(const struct ip_addr *a, unsigned int len)
{
	struct nl_addr *na = nl_addr_build(a->family, (void *)a->bytes, ip_addr_size(a));

	if (na)
		nl_addr_set_prefixlen(na, (int)len);
	return na;
}

/* the IPv4 broadcast address, as `ip addr add … brd +` has it; NULL where there is none */
static struct nl_addr *broadcast_of(const struct ip_prefix *p)
{
	struct ip_prefix b;

	if (p->addr.family != AF_INET || p->len > 30)
		return NULL;
	b = ip_prefix_network(p);
	b.addr.v4.s_addr |= htonl(0xffffffffU >> p->len);
	return nl_addr_from(&b.addr, 32);
}

static struct rtnl_addr *build_addr(uint32_t index, const struct ip_prefix *p)
{
	struct nl_addr *local = nl_addr_from(&p->addr, p->len), *brd = broadcast_of(p);
	struct rtnl_addr *a = rtnl_addr_alloc();

	if (a && local && rtnl_addr_set_local(a, local) == 0) {
		rtnl_addr_set_ifindex(a, (int)index);
		if (brd)
			(void)rtnl_addr_set_broadcast(a, brd);
		if (p->addr.family == AF_INET6)
			rtnl_addr_set_flags(a, IFA_F_NODAD);
	} else {
		rtnl_addr_put(a);
		a = NULL;
	}
	nl_addr_put(local);
	nl_addr_put(brd);
	return a;
}

struct nl_msg *addr_msg_add(uint32_t index, const struct ip_prefix *prefix)
{
	struct rtnl_addr *a = build_addr(index, prefix);
	struct nl_msg *m = NULL;

	if (!a || rtnl_addr_build_add_request(a, NLM_F_CREATE | NLM_F_EXCL, &m) < 0)
		m = NULL;
	rtnl_addr_put(a);
	return m;
}

struct nl_msg *addr_msg_del(uint32_t index, const struct ip_prefix *prefix)
{
	struct rtnl_addr *a = build_addr(index, prefix);
	struct nl_msg *m = NULL;

	if (!a || rtnl_addr_build_delete_request(a, 0, &m) < 0)
		m = NULL;
	rtnl_addr_put(a);
	return m;
}

static struct rtnl_route *build_route(const struct route_spec *s)
{
	struct nl_addr *to = nl_addr_from(&s->to.addr, s->to.len), *via = NULL;
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();

	if (!to || !r || !nh || rtnl_route_set_dst(r, to) < 0)
		goto fail;
	rtnl_route_set_table(r, s->table);
	rtnl_route_set_protocol(r, RTPROT_BOOT);
	rtnl_route_set_scope(r, s->has_via || s->to.addr.family == AF_INET6 ? RT_SCOPE_UNIVERSE
									    : RT_SCOPE_LINK);
	if (s->has_metric)
		rtnl_route_set_priority(r, s->metric);
	if (s->index)
		rtnl_route_nh_set_ifindex(nh, (int)s->index);
	if (s->has_via) {
		via = nl_addr_from(&s->via, ip_addr_bits(&s->via));
		if (!via)
			goto fail;
		rtnl_route_nh_set_gateway(nh, via);
	}
	rtnl_route_add_nexthop(r, nh);
	nl_addr_put(to);
	nl_addr_put(via);
	return r;
fail:
	nl_addr_put(to);
	rtnl_route_put(r);
	if (nh)
		rtnl_route_nh_free(nh);
	return NULL;
}

struct nl_msg *route_msg_add(const struct route_spec *s)
{
	struct rtnl_route *r = build_route(s);
	struct nl_msg *m = NULL;

	if (!r || rtnl_route_build_add_request(r, NLM_F_CREATE | NLM_F_EXCL, &m) < 0)
		m = NULL;
	rtnl_route_put(r);
	return m;
}

struct nl_msg *route_msg_del(const struct route_spec *s)
{
	struct rtnl_route *r = build_route(s);
	struct nl_msg *m = NULL;

	if (!r || rtnl_route_build_del_request(r, 0, &m) < 0)
		m = NULL;
	rtnl_route_put(r);
	return m;
}
