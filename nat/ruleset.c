/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ruleset.h"

#include <stdlib.h>
#include <string.h>

void chain_begin(struct nat_ruleset *rs, const struct chain *like)
{
	struct chain *chains;

	chains = arena_grow(rs->arena, rs->chains, rs->n_chains, sizeof(*chains));
	if (!chains) {
		rs->failed = true;
		return;
	}
	rs->chains = chains;
	chains[rs->n_chains] = *like;
	chains[rs->n_chains].rules = NULL;
	chains[rs->n_chains].n_rules = 0;
	rs->n_chains++;
}

void rule_begin(struct nat_ruleset *rs)
{
	struct rule *rules;
	struct chain *c;

	if (rs->failed)
		return;
	c = &rs->chains[rs->n_chains - 1];
	rules = arena_grow(rs->arena, c->rules, c->n_rules, sizeof(*rules));
	if (!rules) {
		rs->failed = true;
		return;
	}
	c->rules = rules;
	c->n_rules++;
}

static void stmt_add(struct nat_ruleset *rs, const struct stmt *s)
{
	struct stmt *stmts;
	struct chain *c;
	struct rule *r;

	if (rs->failed)
		return;
	c = &rs->chains[rs->n_chains - 1];
	r = &c->rules[c->n_rules - 1];
	stmts = arena_grow(rs->arena, r->stmts, r->n_stmts, sizeof(*stmts));
	if (!stmts) {
		rs->failed = true;
		return;
	}
	stmts[r->n_stmts++] = *s;
	r->stmts = stmts;
}

void stmt_plain(struct nat_ruleset *rs, enum stmt_kind kind)
{
	stmt_add(rs, &(struct stmt){.kind = kind});
}

void stmt_ifname(struct nat_ruleset *rs, enum stmt_kind kind, const char *ifname)
{
	struct stmt s = {.kind = kind};

	/* the length was checked with the specification; the kernel compares all 16 bytes */
	memcpy(s.ifname, ifname, strnlen(ifname, sizeof(s.ifname) - 1));
	stmt_add(rs, &s);
}

void stmt_family(struct nat_ruleset *rs, int family)
{
	stmt_add(rs, &(struct stmt){.kind = STMT_NFPROTO, .family = family});
}

void stmt_ct_state(struct nat_ruleset *rs, uint32_t bits)
{
	stmt_add(rs, &(struct stmt){.kind = STMT_CT_STATE, .ct_state = bits});
}

void stmt_dport(struct nat_ruleset *rs, uint8_t l4proto, uint16_t first, uint16_t last)
{
	stmt_add(rs, &(struct stmt){.kind = STMT_DPORT,
				    .port = {.l4proto = l4proto, .first = first, .last = last}});
}

void stmt_limit(struct nat_ruleset *rs, bool bytes, uint64_t rate, uint32_t burst)
{
	stmt_add(rs, &(struct stmt){.kind = STMT_LIMIT,
				    .limit = {.bytes = bytes, .rate = rate, .burst = burst}});
}

void stmt_ct_count(struct nat_ruleset *rs, uint32_t count)
{
	stmt_add(rs, &(struct stmt){.kind = STMT_CT_COUNT, .count = count});
}

void stmt_ranges(struct nat_ruleset *rs, enum stmt_kind kind, const struct addr_range *ranges,
		 size_t n)
{
	stmt_add(rs, &(struct stmt){.kind = kind, .ranges = ranges, .n_ranges = n});
}

void stmt_nat(struct nat_ruleset *rs, const struct ip_addr *addresses, size_t n, bool has_ports,
	      uint16_t port_first, uint16_t port_last)
{
	struct stmt s = {.kind = n ? STMT_SNAT : STMT_MASQUERADE};

	s.nat.addresses = addresses;
	s.nat.n_addresses = n;
	s.nat.has_ports = has_ports;
	s.nat.port_first = port_first;
	s.nat.port_last = port_last;
	stmt_add(rs, &s);
}

void stmt_dnat(struct nat_ruleset *rs, const struct ip_addr *to, uint16_t port)
{
	struct stmt s = {.kind = STMT_DNAT};

	s.nat.addresses = to;
	s.nat.n_addresses = 1;
	s.nat.has_ports = port != 0;
	s.nat.port_first = s.nat.port_last = port;
	stmt_add(rs, &s);
}

static struct addr_range range_of(const struct ip_prefix *p)
{
	struct ip_prefix net = ip_prefix_network(p);
	struct addr_range r = {net.addr, net.addr};
	size_t bit;

	for (bit = p->len; bit < ip_addr_bits(&p->addr); bit++)
		r.last.bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return r;
}

static int by_first(const void *a, const void *b)
{
	const struct addr_range *x = a, *y = b;

	return ip_addr_cmp(&x->first, &y->first);
}

/* does @b, which starts no lower, overlap @a or follow on it without a gap? */
static bool joins(const struct addr_range *a, const struct addr_range *b)
{
	struct ip_addr next;

	return ip_addr_add(&a->last, 1, &next) < 0 || ip_addr_cmp(&b->first, &next) <= 0;
}

/* sorted, and those that touch as one; returns how many are left */
static size_t join_ranges(struct addr_range *ranges, size_t n)
{
	size_t kept = 0;

	qsort(ranges, n, sizeof(*ranges), by_first);
	for (size_t i = 0; i < n; i++) {
		if (!kept || !joins(&ranges[kept - 1], &ranges[i]))
			ranges[kept++] = ranges[i];
		else if (ip_addr_cmp(&ranges[i].last, &ranges[kept - 1].last) > 0)
			ranges[kept - 1].last = ranges[i].last;
	}
	return kept;
}

const struct addr_range *ranges_from_prefixes(struct nat_ruleset *rs,
					      const struct ip_prefix *prefixes, size_t n,
					      int family, size_t *ret_n)
{
	struct addr_range *ranges;
	size_t found = 0, i;

	*ret_n = 0;
	if (!n)
		return NULL;
	ranges = arena_alloc(rs->arena, n * sizeof(*ranges));
	if (!ranges) {
		rs->failed = true;
		return NULL;
	}
	for (i = 0; i < n; i++)
		if (prefixes[i].addr.family == family)
			ranges[found++] = range_of(&prefixes[i]);
	*ret_n = join_ranges(ranges, found);
	return ranges;
}

size_t ranges_from_addresses(struct addr_range *ret, const struct ip_addr *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct addr_range){addresses[i], addresses[i]};
	return join_ranges(ret, n);
}

int range_prefix_len(const struct addr_range *r)
{
	struct ip_prefix p = {.addr = r->first, .len = 0};
	unsigned int bits = ip_addr_bits(&r->first), len;
	struct addr_range as_prefix;

	for (len = 0; len < bits; len++)
		if ((r->first.bytes[len / 8] ^ r->last.bytes[len / 8]) & (0x80 >> (len % 8)))
			break;
	p.len = (uint8_t)len;
	as_prefix = range_of(&p);
	if (ip_addr_cmp(&as_prefix.first, &r->first) || ip_addr_cmp(&as_prefix.last, &r->last))
		return -1;
	return (int)len;
}
