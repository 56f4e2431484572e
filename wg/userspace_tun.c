/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/userspace_tun.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/ns.h"
#include "wg/userspace.h"
#include "wg/userspace_decoy.h"

#ifndef IFLA_NEW_IFINDEX
#define IFLA_NEW_IFINDEX 49
#endif

struct open_args {
	const char *ifname; /* NULL: a random one */
	uint32_t ifindex;   /* 0: the kernel's choice */
	struct tun *tun;
};

static void choose_name(const char *wanted, char name[static IFNAMSIZ])
{
	uint8_t random[5];

	randombytes_buf(random, sizeof(random));
	if (wanted)
		snprintf(name, IFNAMSIZ, "%s", wanted);
	else
		snprintf(name, IFNAMSIZ, "wt%02x%02x%02x%02x%02x", random[0], random[1], random[2],
			 random[3], random[4]);
}

static int open_here(void *arg, struct err *e)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct open_args *a = arg;
	struct ifreq ifr;
	int r;

	if (fd < 0)
		return err_errno(e, "/dev/net/tun");
	if (sock < 0)
		return err_errno(e, "open a socket");
	if (a->ifindex && ioctl(fd, TUNSETIFINDEX, &a->ifindex) < 0)
		return err_errno(e, "choose an interface's index");
	do {
		memset(&ifr, 0, sizeof(ifr));
		/* with packet information, which is what wireguard-go reads and writes */
		ifr.ifr_flags = IFF_TUN | (short)IFF_TUN_EXCL;
		choose_name(a->ifname, ifr.ifr_name);
		r = ioctl(fd, TUNSETIFF, &ifr);
	} while (r < 0 && errno == EBUSY && !a->ifname);
	if (r < 0 && errno == EBUSY)
		return err_code(e, EEXIST, "interface %s", a->ifname);
	if (r < 0)
		return err_errno(e, "make a TUN interface");
	memcpy(a->tun->name, ifr.ifr_name, sizeof(a->tun->name));
	if (ioctl(sock, SIOCGIFINDEX, &ifr) < 0)
		return err_errno(e, "interface %s", a->tun->name);
	a->tun->ifindex = ifr.ifr_ifindex;
	a->tun->fd = steal_fd(&fd);
	return 0;
}

int tun_open(int ns_fd, const char *ifname, uint32_t ifindex, struct tun *ret, struct err *e)
{
	struct open_args a = {ifname, ifindex, ret};

	return ns_run(ns_fd, open_here, &a, e);
}

static struct nl_msg *link_request(int ifindex, unsigned int flags)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = flags,
		.ifi_change = flags,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, 0);

	if (msg && nlmsg_append(msg, (void *)&info, sizeof(info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* no link-local address and none of its multicast: what WireGuard in the kernel does */
static int put_no_autoconf(struct nl_msg *msg)
{
	struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC);
	struct nlattr *inet6 = spec ? nla_nest_start(msg, AF_INET6) : NULL;

	if (!inet6 || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -ENOMEM;
	nla_nest_end(msg, inet6);
	nla_nest_end(msg, spec);
	return 0;
}

/* returns @msg, or NULL after freeing it where @failed */
static struct nl_msg *unless(bool failed, struct nl_msg *msg)
{
	if (!failed)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static bool has_ipv6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static bool same_ns(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/*
 * wireguard-go pads packets to multiples of 16 bytes, up to the MTU it knows.  Of a decoy that is
 * always its default; where another would make a difference, it must see the interface itself.
 */
static enum tun_way choose_way(const struct wg_place *place)
{
	struct err unused = ERR_INIT;

	if (same_ns(place->birth_ns, place->home_ns))
		return TUN_IN_PLACE;
	if ((place->mtu == WIREGUARD_GO_MTU || place->mtu % 16 == 0) &&
	    decoy_add_name(place, &unused) == 0)
		return TUN_DECOY;
	return TUN_MOVE;
}

static int set_up(struct chan *rtnl, int ifindex, uint32_t mtu, struct err *e)
{
	struct nl_msg *msg = link_request(ifindex, 0);
	int r;

	if (msg)
		msg = unless(nla_put_u32(msg, IFLA_MTU, mtu) < 0 ||
				     (has_ipv6() && put_no_autoconf(msg) < 0),
			     msg);
	r = chan_queue(rtnl, msg, 0, NULL, e);
	if (!r)
		r = chan_queue(rtnl, link_request(ifindex, IFF_UP), 0, NULL, e);
	if (!r)
		r = chan_flush(rtnl, NULL, e);
	return !r ? fault_point("TUN raised", e) : r;
}

static int set_up_in(int ns_fd, int ifindex, uint32_t mtu, struct err *e)
{
	struct chan *rtnl;
	int r = chan_open(ns_fd, NETLINK_ROUTE, &rtnl, e);

	if (r < 0)
		return r;
	r = set_up(rtnl, ifindex, mtu, e);
	chan_close(rtnl);
	return r;
}

int tun_create(const struct wg_place *place, struct tun *ret, struct err *e)
{
	struct tun t = {.fd = -1, .way = choose_way(place)};
	int r;

	if (t.way == TUN_MOVE)
		r = tun_open(place->birth_ns, NULL, 0, &t, e);
	else
		r = tun_open(place->home_ns, place->ifname, place->ifindex, &t, e);
	if (!r)
		r = fault_point("TUN made", e);
	if (!r && t.way == TUN_DECOY)
		r = set_up_in(place->home_ns, t.ifindex, place->mtu, e);
	else if (!r)
		r = set_up(place->birth_rtnl, t.ifindex, WIREGUARD_GO_MTU, e);
	if (!r) {
		*ret = t;
		return 0;
	}
	if (t.fd >= 0)
		close(t.fd);
	if (t.way == TUN_DECOY) {
		struct err unused = ERR_INIT;

		(void)decoy_remove_name(place, &unused);
	}
	return r;
}

int tun_set_mtu(struct chan *rtnl, int ifindex, uint32_t mtu, struct err *e)
{
	struct nl_msg *msg = link_request(ifindex, 0);

	if (msg)
		msg = unless(nla_put_u32(msg, IFLA_MTU, mtu) < 0, msg);
	return chan_do(rtnl, msg, e);
}

static struct nl_msg *move_request(const struct wg_place *place, int ifindex)
{
	struct nl_msg *msg = link_request(ifindex, 0);

	if (!msg)
		return NULL;
	return unless(nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)place->home_ns) < 0 ||
			      nla_put_string(msg, IFLA_IFNAME, place->ifname) < 0 ||
			      nla_put_u32(msg, IFLA_MTU, place->mtu) < 0 ||
			      (place->ifindex &&
			       nla_put_u32(msg, IFLA_NEW_IFINDEX, place->ifindex) < 0) ||
			      (has_ipv6() && put_no_autoconf(msg) < 0),
		      msg);
}

/* an index of 0 says: by its name */
static struct nl_msg *raise_request(const char *ifname)
{
	struct nl_msg *msg = link_request(0, IFF_UP);

	return msg ? unless(nla_put_string(msg, IFLA_IFNAME, ifname) < 0, msg) : NULL;
}

static int move_home(const struct wg_place *place, int ifindex, struct err *e)
{
	struct chan *home;
	int r;

	/* opened first, so that nothing slow lies between the move, which lowers it, and the raising */
	r = chan_open(place->home_ns, NETLINK_ROUTE, &home, e);
	if (r < 0)
		return r;
	r = chan_do(place->birth_rtnl, move_request(place, ifindex), e);
	if (!r)
		r = fault_point("TUN moved", e);
	if (!r)
		r = chan_do(home, raise_request(place->ifname), e);
	chan_close(home);
	return r;
}

int tun_bring_home(const struct wg_place *place, enum tun_way way, int ifindex, struct err *e)
{
	switch (way) {
	case TUN_DECOY:
		return decoy_remove_name(place, e);
	case TUN_IN_PLACE:
		return place->mtu == WIREGUARD_GO_MTU
			       ? 0
			       : tun_set_mtu(place->birth_rtnl, ifindex, place->mtu, e);
	case TUN_MOVE:
		break;
	}
	return move_home(place, ifindex, e);
}
