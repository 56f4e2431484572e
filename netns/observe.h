/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in a namespace: its links, their addresses, its routes.
 */
#ifndef WARREN_NETNS_OBSERVE_H
#define WARREN_NETNS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/nl.h"
#include "netns/addr.h"

struct link_seen {
	uint32_t index;
	uint32_t mtu;    /* bytes */
	uint32_t master; /* index of the bridge that it is a port of; 0: none */
	uint32_t peer;   /* veth: index of its other end, wherever that is; 0: no veth */
	char name[16];
	char kind[16]; /* "bridge", "veth", "tun", "wireguard" …; empty: a device, or lo */
	bool up, loopback;
	bool isolated;         /* a bridge port that exchanges frames with others only */
	bool inet6;            /* IPv6 is not switched off on it */
	bool no_autoconf;      /* gets no IPv6 address of its own accord */
	const char **altnames; /* alternative names */
	size_t n_altnames;
	struct ip_prefix *addresses; /* link-local ones of IPv6 left out */
	size_t n_addresses;
};

struct links_seen {
	struct link_seen *v;
	size_t n;
	struct arena *arena; /* owned: all of it; NULL: somebody else's */
};

/*
 * links_observe - all links of the namespace of @rtnl but lo, with their addresses.
 * *@ret is freed with links_seen_free().
 */
int links_observe(struct chan *rtnl, struct links_seen *ret, struct err *e);

/* links_find - by name; NULL: not there. */
const struct link_seen *links_find(const struct links_seen *l, const char *name);

/* link_has_altname, link_has_address - does @l have it? */
bool link_has_altname(const struct link_seen *l, const char *name);
bool link_has_address(const struct link_seen *l, const struct ip_prefix *p);

void links_seen_free(struct links_seen *l);

struct netns_seen {
	struct links_seen links;   /* lo included */
	struct route_spec *routes; /* unicast routes that the kernel has not made by itself */
	size_t n_routes;
};

/*
 * netns_observe - the links, addresses and routes of the namespace of @rtnl, in three dumps.
 * All memory comes from @arena.  A dump that a change interrupted is asked for again, a few times.
 */
int netns_observe(struct chan *rtnl, struct arena *arena, struct netns_seen *ret, struct err *e);

#endif
