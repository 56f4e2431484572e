/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack tuples into messages.  Private to this room.
 */
#ifndef WARREN_NAT_CT_PUT_H
#define WARREN_NAT_CT_PUT_H

#include <stdint.h>

#include "nat/conntrack.h"

struct nlmsghdr;

/*
 * ct_put_tuple - the nest @type (CTA_TUPLE_ORIG, CTA_TUPLE_REPLY) at the end of @nlh, at most 120
 * bytes.  Addresses of AF_UNSPEC, ports and ICMP numbers that @t does not have are left out.
 * ctnetlink_parse_tuple() in net/netfilter/nf_conntrack_netlink.c.
 */
void ct_put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct ct_tuple *t, uint8_t l4proto);

#endif
