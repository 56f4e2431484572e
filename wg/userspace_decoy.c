/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/userspace_decoy.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "wg/userspace.h"
#include "wg/userspace_tun.h"

struct decoy {
	struct decoy *next;
	uint64_t cookie; /* of the namespace it is in */
	struct tun tun;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct decoy *decoys;

static struct decoy *make(const struct wg_place *place, uint64_t cookie, struct err *e)
{
	struct decoy *d = calloc(1, sizeof(*d));

	if (!d) {
		err_code(e, ENOMEM, "make a decoy");
		return NULL;
	}
	/* with the MTU that each of its users will set */
	if (tun_open(place->birth_ns, NULL, 0, &d->tun, e) < 0 ||
	    tun_set_mtu(place->birth_rtnl, d->tun.ifindex, WIREGUARD_GO_MTU, e) < 0) {
		if (d->tun.fd > 0)
			close(d->tun.fd);
		free(d);
		return NULL;
	}
	d->cookie = cookie;
	d->next = decoys;
	decoys = d;
	return d;
}

static struct decoy *find(uint64_t cookie)
{
	for (struct decoy *d = decoys; d; d = d->next)
		if (d->cookie == cookie)
			return d;
	return NULL;
}

static int change_name(const struct wg_place *place, const struct decoy *d, int type, int flags,
		       struct err *e)
{
	const struct ifinfomsg info = {.ifi_index = d->tun.ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	struct nlattr *list = NULL;

	if (msg && nlmsg_append(msg, (void *)&info, sizeof(info), NLMSG_ALIGNTO) == 0)
		list = nla_nest_start(msg, IFLA_PROP_LIST);
	if (!list || nla_put_string(msg, IFLA_ALT_IFNAME, place->ifname) < 0) {
		nlmsg_free(msg);
		return err_code(e, ENOMEM, "name the decoy");
	}
	nla_nest_end(msg, list);
	return chan_do(place->birth_rtnl, msg, e);
}

int decoy_add_name(const struct wg_place *place, struct err *e)
{
	struct decoy *d;
	uint64_t cookie;
	int r;

	r = ns_cookie(chan_fd(place->birth_rtnl), &cookie, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	d = find(cookie);
	if (!d)
		d = make(place, cookie, e);
	r = d ? change_name(place, d, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL, e) : -e->code;
	pthread_mutex_unlock(&lock);
	return r;
}

int decoy_remove_name(const struct wg_place *place, struct err *e)
{
	struct decoy *d;
	uint64_t cookie;
	int r;

	r = ns_cookie(chan_fd(place->birth_rtnl), &cookie, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	d = find(cookie);
	r = d ? change_name(place, d, RTM_DELLINKPROP, 0, e) : 0;
	pthread_mutex_unlock(&lock);
	return r;
}
