/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/addr.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>

#include "netns/sysctl.h"

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

static struct nl_msg *addr_msg_del(uint32_t index, const struct ip_prefix *prefix)
{
	struct rtnl_addr *a = build_addr(index, prefix);
	struct nl_msg *m = NULL;

	if (!a || rtnl_addr_build_delete_request(a, 0, &m) < 0)
		m = NULL;
	rtnl_addr_put(a);
	return m;
}

int addr_remove(struct chan *rtnl, uint32_t index, const struct ip_prefix *prefix, struct err *e)
{
	char ifname[IF_NAMESIZE], key[64], was[16] = "";
	struct err why = ERR_INIT;
	int r;

	if (prefix->addr.family == AF_INET && if_indextoname(index, ifname)) {
		snprintf(key, sizeof(key), "net/ipv4/conf/%s/promote_secondaries", ifname);
		if (sysctl_get(key, was, sizeof(was), &why) < 0 || !strcmp(was, "1") ||
		    sysctl_set(key, "1", &why) < 0)
			was[0] = '\0';
	}
	r = chan_do(rtnl, addr_msg_del(index, prefix), e);
	if (was[0])
		(void)sysctl_set(key, was, &why);
	return r == -EADDRNOTAVAIL || r == -ENODEV ? 0 : r;
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

struct nl_msg *route_msg_add(const struct route_spec *s, bool replace)
{
	const int flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
	struct rtnl_route *r = build_route(s);
	struct nl_msg *m = NULL;

	if (!r || rtnl_route_build_add_request(r, flags, &m) < 0)
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

/* --- looking ------------------------------------------------------------------------- */

struct route_look {
	const struct route_spec *wanted;
	bool found;
};

static bool has_gateway(const struct route_spec *s, const struct nlattr *via)
{
	if (!s->has_via || !via)
		return !s->has_via && !via;
	return (size_t)nla_len(via) == ip_addr_size(&s->via) &&
	       !memcmp(nla_data(via), s->via.bytes, ip_addr_size(&s->via));
}

static int take_route(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);
	struct route_look *l = arg;
	const struct route_spec *s = l->wanted;
	struct nlattr *tb[RTA_MAX + 1];
	struct ip_prefix to = {.addr.family = rtm->rtm_family, .len = rtm->rtm_dst_len};
	/* IPv6 routes without a metric get one of 1024 */
	uint32_t metric = s->has_metric ? s->metric : s->to.addr.family == AF_INET6 ? 1024 : 0;

	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's list of routes is malformed");
	if (tb[RTA_DST] && (size_t)nla_len(tb[RTA_DST]) == ip_addr_size(&to.addr))
		memcpy(to.addr.bytes, nla_data(tb[RTA_DST]), ip_addr_size(&to.addr));
	l->found |= rtm->rtm_type == RTN_UNICAST && to.len == s->to.len &&
		    !ip_addr_cmp(&to.addr, &s->to.addr) &&
		    (tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rtm->rtm_table) == s->table &&
		    (tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0) == metric &&
		    (!s->index || (tb[RTA_OIF] && nla_get_u32(tb[RTA_OIF]) == s->index)) &&
		    has_gateway(s, tb[RTA_GATEWAY]);
	return 0;
}

int route_exists(struct chan *rtnl, const struct route_spec *s, struct err *e)
{
	const struct rtmsg rtm = {.rtm_family = (unsigned char)s->to.addr.family};
	struct route_look l = {.wanted = s};
	int r = -EINTR;

	for (int i = 0; i < 5 && r == -EINTR; i++) {
		struct nl_msg *m = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);

		if (m && nlmsg_append(m, (void *)&rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0) {
			nlmsg_free(m);
			m = NULL;
		}
		l.found = false;
		r = chan_dump(rtnl, m, take_route, &l, e);
	}
	return r < 0 ? r : l.found;
}
