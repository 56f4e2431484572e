/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset in nft's words, character by character what `nft -s list table` shows.
 */
#include <assert.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "nat/kernel.h"
#include "nat/ruleset.h"

static void print_ifname(const struct stmt *s, FILE *out)
{
	fprintf(out, "%s \"%s\"", s->kind == STMT_IIFNAME ? "iifname" : "oifname", s->ifname);
}

static void print_nfproto(const struct stmt *s, FILE *out)
{
	fprintf(out, "meta nfproto %s", s->family == AF_INET ? "ipv4" : "ipv6");
}

static void print_l4_ports(const struct stmt *s, FILE *out)
{
	(void)s;
	fputs("meta l4proto { tcp, udp }", out);
}

static void print_ct_state(const struct stmt *s, FILE *out)
{
	static const char *const names[] = {"invalid", "established", "related", "new"};
	const char *sep = "ct state ";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (s->ct_state & (1u << i)) {
			fprintf(out, "%s%s", sep, names[i]);
			sep = ",";
		}
	}
}

static void print_ct_dnat(const struct stmt *s, FILE *out)
{
	(void)s;
	fputs("ct status dnat", out);
}

static void print_dport(const struct stmt *s, FILE *out)
{
	fprintf(out, "%s dport %u",
		s->port.l4proto == IPPROTO_TCP   ? "tcp"
		: s->port.l4proto == IPPROTO_UDP ? "udp"
						 : "th",
		s->port.first);
	if (s->port.last != s->port.first)
		fprintf(out, "-%u", s->port.last);
}

static void print_range(const struct addr_range *r, FILE *out)
{
	int len = range_prefix_len(r);
	char buf[INET6_ADDRSTRLEN];

	fputs(ip_addr_format(&r->first, buf), out);
	if (len < 0)
		fprintf(out, "-%s", ip_addr_format(&r->last, buf));
	else if ((unsigned int)len < ip_addr_bits(&r->first))
		fprintf(out, "/%d", len);
}

static void print_ranges(const struct stmt *s, FILE *out)
{
	/* one is compared, more are looked up in a set */
	bool set = s->n_ranges > 1;
	size_t i;

	fprintf(out, "%s %s ", s->ranges[0].first.family == AF_INET ? "ip" : "ip6",
		s->kind == STMT_SADDR ? "saddr" : "daddr");
	for (i = 0; i < s->n_ranges; i++) {
		fputs(i ? ", " : set ? "{ " : "", out);
		print_range(&s->ranges[i], out);
	}
	if (set)
		fputs(" }", out);
}

static void print_tcp_syn(const struct stmt *s, FILE *out)
{
	(void)s;
	fputs("tcp flags syn / syn,rst", out);
}

static void print_mss(const struct stmt *s, FILE *out)
{
	(void)s;
	fputs("tcp option maxseg size set rt mtu", out);
}

static void print_word(const struct stmt *s, FILE *out)
{
	fputs(s->kind == STMT_COUNTER  ? "counter"
	      : s->kind == STMT_ACCEPT ? "accept"
				       : "drop",
	      out);
}

/* in the largest unit of 1,024 that fits */
static void print_bytes(uint64_t n, FILE *out)
{
	static const char *const units[] = {"bytes", "kbytes", "mbytes"};
	size_t unit = 0;

	for (; n && n % 1024 == 0 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1024;
	fprintf(out, "%" PRIu64 " %s/second", n, units[unit]);
}

static void print_limit(const struct stmt *s, FILE *out)
{
	fputs("limit rate over ", out);
	if (s->limit.bytes) {
		print_bytes(s->limit.rate, out);
		return;
	}
	fprintf(out, "%" PRIu64 "/second", s->limit.rate);
	/* its default */
	if (s->limit.burst != 5)
		fprintf(out, " burst %" PRIu32 " packets", s->limit.burst);
}

static void print_ct_count(const struct stmt *s, FILE *out)
{
	fprintf(out, "ct count over %" PRIu32, s->count);
}

static void print_reject(const struct stmt *s, FILE *out)
{
	(void)s;
	fputs("reject with icmpx admin-prohibited", out);
}

static void print_ports(const struct stmt *s, FILE *out)
{
	if (!s->nat.has_ports)
		return;
	fprintf(out, ":%u", s->nat.port_first);
	if (s->nat.port_last != s->nat.port_first)
		fprintf(out, "-%u", s->nat.port_last);
}

static void print_nat(const struct stmt *s, FILE *out)
{
	const char *ip = s->nat.addresses[0].family == AF_INET ? "ip" : "ip6";
	char buf[INET6_ADDRSTRLEN];
	size_t i;

	fprintf(out, "%s %s to ", s->kind == STMT_SNAT ? "snat" : "dnat", ip);
	if (s->nat.n_addresses == 1) {
		/* the brackets keep the port apart from an IPv6 address */
		bool brackets = s->nat.has_ports && s->nat.addresses[0].family == AF_INET6;

		fprintf(out, brackets ? "[%s]" : "%s", ip_addr_format(s->nat.addresses, buf));
		print_ports(s, out);
		return;
	}
	fprintf(out, "jhash %s saddr mod %zu seed 0x0 map { ", ip, s->nat.n_addresses);
	for (i = 0; i < s->nat.n_addresses; i++)
		fprintf(out, "%s%zu : %s", i ? ", " : "", i,
			ip_addr_format(&s->nat.addresses[i], buf));
	fputs(" }", out);
	print_ports(s, out);
}

static void print_masquerade(const struct stmt *s, FILE *out)
{
	fputs(s->nat.has_ports ? "masquerade to " : "masquerade", out);
	print_ports(s, out);
}

static void (*const printers[])(const struct stmt *s, FILE *out) = {
	[STMT_IIFNAME] = print_ifname,    [STMT_OIFNAME] = print_ifname,
	[STMT_NFPROTO] = print_nfproto,   [STMT_L4_PORTS] = print_l4_ports,
	[STMT_CT_STATE] = print_ct_state, [STMT_CT_DNAT] = print_ct_dnat,
	[STMT_DPORT] = print_dport,       [STMT_SADDR] = print_ranges,
	[STMT_DADDR] = print_ranges,      [STMT_TCP_SYN] = print_tcp_syn,
	[STMT_MSS_TO_PMTU] = print_mss,   [STMT_COUNTER] = print_word,
	[STMT_LIMIT] = print_limit,       [STMT_CT_COUNT] = print_ct_count,
	[STMT_REJECT] = print_reject,     [STMT_ACCEPT] = print_word,
	[STMT_DROP] = print_word,         [STMT_SNAT] = print_nat,
	[STMT_DNAT] = print_nat,          [STMT_MASQUERADE] = print_masquerade,
};
static_assert(ARRAY_SIZE(printers) == STMT_KINDS_, "a printer for each kind of statement");

void rule_print(const struct rule *r, FILE *out)
{
	size_t i;

	for (i = 0; i < r->n_stmts; i++) {
		if (i)
			fputc(' ', out);
		printers[r->stmts[i].kind](&r->stmts[i], out);
	}
}

static const char *hook_name(uint32_t hook)
{
	static const char *const names[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",   [NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward",          [NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting",
	};
	static_assert(ARRAY_SIZE(names) == NF_INET_NUMHOOKS, "a name for each hook");

	return names[hook];
}

/* nft names the priorities that have a name, and writes others as numbers */
static void print_priority(int32_t priority, FILE *out)
{
	switch (priority) {
	case NF_IP_PRI_RAW:
		fputs("raw", out);
		break;
	case NF_IP_PRI_MANGLE:
		fputs("mangle", out);
		break;
	case NF_IP_PRI_NAT_DST:
		fputs("dstnat", out);
		break;
	case NF_IP_PRI_FILTER:
		fputs("filter", out);
		break;
	case NF_IP_PRI_NAT_SRC:
		fputs("srcnat", out);
		break;
	default:
		fprintf(out, "%d", priority);
	}
}

static void print_chain(const struct chain *c, FILE *out)
{
	size_t i;

	fprintf(out, "\tchain %s {\n\t\ttype %s hook %s priority ", c->name, c->type,
		hook_name(c->hook));
	print_priority(c->priority, out);
	fprintf(out, "; policy %s;\n", c->policy == NF_ACCEPT ? "accept" : "drop");
	for (i = 0; i < c->n_rules; i++) {
		fputs("\t\t", out);
		rule_print(&c->rules[i], out);
		fputc('\n', out);
	}
	fputs("\t}\n", out);
}

void nat_ruleset_print(const struct nat_ruleset *rs, FILE *out)
{
	size_t i;

	fprintf(out, "table inet %s {\n\tcomment \"%s\"\n", NAT_TABLE, rs->owner);
	for (i = 0; i < rs->n_chains; i++) {
		if (i)
			fputc('\n', out);
		print_chain(&rs->chains[i], out);
	}
	fputs("}\n", out);
}
