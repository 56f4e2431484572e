/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and routes: the rtnetlink requests that add and remove them, by
 * libnl-route.  As in netns/link.h, each function builds one message for a
 * channel of the namespace it is to act in, or returns NULL when memory is short.
 */
#ifndef WARREN_NETNS_ADDR_H
#define WARREN_NETNS_ADDR_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/nl.h"

/*
 * addr_msg_add - RTM_NEWADDR: @prefix (with its host bits) on link @index; -EEXIST if it is there.
 * IPv6 addresses skip duplicate address detection (RFC 4862, 5.4): the file has been checked for
 * duplicates, and a tunnel need not wait a second for its first packet.
 */
struct nl_msg *addr_msg_add(uint32_t index, const struct ip_prefix *prefix);

/*
 * addr_remove - take @prefix off link @index in the namespace of the calling thread and of @rtnl, and
 * no other: the first address of an IPv4 subnet would take along those that were added after it
 * (ip-sysctl: promote_secondaries, which is set for the moment).  One that is gone already is fine.
 */
int addr_remove(struct chan *rtnl, uint32_t index, const struct ip_prefix *prefix, struct err *e);

struct route_spec {
	struct ip_prefix to; /* no host bits; /0: default */
	bool has_via;
	struct ip_addr via;
	uint32_t index; /* outgoing link; 0: by way of via */
	bool has_metric;
	uint32_t metric;
	uint32_t table; /* RT_TABLE_MAIN … */
};

/*
 * route_msg_add - RTM_NEWROUTE: a unicast route, scope link where it has no gateway.
 * @replace: instead of the one to the same prefix with the same metric; else -EEXIST.
 */
struct nl_msg *route_msg_add(const struct route_spec *s, bool replace);

/*
 * route_exists - is there just this route in the namespace of @rtnl: to, gateway, link, metric,
 * table?  Returns 1, 0 or -errno.
 */
int route_exists(struct chan *rtnl, const struct route_spec *s, struct err *e);

/* route_msg_del - RTM_DELROUTE. */
struct nl_msg *route_msg_del(const struct route_spec *s);

#endif
