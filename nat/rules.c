/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rules a namespace gets.
 *
 * Theory of operation.  A tenant is closed: its forward chain drops by default, lets answers
 * through both ways, and new sessions only from the tunnel, and only in the families that are
 * translated, so that nothing leaves under an inside address.  Several addresses of a family
 * are shared out by a hash of the inside address: an inside host keeps one outside address
 * for all its sessions (RFC 4787, REQ-2, "paired").
 *
 * An unsolicited TCP or UDP packet to the outside address itself is dropped on input.  Without
 * that the namespace would answer a SYN with RST at once (RFC 5382, REQ-4, wants silence),
 * and a UDP packet would leave a conntrack entry on the port that an inside host is about to use
 * for its hole punch, which then would have to take another one.  ICMP stays open, and with it
 * ping and neighbour discovery.
 *
 * Forwarded ports are the way in: they are translated before routing, and the forward chain lets
 * through what was.  Limits: bytes are counted where all packets pass, sessions where only the first
 * one of each does, in the chains of type nat.
 *
 * A plain host is open, as it would be without NAPT, except that what its outside interface
 * brings does not start sessions towards the translated sources.  Its input is left alone.
 *
 * TCP SYNs get their MSS lowered to what the route bears, in both directions: a tunnel's MTU
 * is smaller than that of its surroundings, and paths that swallow ICMP are common (RFC 4459).
 */
#include <errno.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/kernel.h"
#include "nat/ruleset.h"

static const struct chain forward_closed = {
	.name = "forward",
	.type = "filter",
	.hook = NF_INET_FORWARD,
	.priority = NF_IP_PRI_FILTER,
	.policy = NF_DROP,
};

static const struct chain forward_open = {
	.name = "forward",
	.type = "filter",
	.hook = NF_INET_FORWARD,
	.priority = NF_IP_PRI_FILTER,
	.policy = NF_ACCEPT,
};

static const struct chain input = {
	.name = "input",
	.type = "filter",
	.hook = NF_INET_LOCAL_IN,
	.priority = NF_IP_PRI_FILTER,
	.policy = NF_ACCEPT,
};

static const struct chain prerouting = {
	.name = "prerouting",
	.type = "nat",
	.hook = NF_INET_PRE_ROUTING,
	.priority = NF_IP_PRI_NAT_DST,
	.policy = NF_ACCEPT,
};

static const struct chain postrouting = {
	.name = "postrouting",
	.type = "nat",
	.hook = NF_INET_POST_ROUTING,
	.priority = NF_IP_PRI_NAT_SRC,
	.policy = NF_ACCEPT,
};

static const int families[] = {AF_INET, AF_INET6};

static void drop_counted(struct nat_ruleset *rs)
{
	stmt_plain(rs, STMT_COUNTER);
	stmt_plain(rs, STMT_DROP);
}

/* the addresses of one family, in the arena */
static const struct ip_addr *addresses_of(struct nat_ruleset *rs, const struct nat_tenant *t,
					  int family, size_t *ret_n)
{
	struct ip_addr *a;
	size_t i;

	*ret_n = 0;
	if (!t->n_addresses)
		return NULL;
	a = arena_alloc(rs->arena, t->n_addresses * sizeof(*a));
	if (!a) {
		rs->failed = true;
		return NULL;
	}
	for (i = 0; i < t->n_addresses; i++)
		if (t->addresses[i].family == family)
			a[(*ret_n)++] = t->addresses[i];
	return a;
}

static bool has_family(const struct nat_tenant *t, int family)
{
	size_t i;

	for (i = 0; i < t->n_addresses; i++)
		if (t->addresses[i].family == family)
			return true;
	return false;
}

static void inside_to(struct nat_ruleset *rs, const struct nat_tenant *t, const char *oif)
{
	rule_begin(rs);
	stmt_ifname(rs, STMT_IIFNAME, t->inside);
	stmt_ifname(rs, STMT_OIFNAME, oif);
}

/* What is above is dropped: senders slow down for that.  As much as may flow in a second can come at once, which
 * is how the kernel counts bytes (nft_limit_init()): a burst would come on top. */
static void tenant_rate(struct nat_ruleset *rs, const char *from, const char *to, uint64_t rate)
{
	if (!rate)
		return;
	rule_begin(rs);
	stmt_ifname(rs, STMT_IIFNAME, from);
	stmt_ifname(rs, STMT_OIFNAME, to);
	stmt_limit(rs, true, rate, 0);
	drop_counted(rs);
}

static void tenant_forward(struct nat_ruleset *rs, const struct nat_tenant *t)
{
	size_t i;

	chain_begin(rs, &forward_closed);
	rule_begin(rs);
	stmt_plain(rs, STMT_TCP_SYN);
	stmt_plain(rs, STMT_MSS_TO_PMTU);
	/* what conntrack does not understand is not translated either */
	rule_begin(rs);
	stmt_ct_state(rs, CT_STATE_INVALID);
	drop_counted(rs);
	tenant_rate(rs, t->inside, t->outside, t->upload_rate);
	tenant_rate(rs, t->outside, t->inside, t->download_rate);
	rule_begin(rs);
	stmt_ct_state(rs, CT_STATE_ESTABLISHED | CT_STATE_RELATED);
	stmt_plain(rs, STMT_ACCEPT);
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (!has_family(t, families[i]))
			continue;
		inside_to(rs, t, t->outside);
		stmt_family(rs, families[i]);
		stmt_plain(rs, STMT_ACCEPT);
	}
	if (t->n_forwards) {
		rule_begin(rs);
		stmt_ifname(rs, STMT_IIFNAME, t->outside);
		stmt_ifname(rs, STMT_OIFNAME, t->inside);
		stmt_plain(rs, STMT_CT_DNAT);
		stmt_plain(rs, STMT_ACCEPT);
	}
	/* peers of one tenant reach each other */
	inside_to(rs, t, t->inside);
	stmt_plain(rs, STMT_ACCEPT);
	/* the policy would drop as well, but does not count */
	rule_begin(rs);
	drop_counted(rs);
}

static void tenant_input(struct nat_ruleset *rs, const struct nat_tenant *t)
{
	chain_begin(rs, &input);
	rule_begin(rs);
	stmt_ifname(rs, STMT_IIFNAME, t->outside);
	stmt_ct_state(rs, CT_STATE_NEW);
	stmt_plain(rs, STMT_L4_PORTS);
	drop_counted(rs);
}

static void tenant_forwarded(struct nat_ruleset *rs, const struct nat_tenant *t,
			     const struct nat_forward *f)
{
	const struct ip_addr *addresses;
	struct addr_range *ranges;
	struct ip_addr *to;
	size_t n;

	addresses = addresses_of(rs, t, f->to.family, &n);
	ranges = n ? arena_alloc(rs->arena, n * sizeof(*ranges)) : NULL;
	to = arena_alloc(rs->arena, sizeof(*to));
	if (!n || !ranges || !to) {
		rs->failed = true;
		return;
	}
	*to = f->to;
	rule_begin(rs);
	stmt_ifname(rs, STMT_IIFNAME, t->outside);
	stmt_ranges(rs, STMT_DADDR, ranges, ranges_from_addresses(ranges, addresses, n));
	if (f->tcp && f->udp)
		stmt_plain(rs, STMT_L4_PORTS);
	stmt_dport(rs,
		   f->tcp && f->udp ? 0
		   : f->tcp         ? IPPROTO_TCP
				    : IPPROTO_UDP,
		   f->port_first, f->port_last);
	stmt_plain(rs, STMT_COUNTER);
	stmt_dnat(rs, to, f->has_to_port ? f->to_port : 0);
}

static void tenant_prerouting(struct nat_ruleset *rs, const struct nat_tenant *t)
{
	if (!t->n_forwards && !t->sessions)
		return;
	chain_begin(rs, &prerouting);
	/* here, since only the first packet of a session comes this way: the kernel counts one that is not
	 * answered yet again for each packet (nf_conncount_add(), within one tick) */
	if (t->sessions) {
		rule_begin(rs);
		stmt_ifname(rs, STMT_IIFNAME, t->inside);
		stmt_ct_count(rs, t->sessions);
		stmt_plain(rs, STMT_COUNTER);
		stmt_plain(rs, STMT_REJECT);
	}
	for (size_t i = 0; i < t->n_forwards; i++)
		tenant_forwarded(rs, t, &t->forwards[i]);
}

static void tenant_postrouting(struct nat_ruleset *rs, const struct nat_tenant *t)
{
	const struct ip_addr *addresses;
	size_t n, i;

	chain_begin(rs, &postrouting);
	/* in this chain, too, since only the first packet of a session comes this way */
	if (t->new_sessions_per_second) {
		inside_to(rs, t, t->outside);
		stmt_limit(rs, false, t->new_sessions_per_second, t->new_sessions_per_second);
		drop_counted(rs);
	}
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		addresses = addresses_of(rs, t, families[i], &n);
		if (!n)
			continue;
		if (t->has_ports) {
			inside_to(rs, t, t->outside);
			stmt_family(rs, families[i]);
			stmt_plain(rs, STMT_L4_PORTS);
			stmt_plain(rs, STMT_COUNTER);
			stmt_nat(rs, addresses, n, true, t->port_first, t->port_last);
		}
		/* with ports: what has none, such as ICMP */
		inside_to(rs, t, t->outside);
		stmt_family(rs, families[i]);
		stmt_plain(rs, STMT_COUNTER);
		stmt_nat(rs, addresses, n, false, 0, 0);
	}
}

/* a match on one family's sources; every address of a family is a match on the family */
static void match_ranges(struct nat_ruleset *rs, enum stmt_kind kind,
			 const struct addr_range *ranges, size_t n)
{
	if (n == 1 && range_prefix_len(ranges) == 0)
		stmt_family(rs, ranges[0].first.family);
	else
		stmt_ranges(rs, kind, ranges, n);
}

/* one rule of the postrouting chain up to its counter */
static void plain_match(struct nat_ruleset *rs, const struct nat_plain *p, int family,
			const struct addr_range *ranges, size_t n, bool l4_ports)
{
	rule_begin(rs);
	stmt_ifname(rs, STMT_OIFNAME, p->out);
	if (n)
		match_ranges(rs, STMT_SADDR, ranges, n);
	else if (family != AF_UNSPEC)
		stmt_family(rs, family);
	if (l4_ports)
		stmt_plain(rs, STMT_L4_PORTS);
	stmt_plain(rs, STMT_COUNTER);
}

/* @family: AF_UNSPEC where the rule is for both */
static void plain_translate(struct nat_ruleset *rs, const struct nat_plain *p, int family,
			    const struct addr_range *ranges, size_t n)
{
	struct ip_addr *to = NULL;

	if (p->has_to) {
		to = arena_alloc(rs->arena, sizeof(*to));
		if (!to) {
			rs->failed = true;
			return;
		}
		*to = p->to;
	}
	if (p->has_ports) {
		plain_match(rs, p, family, ranges, n, true);
		stmt_nat(rs, to, p->has_to, true, p->port_first, p->port_last);
	}
	/* with ports: what has none, such as ICMP */
	plain_match(rs, p, family, ranges, n, false);
	stmt_nat(rs, to, p->has_to, false, 0, 0);
}

static void plain_postrouting(struct nat_ruleset *rs, const struct nat_plain *p)
{
	const struct addr_range *ranges;
	size_t n, i;

	if (!p->n_sources) {
		plain_translate(rs, p, p->has_to ? p->to.family : AF_UNSPEC, NULL, 0);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		ranges = ranges_from_prefixes(rs, p->sources, p->n_sources, families[i], &n);
		if (n)
			plain_translate(rs, p, families[i], ranges, n);
	}
}

static void plain_mss(struct nat_ruleset *rs, const char *out)
{
	static const enum stmt_kind directions[] = {STMT_OIFNAME, STMT_IIFNAME};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(directions); i++) {
		rule_begin(rs);
		stmt_ifname(rs, directions[i], out);
		stmt_plain(rs, STMT_TCP_SYN);
		stmt_plain(rs, STMT_MSS_TO_PMTU);
	}
}

/* @ranges: the sources of one family, or none for everything */
static void plain_filter(struct nat_ruleset *rs, const struct nat_plain *p,
			 const struct addr_range *ranges, size_t n)
{
	/* what conntrack does not understand would leave untranslated */
	rule_begin(rs);
	stmt_ifname(rs, STMT_OIFNAME, p->out);
	if (n)
		match_ranges(rs, STMT_SADDR, ranges, n);
	stmt_ct_state(rs, CT_STATE_INVALID);
	drop_counted(rs);
	rule_begin(rs);
	stmt_ifname(rs, STMT_IIFNAME, p->out);
	if (n)
		match_ranges(rs, STMT_DADDR, ranges, n);
	stmt_ct_state(rs, CT_STATE_NEW);
	drop_counted(rs);
}

static void plain_forward(struct nat_ruleset *rs, const struct nat_plain *p)
{
	const struct addr_range *ranges;
	size_t n, i;

	if (!p->n_sources) {
		plain_filter(rs, p, NULL, 0);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		ranges = ranges_from_prefixes(rs, p->sources, p->n_sources, families[i], &n);
		if (n)
			plain_filter(rs, p, ranges, n);
	}
}

/* did an entry before number @i have the same interface and, if @sources, the same sources? */
static bool seen(const struct nat_plain *all, size_t i, bool sources)
{
	const struct nat_plain *p = &all[i], *q;
	size_t j, k;

	for (j = 0; j < i; j++) {
		q = &all[j];
		if (strcmp(p->out, q->out))
			continue;
		if (!sources)
			return true;
		if (p->n_sources != q->n_sources)
			continue;
		for (k = 0; k < p->n_sources; k++)
			if (p->sources[k].len != q->sources[k].len ||
			    ip_addr_cmp(&p->sources[k].addr, &q->sources[k].addr))
				break;
		if (k == p->n_sources)
			return true;
	}
	return false;
}

static void build_tenant(struct nat_ruleset *rs, const struct nat_tenant *t)
{
	tenant_forward(rs, t);
	tenant_input(rs, t);
	tenant_prerouting(rs, t);
	tenant_postrouting(rs, t);
}

static void build_plain(struct nat_ruleset *rs, const struct nat_plain *plain, size_t n)
{
	size_t i;

	chain_begin(rs, &forward_open);
	for (i = 0; i < n; i++)
		if (!seen(plain, i, false))
			plain_mss(rs, plain[i].out);
	for (i = 0; i < n; i++)
		if (!seen(plain, i, true))
			plain_forward(rs, &plain[i]);
	chain_begin(rs, &postrouting);
	for (i = 0; i < n; i++)
		plain_postrouting(rs, &plain[i]);
}

/* names that nft would have to quote are nobody's interface */
static int check_ifname(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (!len || len >= IFNAMSIZ || strpbrk(name, "\"*\\/ \t\n"))
		return err_set(e, EINVAL, "\"%s\" is no name for an interface", name);
	return 0;
}

static int check_forward(const struct nat_tenant *t, const struct nat_forward *f, struct err *e)
{
	char to[INET6_ADDRSTRLEN];

	if (!f->port_first || f->port_first > f->port_last || (!f->tcp && !f->udp) ||
	    (f->has_to_port && (!f->to_port || f->port_first != f->port_last)))
		return err_set(e, EINVAL, "ports %u-%u cannot be forwarded", f->port_first,
			       f->port_last);
	if (!has_family(t, f->to.family))
		return err_set(e, EINVAL, "no address to be forwarded to %s from",
			       ip_addr_format(&f->to, to));
	return 0;
}

static int check_tenant(const struct nat_tenant *t, struct err *e)
{
	int r;

	r = check_ifname(t->inside, e);
	if (r < 0)
		return r;
	r = check_ifname(t->outside, e);
	if (r < 0)
		return r;
	if (!strcmp(t->inside, t->outside))
		return err_set(e, EINVAL, "%s cannot be both inside and outside", t->inside);
	if (t->has_ports && (!t->port_first || t->port_first > t->port_last))
		return err_set(e, EINVAL, "ports %u-%u are no range", t->port_first, t->port_last);
	for (size_t i = 0; i < t->n_forwards; i++) {
		r = check_forward(t, &t->forwards[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_plain(const struct nat_plain *p, struct err *e)
{
	char prefix[IP_PREFIX_STRLEN], to[INET6_ADDRSTRLEN];
	size_t i;
	int r;

	r = check_ifname(p->out, e);
	if (r < 0)
		return r;
	if (p->has_ports && (!p->port_first || p->port_first > p->port_last))
		return err_set(e, EINVAL, "napt out %s: ports %u-%u are no range", p->out,
			       p->port_first, p->port_last);
	for (i = 0; p->has_to && i < p->n_sources; i++)
		if (p->sources[i].addr.family != p->to.family)
			return err_set(e, EINVAL, "napt out %s: source %s cannot become %s", p->out,
				       ip_prefix_format(&p->sources[i], prefix),
				       ip_addr_format(&p->to, to));
	return 0;
}

static int check_spec(const struct nat_spec *spec, struct err *e)
{
	size_t i;
	int r;

	if (!spec->owner || !*spec->owner || strpbrk(spec->owner, "\"\n"))
		return err_set(e, EINVAL, "NAPT rules need an owner without quotes");
	if (strlen(spec->owner) > NFTNL_UDATA_COMMENT_MAXLEN)
		return err_set(e, EINVAL, "the owner of NAPT rules is longer than %d characters",
			       NFTNL_UDATA_COMMENT_MAXLEN);
	if (spec->tenant && spec->n_plain)
		return err_set(e, EINVAL, "a namespace is a tenant's or a plain host's, not both");
	if (spec->tenant) {
		r = check_tenant(spec->tenant, e);
		if (r < 0)
			return r;
	}
	for (i = 0; i < spec->n_plain; i++) {
		r = check_plain(&spec->plain[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

int nat_ruleset_build(const struct nat_spec *spec, struct nat_ruleset **ret, struct err *e)
{
	struct nat_ruleset *rs;
	struct arena *arena;
	int r;

	r = check_spec(spec, e);
	if (r < 0)
		return r;
	arena = arena_new(0);
	rs = arena ? arena_alloc(arena, sizeof(*rs)) : NULL;
	if (!rs) {
		arena_free(arena);
		return err_code(e, ENOMEM, "build NAPT rules");
	}
	rs->arena = arena;
	rs->owner = arena_strdup(arena, spec->owner);
	if (!rs->owner)
		rs->failed = true;
	if (spec->tenant)
		build_tenant(rs, spec->tenant);
	else if (spec->n_plain)
		build_plain(rs, spec->plain, spec->n_plain);
	if (rs->failed) {
		arena_free(arena);
		return err_code(e, ENOMEM, "build NAPT rules");
	}
	*ret = rs;
	return 0;
}

void nat_ruleset_free(struct nat_ruleset *rs)
{
	if (rs)
		arena_free(rs->arena);
}
