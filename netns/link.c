/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/random.h>

/* a link message with its ifinfomsg, or NULL */
static struct nl_msg *start(int type, int flags, const struct ifinfomsg *ifi)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, flags);

	if (m && nlmsg_append(m, (void *)ifi, sizeof(*ifi), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		m = NULL;
	}
	return m;
}

static struct nl_msg *drop(struct nl_msg *m)
{
	nlmsg_free(m);
	return NULL;
}

static int put_end(struct nl_msg *m, const struct link_end *end)
{
	int r = nla_put_string(m, IFLA_IFNAME, end->name);

	if (!r && end->mtu)
		r = nla_put_u32(m, IFLA_MTU, end->mtu);
	if (!r && end->group)
		r = nla_put_u32(m, IFLA_GROUP, end->group);
	if (!r && end->ns_fd >= 0)
		r = nla_put_u32(m, IFLA_NET_NS_FD, (uint32_t)end->ns_fd);
	return r;
}

/*
 * An address of its own, at random like those that the kernel gives.  A bridge without has the lowest
 * one of its ports': it changes when that port goes or a lower one comes, and everybody on the
 * bridge sends to an address that is not there any more until his neighbour entry is renewed.
 */
static int put_own_address(struct nl_msg *m)
{
	uint8_t mac[6];

	if (getrandom(mac, sizeof(mac), 0) != sizeof(mac))
		return -errno;
	mac[0] = (uint8_t)((mac[0] & 0xfe) | 0x02); /* of one, given locally */
	return nla_put(m, IFLA_ADDRESS, sizeof(mac), mac);
}

struct nl_msg *link_msg_bridge(const struct link_end *end)
{
	struct ifinfomsg ifi = {.ifi_index = (int)end->index};
	struct nl_msg *m = start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *info, *data;

	if (!m || put_end(m, end) < 0 || put_own_address(m) < 0 ||
	    !(info = nla_nest_start(m, IFLA_LINKINFO)) ||
	    nla_put_string(m, IFLA_INFO_KIND, "bridge") < 0 ||
	    !(data = nla_nest_start(m, IFLA_INFO_DATA)) ||
	    nla_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0) < 0)
		return drop(m);
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return m;
}

/*
 * One queue, which is what a veth uses unless told otherwise: left to itself the kernel makes one
 * for each CPU, takes all but one out of use, and waits for RCU over it, twice a pair.
 */
static int put_queues(struct nl_msg *m)
{
	int r = nla_put_u32(m, IFLA_NUM_TX_QUEUES, 1);

	return !r ? nla_put_u32(m, IFLA_NUM_RX_QUEUES, 1) : r;
}

struct nl_msg *link_msg_veth(const struct link_end *a, const struct link_end *b)
{
	struct ifinfomsg ifi = {.ifi_index = (int)a->index};
	struct ifinfomsg peer_ifi = {.ifi_index = (int)b->index};
	struct nl_msg *m = start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *info, *data, *peer;

	if (!m || put_end(m, a) < 0 || put_queues(m) < 0 ||
	    !(info = nla_nest_start(m, IFLA_LINKINFO)) ||
	    nla_put_string(m, IFLA_INFO_KIND, "veth") < 0 ||
	    !(data = nla_nest_start(m, IFLA_INFO_DATA)) ||
	    !(peer = nla_nest_start(m, VETH_INFO_PEER)) ||
	    nlmsg_append(m, &peer_ifi, sizeof(peer_ifi), NLMSG_ALIGNTO) < 0 || put_end(m, b) < 0 ||
	    put_queues(m) < 0)
		return drop(m);
	nla_nest_end(m, peer);
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return m;
}

/* IFLA_AF_SPEC { AF_INET6 { no address generation } } */
static int put_no_autoconf(struct nl_msg *m)
{
	struct nlattr *af = nla_nest_start(m, IFLA_AF_SPEC), *inet6;

	if (!af || !(inet6 = nla_nest_start(m, AF_INET6)) ||
	    nla_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -ENOMEM;
	nla_nest_end(m, inet6);
	nla_nest_end(m, af);
	return 0;
}

struct nl_msg *link_msg_enslave(uint32_t index, uint32_t master)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_SETLINK, 0, &ifi);

	return m && (nla_put_u32(m, IFLA_MASTER, master) < 0 || put_no_autoconf(m) < 0) ? drop(m)
											: m;
}

struct nl_msg *link_msg_isolate(uint32_t index, bool isolated)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_NEWLINK, 0, &ifi);
	struct nlattr *info, *data;

	if (!m || !(info = nla_nest_start(m, IFLA_LINKINFO)) ||
	    nla_put_string(m, IFLA_INFO_SLAVE_KIND, "bridge") < 0 ||
	    !(data = nla_nest_start(m, IFLA_INFO_SLAVE_DATA)) ||
	    nla_put_u8(m, IFLA_BRPORT_ISOLATED, isolated) < 0)
		return drop(m);
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return m;
}

struct nl_msg *link_msg_up(uint32_t index, uint32_t mtu)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nl_msg *m = start(RTM_NEWLINK, 0, &ifi);

	return m && mtu && nla_put_u32(m, IFLA_MTU, mtu) < 0 ? drop(m) : m;
}

struct nl_msg *link_msg_mtu(uint32_t index, uint32_t mtu)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_NEWLINK, 0, &ifi);

	return m && nla_put_u32(m, IFLA_MTU, mtu) < 0 ? drop(m) : m;
}

struct nl_msg *link_msg_down(uint32_t index)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index, .ifi_change = IFF_UP};

	return start(RTM_NEWLINK, 0, &ifi);
}

struct nl_msg *link_msg_no_autoconf(uint32_t index)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_SETLINK, 0, &ifi);

	return m && put_no_autoconf(m) < 0 ? drop(m) : m;
}

struct nl_msg *link_msg_altnames(uint32_t index, const char *const *names)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL, &ifi);
	struct nlattr *list;

	if (!m || !(list = nla_nest_start(m, IFLA_PROP_LIST)))
		return drop(m);
	for (; *names; names++)
		if (nla_put_string(m, IFLA_ALT_IFNAME, *names) < 0)
			return drop(m);
	nla_nest_end(m, list);
	return m;
}

struct nl_msg *link_msg_delete(uint32_t index)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};

	return start(RTM_DELLINK, 0, &ifi);
}

struct nl_msg *link_msg_group(uint32_t index, uint32_t group)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct nl_msg *m = start(RTM_SETLINK, 0, &ifi);

	return m && nla_put_u32(m, IFLA_GROUP, group) < 0 ? drop(m) : m;
}

struct nl_msg *link_msg_delete_group(uint32_t group)
{
	struct ifinfomsg ifi = {0};
	struct nl_msg *m = start(RTM_DELLINK, 0, &ifi);

	return m && nla_put_u32(m, IFLA_GROUP, group) < 0 ? drop(m) : m;
}

/* --- looking ------------------------------------------------------------------- */

struct look {
	uint32_t index;
	char name[IFNAMSIZ];
	const char *altname; /* wanted */
	bool has_altname;
};

static int take_link(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct look *l = arg;
	struct nlattr *tb[IFLA_MAX + 1], *a;
	int rem;

	if (nlmsg_parse((struct nlmsghdr *)nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return err_set(e, EPROTO, "the kernel's answer about a link is malformed");
	l->index = (uint32_t)ifi->ifi_index;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(l->name, tb[IFLA_IFNAME], sizeof(l->name));
	if (!l->altname || !tb[IFLA_PROP_LIST])
		return 0;
	nla_for_each_nested(a, tb[IFLA_PROP_LIST], rem) {
		if (nla_type(a) == IFLA_ALT_IFNAME && !strcmp(nla_data(a), l->altname))
			l->has_altname = true;
	}
	return 0;
}

int link_index(struct chan *rtnl, const char *name, uint32_t *ret, struct err *e)
{
	struct ifinfomsg ifi = {0};
	struct nl_msg *m = start(RTM_GETLINK, 0, &ifi);
	struct look l = {0};
	int r;

	if (m && nla_put_string(m, IFLA_IFNAME, name) < 0)
		m = drop(m);
	r = chan_dump(rtnl, m, take_link, &l, e);
	if (r < 0)
		return err_wrap(e, "interface %s", name);
	*ret = l.index;
	return 0;
}

int link_is(struct chan *rtnl, uint32_t index, const char *name, const char *altname, struct err *e)
{
	struct ifinfomsg ifi = {.ifi_index = (int)index};
	struct look l = {.altname = altname};
	int r = chan_dump(rtnl, start(RTM_GETLINK, 0, &ifi), take_link, &l, e);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return err_wrap(e, "interface %s", name);
	return !strcmp(l.name, name) && (!altname || l.has_altname);
}
