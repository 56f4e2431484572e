/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links: the rtnetlink requests that make and change them.
 *
 * Each function builds one message for a channel of the namespace named in its
 * comment (base/nl.h: chan_queue() or chan_do()); it returns NULL when memory is
 * short.  Interface numbers are chosen by the caller, who therefore can refer to
 * a link, and write it down, before the kernel has made it.  linux/if_link.h.
 */
#ifndef WARREN_NETNS_LINK_H
#define WARREN_NETNS_LINK_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/nl.h"

struct link_end {
	const char *name; /* at most 15 bytes */
	uint32_t index;   /* wanted number; 0: the kernel's choice */
	uint32_t mtu;     /* bytes; 0: the kernel's default */
	uint32_t group;   /* see link_msg_delete_group(); 0: none */
	int ns_fd;        /* namespace to be born in; -1: the channel's own */
};

/*
 * link_msg_bridge - RTM_NEWLINK: a bridge, down.  STP off, no multicast snooping; its address stays
 * the same whatever ports come and go.
 */
struct nl_msg *link_msg_bridge(const struct link_end *end);

/* link_msg_veth - RTM_NEWLINK: a pair, both ends down, each born in its namespace. */
struct nl_msg *link_msg_veth(const struct link_end *a, const struct link_end *b);

/*
 * link_msg_enslave - RTM_SETLINK: make link @index a port of bridge @master, without IPv6 addresses of its
 * own (a port needs none, and each that gets one floods the whole bridge with solicitations).
 * link_msg_isolate - RTM_NEWLINK on a bridge port: @isolated: it exchanges frames with ports that are not
 * isolated only.
 *
 * Both want a link that is down: told of one that is up, or raised by the same request, the kernel
 * walks all IPv6 routes of the namespace, of which each port has some (rt6_sync_down_dev() in
 * net/ipv6/addrconf.c: NETDEV_CHANGE, and no carrier yet).
 */
struct nl_msg *link_msg_enslave(uint32_t index, uint32_t master);
struct nl_msg *link_msg_isolate(uint32_t index, bool isolated);

/* link_msg_up - RTM_NEWLINK: raise link @index; @mtu in bytes, 0: leave it. */
struct nl_msg *link_msg_up(uint32_t index, uint32_t mtu);

/* link_msg_mtu - RTM_NEWLINK: @mtu in bytes, whatever the state of link @index. */
struct nl_msg *link_msg_mtu(uint32_t index, uint32_t mtu);

/* link_msg_down - RTM_NEWLINK: the reverse. */
struct nl_msg *link_msg_down(uint32_t index);

/*
 * link_msg_no_autoconf - RTM_SETLINK: link @index gets no IPv6 address of its own accord, and
 * so sends nothing of its own accord.  To be sent before the link is raised: in one message with
 * that, the kernel raises first.
 */
struct nl_msg *link_msg_no_autoconf(uint32_t index);

/* link_msg_altnames - RTM_NEWLINKPROP: alternative names, NULL-terminated list. */
struct nl_msg *link_msg_altnames(uint32_t index, const char *const *names);

/* link_msg_delete - RTM_DELLINK. */
struct nl_msg *link_msg_delete(uint32_t index);

/* link_msg_group - RTM_SETLINK: put link @index into @group. */
struct nl_msg *link_msg_group(uint32_t index, uint32_t group);

/* link_msg_delete_group - RTM_DELLINK: every link of @group (not 0) at once. */
struct nl_msg *link_msg_delete_group(uint32_t group);

/*
 * link_index - the number of the link called @name in the namespace of @rtnl.
 * Returns 0; -ENODEV: there is none.
 */
int link_index(struct chan *rtnl, const char *name, uint32_t *ret, struct err *e);

/*
 * link_is - is link @index called @name and does it carry the alternative name @altname
 * (NULL: not asked for)?  Returns 1, 0 (something else, or nothing), or -errno.
 */
int link_is(struct chan *rtnl, uint32_t index, const char *name, const char *altname,
	    struct err *e);

#endif
