/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAPT rules as data: what a namespace's table is to contain.
 *
 * Theory of operation.  nat_ruleset_build() is a pure function from what is
 * wanted to a list of chains and rules; nat_ruleset_print() shows the list as
 * `nft list table` would; nat_apply() turns it into one libnftnl batch, which the kernel
 * takes whole or not at all.  Everything is in one table of family inet.
 */
#ifndef WARREN_NAT_RULES_H
#define WARREN_NAT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"

#define NAT_TABLE "warren" /* table inet warren */

/* a tenant's namespace: everything from @inside is translated when it leaves by @outside */
struct nat_tenant {
	const char *inside;              /* interface: wg-TENANT */
	const char *outside;             /* interface: eth-TENANT-nsB */
	const struct ip_addr *addresses; /* translated to; a family with none is not let out */
	size_t n_addresses;
	bool has_ports;
	uint16_t port_first, port_last; /* ports used outside, inclusive */
	const struct nat_forward *forwards;
	size_t n_forwards;
	/* limits; 0: none */
	uint32_t sessions;                   /* of the inside, at a time: the next is rejected */
	uint32_t new_sessions_per_second;    /* of the inside: what is above is dropped */
	uint64_t upload_rate, download_rate; /* bytes a second, headers included: the same */
};

/*
 * Inbound: what is sent to a tenant's addresses of the family of @to, at these ports, goes on to @to.
 * Without a port there it keeps its own.
 */
struct nat_forward {
	bool tcp, udp;                  /* at least one */
	uint16_t port_first, port_last; /* inclusive */
	struct ip_addr to;
	bool has_to_port; /* then the ports are one */
	uint16_t to_port;
};

/* a rule of a plain host: what leaves by @out is translated */
struct nat_plain {
	const char *out;                 /* interface */
	const struct ip_prefix *sources; /* none: everything forwarded or sent by the host;
					  * else of the family of @to, if there is one */
	size_t n_sources;
	bool has_to;
	struct ip_addr to; /* none: masquerade */
	bool has_ports;
	uint16_t port_first, port_last; /* ports used outside, inclusive */
};

struct nat_spec {
	const char *owner; /* put into the table as its comment, e.g. "warren lab niransix" */
	const struct nat_tenant *tenant; /* NULL: none */
	const struct nat_plain *plain;
	size_t n_plain;
};

struct nat_ruleset;

/* nat_ruleset_build - returns 0 and *@ret (nat_ruleset_free()), or -ENOMEM, -EINVAL. */
int nat_ruleset_build(const struct nat_spec *spec, struct nat_ruleset **ret, struct err *e);
void nat_ruleset_free(struct nat_ruleset *rs);

/* nat_ruleset_print - in nft's syntax, as `nft -s list table inet warren` shows it (1.0.6). */
void nat_ruleset_print(const struct nat_ruleset *rs, FILE *out);

/*
 * nat_apply - put the ruleset into the namespace of @sock in one transaction.
 * @sock: an AF_NETLINK, NETLINK_NETFILTER socket of the namespace.
 * @create: the table must not be there yet (-EEXIST); else it is replaced, whosever it is.
 * Does not block.  The error names the chain and the rule that the kernel refused.
 *
 * Replacing changes a table with our owner in place: the table, and the chains that keep type,
 * hook and priority, stay with their hooks; rules are taken out and put in anew (counters start
 * at 0); chains and named sets that are not wanted go.  Packets meet the old rules or the new ones,
 * and none is lost.  What has to be made anew goes and comes at once as well, but a packet that is
 * under way in that very instant can be dropped (seen once in 100,000 replacements): a chain with
 * another hook, and the table where it is somebody else's, switched off (dormant), or where others
 * change the namespace's rules all the time.
 *
 * No connection ends: conntrack entries stay, and with them the mappings.  The kernel asks NAT
 * rules for the first packet of a connection only, so a mapping that exists is not evaluated
 * again: it goes on with its old address and ports until its entry ends, also where new rules
 * translate to another address or not at all.  What the forward chain drops, it drops of existing
 * connections as well.
 */
int nat_apply(int sock, const struct nat_ruleset *rs, bool create, struct err *e);

enum nat_state {
	NAT_STATE_NONE,      /* there is no table inet warren */
	NAT_STATE_SAME,      /* it is what nat_apply() would make */
	NAT_STATE_DIFFERENT, /* its owner is ours, its contents are not */
	NAT_STATE_FOREIGN,   /* its owner is another */
};

/*
 * nat_compare - is the table in the namespace of @sock what nat_apply() would make of @rs?
 * Compared are the owner; every chain with type, hook, priority and policy; every rule, in
 * order, with all it does; every set with all its elements (in any order).  So a chain, rule or
 * set more, less or otherwise makes it different, and so does a table that is switched off.  What
 * does nothing does not count: handles, counters' values, comments but the table's, the order of
 * chains, objects and flow tables that no rule uses.
 * Does not block; reads the table again where it changes meanwhile.  It costs some 50 microseconds
 * for a tenant, half of it the kernel's.
 * Returns 0 and *@ret, or -errno; -EBUSY: others change the namespace's rules all the time.
 */
int nat_compare(int sock, const struct nat_ruleset *rs, enum nat_state *ret, struct err *e);

enum nat_found { NAT_NONE, NAT_OURS, NAT_FOREIGN };

/* nat_find - is there a table inet warren in the namespace of @sock, and is its comment @owner?
 * Returns 0 and *@ret, or -errno. */
int nat_find(int sock, const char *owner, enum nat_found *ret, struct err *e);

/* nat_remove - delete our table from the namespace of @sock, if its comment is @owner.
 * Returns 1: removed; 0: there is none, or it is somebody else's; -errno. */
int nat_remove(int sock, const char *owner, struct err *e);

/*
 * nat_available - can this kernel do it (nf_tables, NAT, conntrack)?  Tries a tenant's rules in
 * a throw-away namespace of a helper thread.  Returns 0, or -errno with a hint at what is missing.
 */
int nat_available(struct err *e);

#endif
