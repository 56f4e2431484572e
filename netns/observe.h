/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in a namespace: its links and their addresses.
 */
#ifndef WARREN_NETNS_OBSERVE_H
#define WARREN_NETNS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/nl.h"

struct link_seen {
	uint32_t index;
	uint32_t mtu;    /* bytes */
	uint32_t master; /* index of the bridge that it is a port of; 0: none */
	char name[16];
	bool up;
	struct ip_prefix *addresses; /* link-local ones of IPv6 left out */
	size_t n_addresses;
};

struct links_seen {
	struct link_seen *v;
	size_t n;
};

/*
 * links_observe - all links of the namespace of @rtnl but lo, with their addresses.
 * *@ret is freed with links_seen_free().
 */
int links_observe(struct chan *rtnl, struct links_seen *ret, struct err *e);

/* links_find - by name; NULL: not there. */
const struct link_seen *links_find(const struct links_seen *l, const char *name);

void links_seen_free(struct links_seen *l);

#endif
