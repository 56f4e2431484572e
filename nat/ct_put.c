/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_put.h"

#include <endian.h>
#include <libmnl/libmnl.h>

#include "nat/kernel.h"

static void put_addr(struct nlmsghdr *nlh, uint16_t v4, uint16_t v6, const struct ip_addr *a)
{
	if (a->family != AF_UNSPEC)
		mnl_attr_put(nlh, a->family == AF_INET ? v4 : v6, ip_addr_size(a), a->bytes);
}

static void put_proto(struct nlmsghdr *nlh, const struct ct_tuple *t, uint8_t l4proto)
{
	const bool v6 = l4proto == IPPROTO_ICMPV6;

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, l4proto);
	if (t->has_ports) {
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htobe16(t->sport));
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htobe16(t->dport));
	}
	if (t->has_icmp) {
		mnl_attr_put_u16(nlh, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
				 htobe16(t->icmp_id));
		mnl_attr_put_u8(nlh, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
				t->icmp_type);
		mnl_attr_put_u8(nlh, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
				t->icmp_code);
	}
}

void ct_put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct ct_tuple *t, uint8_t l4proto)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	put_addr(nlh, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &t->src);
	put_addr(nlh, CTA_IP_V4_DST, CTA_IP_V6_DST, &t->dst);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	put_proto(nlh, t, l4proto);
	mnl_attr_nest_end(nlh, nest);
	if (t->has_zone)
		mnl_attr_put_u16(nlh, CTA_TUPLE_ZONE, htobe16(t->zone));
	mnl_attr_nest_end(nlh, tuple);
}
