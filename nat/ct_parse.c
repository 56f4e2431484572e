/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack messages: attributes into a struct (net/netfilter/nf_conntrack_netlink.c).
 */
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/conntrack.h"
#include "nat/kernel.h"

/* the attributes of a nest, or of a message, by their type */
struct table {
	const struct nlattr **at;
	uint16_t max;
};

static int note(const struct nlattr *attr, void *arg)
{
	const struct table *t = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= t->max)
		t->at[type] = attr;
	return MNL_CB_OK;
}

static void open_nest(const struct nlattr *nest, const struct nlattr **at, uint16_t max)
{
	struct table t = {at, max};

	if (nest)
		mnl_attr_parse_nested(nest, note, &t);
}

/* numbers are big endian; one that is too short counts as absent */
static bool get_u8(const struct nlattr *attr, uint8_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u8(attr);
	return true;
}

static bool get_u16(const struct nlattr *attr, uint16_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	*ret = be16toh(mnl_attr_get_u16(attr));
	return true;
}

static bool get_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	*ret = be32toh(mnl_attr_get_u32(attr));
	return true;
}

static bool get_u64(const struct nlattr *attr, uint64_t *ret)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	*ret = be64toh(mnl_attr_get_u64(attr));
	return true;
}

/* a string that the kernel may have sent without its NUL */
static void get_string(const struct nlattr *attr, char *ret, size_t size)
{
	size_t len;

	if (!attr)
		return;
	len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (len >= size)
		len = size - 1;
	memcpy(ret, mnl_attr_get_payload(attr), len);
	ret[len] = '\0';
}

static void get_addr(const struct nlattr *v4, const struct nlattr *v6, struct ip_addr *ret)
{
	if (v4 && mnl_attr_get_payload_len(v4) == sizeof(ret->v4)) {
		ret->family = AF_INET;
		memcpy(&ret->v4, mnl_attr_get_payload(v4), sizeof(ret->v4));
	} else if (v6 && mnl_attr_get_payload_len(v6) == sizeof(ret->v6)) {
		ret->family = AF_INET6;
		memcpy(&ret->v6, mnl_attr_get_payload(v6), sizeof(ret->v6));
	}
}

static void parse_l4(const struct nlattr *nest, struct ct_tuple *t, uint8_t *l4proto)
{
	const struct nlattr *at[CTA_PROTO_MAX + 1] = {NULL};

	open_nest(nest, at, CTA_PROTO_MAX);
	get_u8(at[CTA_PROTO_NUM], l4proto);
	t->has_ports = get_u16(at[CTA_PROTO_SRC_PORT], &t->sport) &&
		       get_u16(at[CTA_PROTO_DST_PORT], &t->dport);
	t->has_icmp = (get_u8(at[CTA_PROTO_ICMP_TYPE], &t->icmp_type) &&
		       get_u8(at[CTA_PROTO_ICMP_CODE], &t->icmp_code) &&
		       get_u16(at[CTA_PROTO_ICMP_ID], &t->icmp_id)) ||
		      (get_u8(at[CTA_PROTO_ICMPV6_TYPE], &t->icmp_type) &&
		       get_u8(at[CTA_PROTO_ICMPV6_CODE], &t->icmp_code) &&
		       get_u16(at[CTA_PROTO_ICMPV6_ID], &t->icmp_id));
}

static void parse_tuple(const struct nlattr *nest, struct ct_tuple *t, uint8_t *l4proto)
{
	const struct nlattr *at[CTA_TUPLE_MAX + 1] = {NULL};
	const struct nlattr *ip[CTA_IP_MAX + 1] = {NULL};

	open_nest(nest, at, CTA_TUPLE_MAX);
	open_nest(at[CTA_TUPLE_IP], ip, CTA_IP_MAX);
	get_addr(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC], &t->src);
	get_addr(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST], &t->dst);
	parse_l4(at[CTA_TUPLE_PROTO], t, l4proto);
	t->has_zone = get_u16(at[CTA_TUPLE_ZONE], &t->zone);
}

static void parse_protoinfo(const struct nlattr *nest, struct ct_entry *ct)
{
	const struct nlattr *at[CTA_PROTOINFO_MAX + 1] = {NULL};
	const struct nlattr *tcp[CTA_PROTOINFO_TCP_MAX + 1] = {NULL};
	const struct nlattr *sctp[CTA_PROTOINFO_SCTP_MAX + 1] = {NULL};

	open_nest(nest, at, CTA_PROTOINFO_MAX);
	open_nest(at[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX);
	open_nest(at[CTA_PROTOINFO_SCTP], sctp, CTA_PROTOINFO_SCTP_MAX);
	ct->has_tcp_state = get_u8(tcp[CTA_PROTOINFO_TCP_STATE], &ct->tcp_state);
	ct->has_sctp_state = get_u8(sctp[CTA_PROTOINFO_SCTP_STATE], &ct->sctp_state);
}

static void parse_counters(const struct nlattr *nest, struct ct_entry *ct, size_t direction)
{
	const struct nlattr *at[CTA_COUNTERS_MAX + 1] = {NULL};

	open_nest(nest, at, CTA_COUNTERS_MAX);
	ct->has_counters[direction] = get_u64(at[CTA_COUNTERS_PACKETS], &ct->packets[direction]) &&
				      get_u64(at[CTA_COUNTERS_BYTES], &ct->bytes[direction]);
}

static void parse_times(const struct nlattr *nest, struct ct_entry *ct)
{
	const struct nlattr *at[CTA_TIMESTAMP_MAX + 1] = {NULL};

	open_nest(nest, at, CTA_TIMESTAMP_MAX);
	ct->has_start = get_u64(at[CTA_TIMESTAMP_START], &ct->start);
	ct->has_stop = get_u64(at[CTA_TIMESTAMP_STOP], &ct->stop);
}

static void parse_names(const struct nlattr *const *at, struct ct_entry *ct)
{
	const struct nlattr *help[CTA_HELP_MAX + 1] = {NULL};
	const struct nlattr *secctx[CTA_SECCTX_MAX + 1] = {NULL};

	open_nest(at[CTA_HELP], help, CTA_HELP_MAX);
	open_nest(at[CTA_SECCTX], secctx, CTA_SECCTX_MAX);
	get_string(help[CTA_HELP_NAME], ct->helper, sizeof(ct->helper));
	get_string(secctx[CTA_SECCTX_NAME], ct->secctx, sizeof(ct->secctx));
}

static void parse_labels(const struct nlattr *attr, struct ct_entry *ct)
{
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(ct->labels))
		return;
	/* as the kernel keeps them: in its own byte order */
	memcpy(ct->labels, mnl_attr_get_payload(attr), sizeof(ct->labels));
	ct->has_labels = true;
}

int ct_parse(const void *attrs, size_t len, struct ct_entry *ret)
{
	const struct nlattr *at[CTA_MAX + 1] = {NULL};
	struct table t = {at, CTA_MAX};
	uint8_t reply_proto = 0;

	memset(ret, 0, sizeof(*ret));
	mnl_attr_parse_payload(attrs, len, note, &t);
	parse_tuple(at[CTA_TUPLE_ORIG], &ret->orig, &ret->l4proto);
	if (ret->orig.src.family == AF_UNSPEC || ret->orig.dst.family != ret->orig.src.family)
		return -EBADMSG;
	parse_tuple(at[CTA_TUPLE_REPLY], &ret->reply, &reply_proto);
	parse_protoinfo(at[CTA_PROTOINFO], ret);
	parse_counters(at[CTA_COUNTERS_ORIG], ret, 0);
	parse_counters(at[CTA_COUNTERS_REPLY], ret, 1);
	parse_times(at[CTA_TIMESTAMP], ret);
	parse_names(at, ret);
	parse_labels(at[CTA_LABELS], ret);
	ret->has_timeout = get_u32(at[CTA_TIMEOUT], &ret->timeout);
	ret->has_status = get_u32(at[CTA_STATUS], &ret->status);
	ret->has_mark = get_u32(at[CTA_MARK], &ret->mark);
	ret->has_id = get_u32(at[CTA_ID], &ret->id);
	ret->has_use = get_u32(at[CTA_USE], &ret->use);
	ret->has_zone = get_u16(at[CTA_ZONE], &ret->zone);
	return 0;
}
