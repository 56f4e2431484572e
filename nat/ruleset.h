/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset as data: chains of rules, rules of statements.  Private to this room.
 *
 * Theory of operation.  A statement is what nft would print as one piece of a rule: a match
 * ("iifname "wg0""), an action ("counter", "accept", "snat ip to …").  It knows its values
 * and nothing else; print.c turns it into text, expr.c into kernel expressions, and each
 * has one table with a row per kind.  A new feature adds a kind, a row in each table, and the
 * rules that use it in rules.c; the transaction in apply.c stays as it is.
 *
 * Rules are appended to the chain begun last, statements to the rule begun last.  Running out
 * of memory is remembered (rs->failed) and looked at once, at the end.
 */
#ifndef WARREN_NAT_RULESET_H
#define WARREN_NAT_RULESET_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/arena.h"
#include "nat/rules.h"

enum stmt_kind {
	STMT_IIFNAME, /* ifname */
	STMT_OIFNAME,
	STMT_NFPROTO,     /* family */
	STMT_L4_PORTS,    /* a transport protocol with ports: TCP or UDP */
	STMT_CT_STATE,    /* ct_state */
	STMT_CT_DNAT,     /* of a session whose destination is translated */
	STMT_DPORT,       /* port: destination port of TCP, of UDP, or of what was matched before */
	STMT_SADDR,       /* ranges, all of one family */
	STMT_DADDR,       /* the same */
	STMT_TCP_SYN,     /* SYN set, RST not: SYN and SYN-ACK */
	STMT_MSS_TO_PMTU, /* lower the TCP MSS option to what the route bears */
	STMT_COUNTER,
	STMT_LIMIT,    /* limit: above the rate, and only then */
	STMT_CT_COUNT, /* count: when more sessions than that have come this way and last */
	STMT_ACCEPT,
	STMT_DROP,
	STMT_REJECT,     /* with ICMP: administratively prohibited */
	STMT_SNAT,       /* nat: one address or more of one family, ports */
	STMT_DNAT,       /* nat: one address, one port or none */
	STMT_MASQUERADE, /* nat: ports only */
	STMT_KINDS_
};

struct addr_range {
	struct ip_addr first, last; /* inclusive */
};

struct stmt {
	enum stmt_kind kind;
	union {
		char ifname[IFNAMSIZ];
		int family;        /* AF_INET, AF_INET6 */
		uint32_t ct_state; /* NF_CT_STATE_* bits */
		struct {
			const struct addr_range *ranges; /* ascending, apart from each other */
			size_t n_ranges;
		};
		struct {
			bool bytes;    /* rather than packets */
			uint64_t rate; /* a second */
			uint32_t
				burst; /* at once; of bytes none, a second's worth is the kernel's */
		} limit;
		uint32_t count;
		struct {
			uint8_t l4proto;      /* IPPROTO_TCP, IPPROTO_UDP; 0: whichever it is */
			uint16_t first, last; /* inclusive */
		} port;
		struct {
			const struct ip_addr *addresses;
			size_t n_addresses;
			bool has_ports;
			uint16_t port_first, port_last; /* inclusive */
		} nat;
	};
};

struct rule {
	struct stmt *stmts;
	size_t n_stmts;
};

struct chain {
	const char *name;
	const char *type; /* "filter", "nat" */
	uint32_t hook;    /* NF_INET_* */
	int32_t priority; /* NF_IP_PRI_* */
	uint32_t policy;  /* NF_ACCEPT, NF_DROP */
	struct rule *rules;
	size_t n_rules;
};

struct nat_ruleset {
	struct arena *arena;
	const char *owner;
	struct chain *chains;
	size_t n_chains;
	bool failed; /* memory ran out while it was built */
};

/* what `ct state` compares: bits of the kernel's NF_CT_STATE_BIT() */
#define CT_STATE_INVALID     1u
#define CT_STATE_ESTABLISHED 2u
#define CT_STATE_RELATED     4u
#define CT_STATE_NEW         8u

void chain_begin(struct nat_ruleset *rs, const struct chain *like);
void rule_begin(struct nat_ruleset *rs);

/* statements without a value, and those with one */
void stmt_plain(struct nat_ruleset *rs, enum stmt_kind kind);
void stmt_ifname(struct nat_ruleset *rs, enum stmt_kind kind, const char *ifname);
void stmt_family(struct nat_ruleset *rs, int family);
void stmt_ct_state(struct nat_ruleset *rs, uint32_t bits);
void stmt_dport(struct nat_ruleset *rs, uint8_t l4proto, uint16_t first, uint16_t last);
void stmt_limit(struct nat_ruleset *rs, bool bytes, uint64_t rate, uint32_t burst);
void stmt_ct_count(struct nat_ruleset *rs, uint32_t count);
void stmt_ranges(struct nat_ruleset *rs, enum stmt_kind kind, const struct addr_range *ranges,
		 size_t n);
/* @addresses: the arena's; none: masquerade */
void stmt_nat(struct nat_ruleset *rs, const struct ip_addr *addresses, size_t n, bool has_ports,
	      uint16_t port_first, uint16_t port_last);

/* @to: the arena's; @port: 0: as it is */
void stmt_dnat(struct nat_ruleset *rs, const struct ip_addr *to, uint16_t port);

/*
 * ranges_from_prefixes - the prefixes of @family as the fewest ranges, in ascending order.
 * Returns the arena's array and its length in *@ret_n (0: none of that family).
 */
const struct addr_range *ranges_from_prefixes(struct nat_ruleset *rs,
					      const struct ip_prefix *prefixes, size_t n,
					      int family, size_t *ret_n);

/* ranges_from_addresses - single addresses of one family as the fewest ranges, into @ret, which has room
 * for @n; returns how many. */
size_t ranges_from_addresses(struct addr_range *ret, const struct ip_addr *addresses, size_t n);

/* range_prefix_len - the length of the prefix that @r is, or -1 where it is none. */
int range_prefix_len(const struct addr_range *r);

/* rule_print - the rule on one line as nft writes it, without the newline. */
void rule_print(const struct rule *r, FILE *out);

#endif
