/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/expr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/kernel.h"

#define TCP_FLAGS_OFFSET 13 /* RFC 9293, 3.1 */
#define TCPOPT_MSS_VALUE 2  /* offset of the value in the option (RFC 9293, 3.2) */

/* where the addresses stand in their headers (RFC 791, RFC 8200) */
static uint32_t addr_offset(int family, bool source)
{
	if (family == AF_INET)
		return source ? 12 : 16;
	return source ? 8 : 24;
}

/* one expression in the making; running out of memory shows in @e being NULL */
static struct nftnl_expr *begin(const char *name)
{
	return nftnl_expr_alloc(name);
}

static void put(struct nftnl_expr *e, uint16_t attr, uint32_t value)
{
	if (e)
		nftnl_expr_set_u32(e, attr, value);
}

static void put_data(struct nftnl_expr *e, uint16_t attr, const void *data, size_t len)
{
	if (e)
		nftnl_expr_set(e, attr, data, (uint32_t)len);
}

static int add(struct nftnl_rule *r, struct nftnl_expr *e)
{
	if (!e)
		return -ENOMEM;
	nftnl_rule_add_expr(r, e);
	return 0;
}

static int add_meta(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = begin("meta");

	put(e, NFTNL_EXPR_META_KEY, key);
	put(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	return add(r, e);
}

static int add_cmp(struct nftnl_rule *r, uint32_t op, const void *data, size_t len)
{
	struct nftnl_expr *e = begin("cmp");

	put(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	put(e, NFTNL_EXPR_CMP_OP, op);
	put_data(e, NFTNL_EXPR_CMP_DATA, data, len);
	return add(r, e);
}

/* register 1 = register 1 & @mask */
static int add_mask(struct nftnl_rule *r, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = begin("bitwise");

	put(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	put(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	put(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	put_data(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	put_data(e, NFTNL_EXPR_BITWISE_XOR, zero, len);
	return add(r, e);
}

static int add_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, size_t len,
		       uint32_t reg)
{
	struct nftnl_expr *e = begin("payload");

	put(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	put(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	put(e, NFTNL_EXPR_PAYLOAD_LEN, (uint32_t)len);
	put(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
	return add(r, e);
}

static int add_immediate(struct nftnl_rule *r, uint32_t reg, const void *data, size_t len)
{
	struct nftnl_expr *e = begin("immediate");

	put(e, NFTNL_EXPR_IMM_DREG, reg);
	put_data(e, NFTNL_EXPR_IMM_DATA, data, len);
	return add(r, e);
}

/* look register 1 up in the set; @map: what it maps to goes to register 1 */
static int add_lookup(struct nftnl_rule *r, uint32_t set_id, bool map)
{
	struct nftnl_expr *e = begin("lookup");

	put(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (map)
		put(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, map ? "__map%d" : "__set%d");
	put(e, NFTNL_EXPR_LOOKUP_SET_ID, set_id);
	return add(r, e);
}

static int expr_ifname(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	(void)set_id;
	return add_meta(r, s->kind == STMT_IIFNAME ? NFT_META_IIFNAME : NFT_META_OIFNAME)
		       ?: add_cmp(r, NFT_CMP_EQ, s->ifname, sizeof(s->ifname));
}

static int match_family(int family, struct nftnl_rule *r)
{
	uint8_t proto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	return add_meta(r, NFT_META_NFPROTO) ?: add_cmp(r, NFT_CMP_EQ, &proto, sizeof(proto));
}

static int expr_nfproto(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	(void)set_id;
	return match_family(s->family, r);
}

static int expr_l4_ports(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	(void)s;
	return add_meta(r, NFT_META_L4PROTO) ?: add_lookup(r, set_id, false);
}

static int expr_ct_state(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	static const uint32_t none;
	struct nftnl_expr *e = begin("ct");

	(void)set_id;
	put(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
	put(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	return add(r, e) ?:
	       add_mask(r, &s->ct_state, sizeof(s->ct_state)) ?:
	       add_cmp(r, NFT_CMP_NEQ, &none, sizeof(none));
}

static int expr_ct_dnat(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	static const uint32_t none, dnat = IPS_DST_NAT;
	struct nftnl_expr *e = begin("ct");

	(void)s;
	(void)set_id;
	put(e, NFTNL_EXPR_CT_KEY, NFT_CT_STATUS);
	put(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	return add(r, e) ?:
	       add_mask(r, &dnat, sizeof(dnat)) ?:
	       add_cmp(r, NFT_CMP_NEQ, &none, sizeof(none));
}

/* TCP and UDP have it in the same place (RFC 9293, RFC 768) */
static int expr_dport(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	const uint16_t first = htons(s->port.first), last = htons(s->port.last);
	int err = 0;

	(void)set_id;
	if (s->port.l4proto)
		err = add_meta(r, NFT_META_L4PROTO)
			      ?: add_cmp(r, NFT_CMP_EQ, &s->port.l4proto, sizeof(s->port.l4proto));
	err = err ?: add_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, NFT_REG_1);
	if (err)
		return err;
	if (first == last)
		return add_cmp(r, NFT_CMP_EQ, &first, sizeof(first));
	return add_cmp(r, NFT_CMP_GTE, &first, sizeof(first))
		       ?: add_cmp(r, NFT_CMP_LTE, &last, sizeof(last));
}

/* register 1, an address of @size bytes, is in a prefix of @len bits */
static int match_prefix(const struct ip_addr *network, unsigned int len, size_t size,
			struct nftnl_rule *r)
{
	uint8_t mask[16];
	int err = 0;
	size_t i;

	for (i = 0; i < size; i++)
		mask[i] = len >= 8 * (i + 1) ? 0xff
			  : len <= 8 * i     ? 0
					     : (uint8_t)(0xff << (8 * (i + 1) - len));
	if (len < 8 * size)
		err = add_mask(r, mask, size);
	return err ?: add_cmp(r, NFT_CMP_EQ, network->bytes, size);
}

static int expr_ranges(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	const struct ip_addr *first = &s->ranges[0].first;
	int prefix_len = s->n_ranges > 1 ? -1 : range_prefix_len(s->ranges), err;
	size_t size = ip_addr_size(first);

	/* of a prefix of whole bytes only those, without a mask: as nft has it */
	if (prefix_len > 0 && prefix_len % 8 == 0)
		size = (size_t)prefix_len / 8;
	err = match_family(first->family, r)
		      ?: add_payload(r, NFT_PAYLOAD_NETWORK_HEADER,
				     addr_offset(first->family, s->kind == STMT_SADDR), size,
				     NFT_REG_1);
	if (err)
		return err;
	if (s->n_ranges > 1)
		return add_lookup(r, set_id, false);
	if (prefix_len < 0)
		return add_cmp(r, NFT_CMP_GTE, first->bytes, size)
			       ?: add_cmp(r, NFT_CMP_LTE, s->ranges[0].last.bytes, size);
	return match_prefix(first, (unsigned int)prefix_len, size, r);
}

static int expr_tcp_syn(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	const uint8_t tcp = IPPROTO_TCP, mask = TH_SYN | TH_RST, syn = TH_SYN;

	(void)s;
	(void)set_id;
	return add_meta(r, NFT_META_L4PROTO) ?:
	       add_cmp(r, NFT_CMP_EQ, &tcp, sizeof(tcp)) ?:
	       add_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, NFT_REG_1) ?:
	       add_mask(r, &mask, sizeof(mask)) ?:
	       add_cmp(r, NFT_CMP_EQ, &syn, sizeof(syn));
}

/* the kernel only ever lowers the option: see nft_exthdr_tcp_set_eval() */
static int expr_mss(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *rt = begin("rt"), *swap = begin("byteorder"), *write = begin("exthdr");
	int err;

	(void)s;
	(void)set_id;
	put(rt, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	put(rt, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	put(swap, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	put(swap, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	put(swap, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	put(swap, NFTNL_EXPR_BYTEORDER_LEN, 2);
	put(swap, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	if (write)
		nftnl_expr_set_u8(write, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	put(write, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
	put(write, NFTNL_EXPR_EXTHDR_OFFSET, TCPOPT_MSS_VALUE);
	put(write, NFTNL_EXPR_EXTHDR_LEN, 2);
	put(write, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	/* what is added belongs to the rule: so add all there is, also after a failure */
	err = add(r, rt);
	err = add(r, swap) ?: err;
	return add(r, write) ?: err;
}

static int expr_counter(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	(void)s;
	(void)set_id;
	return add(r, begin("counter"));
}

static int expr_limit(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *e = begin("limit");

	(void)set_id;
	if (e) {
		nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, s->limit.rate);
		nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1); /* second */
	}
	put(e, NFTNL_EXPR_LIMIT_BURST, s->limit.burst);
	put(e, NFTNL_EXPR_LIMIT_TYPE, s->limit.bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS);
	put(e, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	return add(r, e);
}

static int expr_ct_count(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *e = begin("connlimit");

	(void)set_id;
	put(e, NFTNL_EXPR_CONNLIMIT_COUNT, s->count);
	put(e, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	return add(r, e);
}

static int expr_reject(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *e = begin("reject");

	(void)s;
	(void)set_id;
	put(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
	return add(r, e);
}

static int expr_verdict(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *e = begin("immediate");

	(void)set_id;
	put(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	put(e, NFTNL_EXPR_IMM_VERDICT, s->kind == STMT_ACCEPT ? NF_ACCEPT : NF_DROP);
	return add(r, e);
}

/*
 * Translations name the last address and port also where it is the first, and all flags: the
 * kernel would fill them in, and its list is compared with what is sent here (match.h).
 */

/* the ports into register @reg and the one after it, and @e told so */
static int add_ports(const struct stmt *s, struct nftnl_rule *r, uint32_t reg, struct nftnl_expr *e,
		     uint16_t attr_min, uint16_t attr_max)
{
	const uint16_t first = htons(s->nat.port_first), last = htons(s->nat.port_last);
	int err;

	err = add_immediate(r, reg, &first, sizeof(first));
	put(e, attr_min, reg);
	put(e, attr_max, first == last ? reg : reg + 1);
	if (err || first == last)
		return err;
	return add_immediate(r, reg + 1, &last, sizeof(last));
}

/* the address into register 1: the only one, or the one that the inside address hashes to */
static int add_address(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	const struct ip_addr *a = s->nat.addresses;
	size_t size = ip_addr_size(a);
	struct nftnl_expr *e;
	int err;

	if (s->nat.n_addresses == 1)
		return add_immediate(r, NFT_REG_1, a->bytes, size);
	err = add_payload(r, NFT_PAYLOAD_NETWORK_HEADER, addr_offset(a->family, true), size,
			  NFT_REG_2);
	if (err)
		return err;
	e = begin("hash");
	put(e, NFTNL_EXPR_HASH_SREG, NFT_REG_2);
	put(e, NFTNL_EXPR_HASH_DREG, NFT_REG_1);
	put(e, NFTNL_EXPR_HASH_LEN, (uint32_t)size);
	put(e, NFTNL_EXPR_HASH_MODULUS, (uint32_t)s->nat.n_addresses);
	/* a seed that is the same after each change, so that hosts keep their addresses */
	put(e, NFTNL_EXPR_HASH_SEED, 0);
	put(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
	return add(r, e) ?: add_lookup(r, set_id, true);
}

/* source and destination alike */
static int expr_nat(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	uint32_t flags = NF_NAT_RANGE_MAP_IPS;
	struct nftnl_expr *e;
	int err;

	err = add_address(s, set_id, r);
	if (err)
		return err;
	e = begin("nat");
	put(e, NFTNL_EXPR_NAT_TYPE, s->kind == STMT_SNAT ? NFT_NAT_SNAT : NFT_NAT_DNAT);
	put(e, NFTNL_EXPR_NAT_FAMILY,
	    s->nat.addresses[0].family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	put(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	put(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1);
	if (e && s->nat.has_ports) {
		err = add_ports(s, r, NFT_REG_2, e, NFTNL_EXPR_NAT_REG_PROTO_MIN,
				NFTNL_EXPR_NAT_REG_PROTO_MAX);
		flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
	}
	put(e, NFTNL_EXPR_NAT_FLAGS, flags);
	return add(r, e) ?: err;
}

static int expr_masquerade(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	struct nftnl_expr *e = begin("masq");
	int err = 0;

	(void)set_id;
	if (e && s->nat.has_ports) {
		err = add_ports(s, r, NFT_REG_1, e, NFTNL_EXPR_MASQ_REG_PROTO_MIN,
				NFTNL_EXPR_MASQ_REG_PROTO_MAX);
		put(e, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
	}
	return add(r, e) ?: err;
}

static const struct {
	int (*expressions)(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r);
	const char *option;
} kinds[] = {
	[STMT_IIFNAME] = {expr_ifname, NULL},
	[STMT_OIFNAME] = {expr_ifname, NULL},
	[STMT_NFPROTO] = {expr_nfproto, NULL},
	[STMT_L4_PORTS] = {expr_l4_ports, NULL},
	[STMT_CT_STATE] = {expr_ct_state, "CONFIG_NFT_CT"},
	[STMT_CT_DNAT] = {expr_ct_dnat, "CONFIG_NFT_CT"},
	[STMT_DPORT] = {expr_dport, NULL},
	[STMT_SADDR] = {expr_ranges, NULL},
	[STMT_DADDR] = {expr_ranges, NULL},
	[STMT_TCP_SYN] = {expr_tcp_syn, NULL},
	[STMT_MSS_TO_PMTU] = {expr_mss, NULL},
	[STMT_COUNTER] = {expr_counter, NULL},
	[STMT_LIMIT] = {expr_limit, "CONFIG_NFT_LIMIT"},
	[STMT_CT_COUNT] = {expr_ct_count, "CONFIG_NFT_CONNLIMIT"},
	[STMT_ACCEPT] = {expr_verdict, NULL},
	[STMT_DROP] = {expr_verdict, NULL},
	[STMT_REJECT] = {expr_reject, "CONFIG_NFT_REJECT_INET"},
	[STMT_SNAT] = {expr_nat, "CONFIG_NFT_NAT"},
	[STMT_DNAT] = {expr_nat, "CONFIG_NFT_NAT"},
	[STMT_MASQUERADE] = {expr_masquerade, "CONFIG_NFT_MASQ"},
};
static_assert(ARRAY_SIZE(kinds) == STMT_KINDS_, "a row for each kind of statement");

int stmt_expressions(const struct stmt *s, uint32_t set_id, struct nftnl_rule *r)
{
	return kinds[s->kind].expressions(s, set_id, r);
}

const char *stmt_kernel_option(const struct stmt *s)
{
	if (s->kind == STMT_SNAT && s->nat.n_addresses > 1)
		return "CONFIG_NFT_NAT and CONFIG_NFT_HASH";
	return kinds[s->kind].option;
}
