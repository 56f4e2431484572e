/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/observe.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_TRIES 5 /* a dump that a change interrupted is asked for again */

struct look {
	struct arena *arena;
	struct netns_seen *seen;
	bool with_lo;
};

/* --- links ----------------------------------------------------------------------------- */

static void take_info(struct link_seen *k, const struct nlattr *info)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1], *port[IFLA_BRPORT_MAX + 1];
	const struct nlattr *data;

	if (nla_parse_nested(tb, IFLA_INFO_MAX, (struct nlattr *)info, NULL) < 0)
		return;
	if (tb[IFLA_INFO_KIND])
		nla_strlcpy(k->kind, tb[IFLA_INFO_KIND], sizeof(k->kind));
	data = tb[IFLA_INFO_SLAVE_DATA];
	if (!data || !tb[IFLA_INFO_SLAVE_KIND] ||
	    strcmp(nla_get_string(tb[IFLA_INFO_SLAVE_KIND]), "bridge") ||
	    nla_parse_nested(port, IFLA_BRPORT_MAX, (struct nlattr *)data, NULL) < 0)
		return;
	k->isolated = port[IFLA_BRPORT_ISOLATED] && nla_get_u8(port[IFLA_BRPORT_ISOLATED]);
}

static void take_af_spec(struct link_seen *k, struct nlattr *spec)
{
	struct nlattr *inet6 = nla_find(nla_data(spec), nla_len(spec), AF_INET6), *mode;

	if (!inet6)
		return;
	k->inet6 = true;
	mode = nla_find(nla_data(inet6), nla_len(inet6), IFLA_INET6_ADDR_GEN_MODE);
	k->no_autoconf = mode && nla_get_u8(mode) == IN6_ADDR_GEN_MODE_NONE;
}

static int take_altnames(const struct look *l, struct link_seen *k, struct nlattr *list)
{
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, list, rem) {
		const char **grown;

		if (nla_type(a) != IFLA_ALT_IFNAME)
			continue;
		grown = arena_grow(l->arena, k->altnames, k->n_altnames, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		k->altnames = grown;
		grown[k->n_altnames] = arena_strdup(l->arena, nla_data(a));
		if (!grown[k->n_altnames++])
			return -ENOMEM;
	}
	return 0;
}

static int take_link(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	const struct look *l = arg;
	struct links_seen *links = &l->seen->links;
	struct nlattr *tb[IFLA_MAX + 1];
	struct link_seen *grown, *k;

	if ((ifi->ifi_flags & IFF_LOOPBACK) && !l->with_lo)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's list of links is malformed");
	grown = arena_grow(l->arena, links->v, links->n, sizeof(*links->v));
	if (!grown)
		return err_code(e, ENOMEM, "list links");
	links->v = grown;
	k = &links->v[links->n++];
	*k = (struct link_seen){.index = (uint32_t)ifi->ifi_index,
				.up = ifi->ifi_flags & IFF_UP,
				.loopback = ifi->ifi_flags & IFF_LOOPBACK};
	if (tb[IFLA_IFNAME])
		nla_strlcpy(k->name, tb[IFLA_IFNAME], sizeof(k->name));
	if (tb[IFLA_MASTER])
		k->master = nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_MTU])
		k->mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_LINKINFO])
		take_info(k, tb[IFLA_LINKINFO]);
	if (tb[IFLA_AF_SPEC])
		take_af_spec(k, tb[IFLA_AF_SPEC]);
	if (tb[IFLA_LINK] && !strcmp(k->kind, "veth"))
		k->peer = nla_get_u32(tb[IFLA_LINK]);
	if (tb[IFLA_PROP_LIST] && take_altnames(l, k, tb[IFLA_PROP_LIST]) < 0)
		return err_code(e, ENOMEM, "list links");
	return 0;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	const struct look *l = arg;
	struct links_seen *links = &l->seen->links;
	struct nlattr *tb[IFA_MAX + 1], *a;
	struct ip_prefix p = {.addr.family = ifa->ifa_family, .len = ifa->ifa_prefixlen};
	struct ip_prefix *grown;

	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's list of addresses is malformed");
	a = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!a || (size_t)nla_len(a) != ip_addr_size(&p.addr))
		return 0;
	memcpy(p.addr.bytes, nla_data(a), (size_t)nla_len(a));
	if (ifa->ifa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&p.addr.v6))
		return 0;
	for (size_t i = 0; i < links->n; i++) {
		struct link_seen *k = &links->v[i];

		if (k->index != ifa->ifa_index)
			continue;
		grown = arena_grow(l->arena, k->addresses, k->n_addresses, sizeof(p));
		if (!grown)
			return err_code(e, ENOMEM, "list addresses");
		k->addresses = grown;
		grown[k->n_addresses++] = p;
		break;
	}
	return 0;
}

/* --- routes ------------------------------------------------------------------------------ */

static int take_route(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);
	const struct look *l = arg;
	struct netns_seen *seen = l->seen;
	struct route_spec r = {.to.addr.family = rtm->rtm_family, .to.len = rtm->rtm_dst_len};
	struct nlattr *tb[RTA_MAX + 1];
	struct route_spec *grown;

	if (rtm->rtm_type != RTN_UNICAST || rtm->rtm_protocol == RTPROT_KERNEL ||
	    rtm->rtm_protocol == RTPROT_RA || (rtm->rtm_flags & RTM_F_CLONED) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's list of routes is malformed");
	if (tb[RTA_DST] && (size_t)nla_len(tb[RTA_DST]) == ip_addr_size(&r.to.addr))
		memcpy(r.to.addr.bytes, nla_data(tb[RTA_DST]), ip_addr_size(&r.to.addr));
	if (tb[RTA_GATEWAY] && (size_t)nla_len(tb[RTA_GATEWAY]) == ip_addr_size(&r.to.addr)) {
		r.has_via = true;
		r.via.family = rtm->rtm_family;
		memcpy(r.via.bytes, nla_data(tb[RTA_GATEWAY]), ip_addr_size(&r.to.addr));
	}
	r.index = tb[RTA_OIF] ? nla_get_u32(tb[RTA_OIF]) : 0;
	r.has_metric = tb[RTA_PRIORITY];
	r.metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
	r.table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rtm->rtm_table;
	grown = arena_grow(l->arena, seen->routes, seen->n_routes, sizeof(r));
	if (!grown)
		return err_code(e, ENOMEM, "list routes");
	seen->routes = grown;
	grown[seen->n_routes++] = r;
	return 0;
}

/* --- the dumps ----------------------------------------------------------------------------- */

static struct nl_msg *dump_msg(int type, const void *head, size_t len)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_DUMP);

	if (m && nlmsg_append(m, (void *)head, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		m = NULL;
	}
	return m;
}

static struct nl_msg *dump_links(void)
{
	const struct ifinfomsg ifi = {0};
	struct nl_msg *m = dump_msg(RTM_GETLINK, &ifi, sizeof(ifi));

	/* statistics would be most of the answer */
	if (m && nla_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0) {
		nlmsg_free(m);
		m = NULL;
	}
	return m;
}

static int dump_all(struct chan *rtnl, struct look *l, bool routes, struct err *e)
{
	const struct ifaddrmsg ifa = {0};
	const struct rtmsg rtm = {0};
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		*l->seen = (struct netns_seen){0};
		r = chan_dump(rtnl, dump_links(), take_link, l, e);
		if (!r)
			r = chan_dump(rtnl, dump_msg(RTM_GETADDR, &ifa, sizeof(ifa)), take_addr, l,
				      e);
		if (!r && routes)
			r = chan_dump(rtnl, dump_msg(RTM_GETROUTE, &rtm, sizeof(rtm)), take_route,
				      l, e);
	}
	return r;
}

int netns_observe(struct chan *rtnl, struct arena *arena, struct netns_seen *ret, struct err *e)
{
	struct netns_seen seen = {0};
	struct look l = {.arena = arena, .seen = &seen, .with_lo = true};
	int r = dump_all(rtnl, &l, true, e);

	if (!r)
		*ret = seen;
	return r;
}

int links_observe(struct chan *rtnl, struct links_seen *ret, struct err *e)
{
	struct netns_seen seen = {0};
	struct look l = {.arena = arena_new(0), .seen = &seen};
	int r = l.arena ? dump_all(rtnl, &l, false, e) : err_code(e, ENOMEM, "list links");

	if (r < 0) {
		arena_free(l.arena);
		return r;
	}
	*ret = seen.links;
	ret->arena = l.arena;
	return 0;
}

/* --- looking at it --------------------------------------------------------------------------- */

const struct link_seen *links_find(const struct links_seen *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

bool link_has_altname(const struct link_seen *l, const char *name)
{
	for (size_t i = 0; i < l->n_altnames; i++)
		if (!strcmp(l->altnames[i], name))
			return true;
	return false;
}

bool link_has_address(const struct link_seen *l, const struct ip_prefix *p)
{
	for (size_t i = 0; i < l->n_addresses; i++)
		if (l->addresses[i].len == p->len && !ip_addr_cmp(&l->addresses[i].addr, &p->addr))
			return true;
	return false;
}

void links_seen_free(struct links_seen *l)
{
	arena_free(l->arena);
	*l = (struct links_seen){0};
}
