/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard by the kernel.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sched.h>
#include <sodium.h>
#include <sys/socket.h>

#include "base/ns.h"
#include "wg/backend.h"
#include "wg/kernel_msg.h"

#define DUMP_TRIES 20 /* peers come and go only that fast */

/* --- the interface --------------------------------------------------------------------------- */

static int put_kind(struct nl_msg *msg)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "wireguard") < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	return 0;
}

/* @home_ns: -1: where the request is made; @mtu: 0: the kernel's choice */
static struct nl_msg *create_request(const char *ifname, uint32_t ifindex, uint32_t mtu,
				     int home_ns)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);

	if (msg && (nlmsg_append(msg, (void *)&info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
		    nla_put_string(msg, IFLA_IFNAME, ifname) < 0 ||
		    (mtu && nla_put_u32(msg, IFLA_MTU, mtu) < 0) ||
		    (home_ns >= 0 && nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)home_ns) < 0) ||
		    put_kind(msg) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int wg_kernel_create(const struct wg_place *place, struct err *e)
{
	/* the namespace of the socket that asks becomes that of the UDP sockets */
	return chan_do(place->birth_rtnl,
		       create_request(place->ifname, place->ifindex, place->mtu, place->home_ns),
		       e);
}

/* --- is there one? ----------------------------------------------------------------------------- */

/* in a helper thread: its namespace ends with it, and the interface with that */
static int try_one(void *arg, struct err *e)
{
	struct chan *rtnl;
	int r;

	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "make a network namespace");
	r = chan_open_here(NETLINK_ROUTE, &rtnl, e);
	if (r < 0)
		return r;
	r = chan_do(rtnl, create_request("wg-try", 0, 0, -1), e);
	chan_close(rtnl);
	return r < 0 ? err_wrap(e, "make a WireGuard interface") : 0;
}

int wg_kernel_available(struct err *e)
{
	struct chan *genl;
	uint16_t family;
	int r;

	r = chan_open_here(NETLINK_GENERIC, &genl, e);
	if (r < 0)
		return r;
	r = chan_genl_family(genl, WG_GENL_NAME, &family, e);
	chan_close(genl);
	if (!r)
		r = ns_run(-1, try_one, NULL, e);
	if (!r)
		return 0;
	if (r == -EPERM)
		err_hint(e, "run as root");
	else if (r == -ENOENT || r == -EOPNOTSUPP)
		err_set(e, -r, "this kernel has no WireGuard");
	err_hint(e, "modprobe wireguard, or use --backend userspace");
	return err_kind_set(e, ERR_CANNOT);
}

/* --- configuration ------------------------------------------------------------------------------- */

static int open_family(int home_ns, struct chan **ret, uint16_t *ret_family, struct err *e)
{
	int r = chan_open(home_ns, NETLINK_GENERIC, ret, e);

	if (r < 0)
		return r;
	r = chan_genl_family(*ret, WG_GENL_NAME, ret_family, e);
	if (r < 0)
		chan_close(*ret);
	return r;
}

/* one at a time: what follows a fragment that failed must not be tried */
static int send_fragment(struct nl_msg *msg, void *arg, struct err *e)
{
	return chan_do(arg, msg, e);
}

int wg_kernel_set(int home_ns, const char *ifname, const struct wg_config *config, struct err *e)
{
	struct chan *genl;
	uint16_t family;
	int r;

	r = open_family(home_ns, &genl, &family, e);
	if (r < 0)
		return r;
	r = wg_fragment(family, ifname, config, WG_FRAGMENT_BYTES, send_fragment, genl, e);
	chan_close(genl);
	if (r == -EADDRINUSE && config->has_listen_port)
		err_set(e, EADDRINUSE, "port %u is in use", config->listen_port);
	return r;
}

struct answer {
	uint16_t family;
	struct wg_config *config;
};

static int take_message(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	struct answer *a = arg;

	return nlh->nlmsg_type == a->family ? wg_parse_device(nlh, a->config, e) : 0;
}

static struct nl_msg *get_request(uint16_t family, const char *ifname)
{
	struct genlmsghdr genl = {.cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION};
	struct nl_msg *msg = nlmsg_alloc_simple(family, NLM_F_DUMP);

	if (msg && (nlmsg_append(msg, &genl, sizeof(genl), NLMSG_ALIGNTO) < 0 ||
		    nla_put_string(msg, WGDEVICE_A_IFNAME, ifname) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int wg_kernel_get(int home_ns, const char *ifname, struct wg_config *ret, struct err *e)
{
	struct wg_config c = {0};
	struct answer a = {.config = &c};
	struct chan *genl;
	int r;

	r = open_family(home_ns, &genl, &a.family, e);
	if (r < 0)
		return r;
	for (int i = 0; i < DUMP_TRIES; i++) {
		r = chan_dump(genl, get_request(a.family, ifname), take_message, &a, e);
		if (r != -EINTR)
			break;
		/* the peers changed meanwhile: what was read is no one state */
		wg_config_free(&c);
	}
	chan_close(genl);
	if (r < 0)
		wg_config_free(&c);
	else
		*ret = c;
	sodium_memzero(&c, sizeof(c));
	return r;
}
