/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/observe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_TRIES 5 /* a dump that a change interrupted is asked for again */

static int take_link(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct links_seen *l = arg;
	struct nlattr *tb[IFLA_MAX + 1];
	struct link_seen *grown, *k;

	if (ifi->ifi_flags & IFF_LOOPBACK)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's list of links is malformed");
	grown = reallocarray(l->v, l->n + 1, sizeof(*l->v));
	if (!grown)
		return err_code(e, ENOMEM, "list links");
	l->v = grown;
	k = &l->v[l->n++];
	*k = (struct link_seen){.index = (uint32_t)ifi->ifi_index, .up = ifi->ifi_flags & IFF_UP};
	if (tb[IFLA_IFNAME])
		nla_strlcpy(k->name, tb[IFLA_IFNAME], sizeof(k->name));
	if (tb[IFLA_MASTER])
		k->master = nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_MTU])
		k->mtu = nla_get_u32(tb[IFLA_MTU]);
	return 0;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct links_seen *l = arg;
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
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].index != ifa->ifa_index)
			continue;
		grown = reallocarray(l->v[i].addresses, l->v[i].n_addresses + 1, sizeof(p));
		if (!grown)
			return err_code(e, ENOMEM, "list addresses");
		l->v[i].addresses = grown;
		grown[l->v[i].n_addresses++] = p;
		break;
	}
	return 0;
}

static struct nl_msg *dump_msg(int type, const void *head, size_t len)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_DUMP);

	if (m && nlmsg_append(m, (void *)head, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		m = NULL;
	}
	return m;
}

int links_observe(struct chan *rtnl, struct links_seen *ret, struct err *e)
{
	const struct ifinfomsg ifi = {0};
	const struct ifaddrmsg ifa = {0};
	struct links_seen l = {0};
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && r == -EINTR; i++) {
		links_seen_free(&l);
		r = chan_dump(rtnl, dump_msg(RTM_GETLINK, &ifi, sizeof(ifi)), take_link, &l, e);
		if (!r)
			r = chan_dump(rtnl, dump_msg(RTM_GETADDR, &ifa, sizeof(ifa)), take_addr, &l,
				      e);
	}
	if (r < 0) {
		links_seen_free(&l);
		return r;
	}
	*ret = l;
	return 0;
}

const struct link_seen *links_find(const struct links_seen *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

void links_seen_free(struct links_seen *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].addresses);
	free(l->v);
	*l = (struct links_seen){0};
}
