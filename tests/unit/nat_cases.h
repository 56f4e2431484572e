/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Specifications of NAPT rules by name, for the golden files (tests/golden/nat/NAME.nft), which
 * the unit test compares with nat_ruleset_print() and the system test with nft.
 */
#ifndef WARREN_TESTS_NAT_CASES_H
#define WARREN_TESTS_NAT_CASES_H

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "nat/rules.h"

#define NAT_CASE_OWNER "warren lab niransix"
#define NAT_CASE_POOL  300

struct nat_case_plain {
	const char *out;
	const char *sources[6];
	const char *to;
	uint16_t port_first, port_last; /* 0: none */
};

struct nat_case_forward {
	const char *proto; /* "tcp", "udp", "both" */
	uint16_t port_first, port_last;
	const char *to;
	uint16_t to_port; /* 0: its own */
};

struct nat_case {
	const char *name;
	bool tenant;
	uint16_t port_first, port_last; /* 0: none */
	struct nat_case_forward forwards[5];
	uint32_t sessions, new_sessions_per_second;
	uint64_t upload_rate, download_rate;
	const char *addresses[16];
	unsigned int pool; /* that many addresses from 100.64.0.1 on */
	struct nat_case_plain plain[6];
};

static const struct nat_case nat_cases[] = {
	{.name = "tenant-v4", .tenant = true, .addresses = {"100.64.0.20"}},
	{.name = "tenant-v6", .tenant = true, .addresses = {"2001:db8:64::20"}},
	{.name = "tenant-dual", .tenant = true, .addresses = {"100.64.0.20", "2001:db8:64::20"}},
	{.name = "tenant-pool",
	 .tenant = true,
	 .addresses = {"100.64.0.20", "2001:db8:64::20", "100.64.0.21", "2001:db8:64::21",
		       "100.64.0.29", "100.64.0.3", "100.64.0.4", "100.64.0.5", "100.64.0.6",
		       "100.64.0.7", "100.64.0.8", "100.64.0.9", "100.64.0.1"}},
	{.name = "tenant-pool-big", .tenant = true, .pool = NAT_CASE_POOL},
	{.name = "tenant-none", .tenant = true},
	{.name = "tenant-ports",
	 .tenant = true,
	 .addresses = {"100.64.0.20", "2001:db8:64::20"},
	 .port_first = 20000,
	 .port_last = 29999},
	{.name = "tenant-pool-ports",
	 .tenant = true,
	 .addresses = {"100.64.0.20", "100.64.0.21"},
	 .port_first = 1024,
	 .port_last = 1024},
	{.name = "tenant-limits",
	 .tenant = true,
	 .addresses = {"100.64.0.20"},
	 .sessions = 1000,
	 .new_sessions_per_second = 5,
	 .upload_rate = 1250000,
	 .download_rate = 16000000},
	{.name = "tenant-limits-large",
	 .tenant = true,
	 .addresses = {"100.64.0.20", "2001:db8:64::20"},
	 .port_first = 1024,
	 .port_last = 2047,
	 .sessions = 4294967295,
	 .new_sessions_per_second = 1000,
	 .upload_rate = 12500000000,
	 .download_rate = 125000},
	{.name = "tenant-forwards",
	 .tenant = true,
	 .addresses = {"100.64.0.20", "2001:db8:64::20", "100.64.0.21", "100.64.0.29"},
	 .forwards = {{"tcp", 8080, 8080, "192.168.1.10", 80},
		      {"udp", 5000, 5999, "192.168.1.11", 0},
		      {"both", 53, 53, "192.168.1.12", 0},
		      {"both", 60000, 65535, "fd00::10", 0},
		      {"tcp", 443, 443, "fd00::10", 8443}}},
	{.name = "plain-masquerade", .plain = {{.out = "wan"}}},
	{.name = "plain-masquerade-ports",
	 .plain = {{.out = "wan", .port_first = 1024, .port_last = 2047}}},
	{.name = "plain-one-source", .plain = {{.out = "wan", .sources = {"192.168.1.0/24"}}}},
	{.name = "plain-odd-sources",
	 .plain = {{.out = "wan", .sources = {"192.168.1.77/32"}},
		   {.out = "wan2", .sources = {"172.16.0.0/12", "2001:db8::/61"}},
		   {.out = "wan3", .sources = {"0.0.0.0/0", "::/0"}},
		   {.out = "wan4", .sources = {"2001:db8::1/128", "11.0.0.0/8", "12.0.0.0/8"}}}},
	{.name = "plain-sets",
	 .plain = {{.out = "wan",
		    .sources = {"10.0.0.0/8", "192.168.1.0/24", "10.1.0.0/16", "224.0.0.0/3",
				"fd00::/8", "fe80::/64"}},
		   {.out = "wan2",
		    .sources = {"0.0.0.0/8", "10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/11",
				"192.168.7.7/32"}}}},
	{.name = "plain-snat",
	 .plain = {{.out = "wan", .to = "203.0.113.7"},
		   {.out = "wan2",
		    .sources = {"10.0.0.0/8", "192.168.0.0/16"},
		    .to = "203.0.113.8",
		    .port_first = 20000,
		    .port_last = 29999},
		   {.out = "wan3",
		    .sources = {"fd00::/8"},
		    .to = "2001:db8::7",
		    .port_first = 4000,
		    .port_last = 4000}}},
	{.name = "plain-several",
	 .plain = {{.out = "wan", .sources = {"10.0.0.0/24"}, .to = "203.0.113.7"},
		   {.out = "wan", .sources = {"10.0.1.0/24"}, .to = "203.0.113.8"},
		   {.out = "wan", .sources = {"fd00:1::/64"}},
		   {.out = "wan2", .sources = {"10.0.0.0/24"}},
		   {.out = "wan", .sources = {"10.0.0.0/24"}, .port_first = 9, .port_last = 9}}},
};

static inline struct ip_addr nat_case_addr(const char *s)
{
	struct ip_addr a = {.family = AF_UNSPEC};

	if (ip_addr_parse(s, &a) < 0)
		abort();
	return a;
}

static inline void nat_case_plain(const struct nat_case_plain *c, struct ip_prefix *sources,
				  struct nat_plain *p)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c->sources) && c->sources[i]; i++)
		if (ip_prefix_parse(c->sources[i], &sources[i]) < 0)
			abort();
	*p = (struct nat_plain){.out = c->out, .sources = sources, .n_sources = i};
	if (c->to) {
		p->has_to = true;
		p->to = nat_case_addr(c->to);
	}
	p->has_ports = c->port_first != 0;
	p->port_first = c->port_first;
	p->port_last = c->port_last;
}

static inline void nat_case_forward(const struct nat_case_forward *c, struct nat_forward *f)
{
	*f = (struct nat_forward){.tcp = strcmp(c->proto, "udp") != 0,
				  .udp = strcmp(c->proto, "tcp") != 0,
				  .port_first = c->port_first,
				  .port_last = c->port_last,
				  .to = nat_case_addr(c->to),
				  .has_to_port = c->to_port != 0,
				  .to_port = c->to_port};
}

static inline int nat_case_build(const struct nat_case *c, const char *owner,
				 struct nat_ruleset **ret, struct err *e)
{
	struct ip_prefix sources[ARRAY_SIZE(c->plain)][ARRAY_SIZE(c->plain[0].sources)];
	struct nat_plain plain[ARRAY_SIZE(c->plain)];
	struct ip_addr addresses[NAT_CASE_POOL], first = nat_case_addr("100.64.0.1");
	struct nat_forward forwards[ARRAY_SIZE(c->forwards)];
	struct nat_tenant tenant = {.inside = "wg-a",
				    .outside = "eth-a-nsB",
				    .addresses = addresses,
				    .has_ports = c->port_first != 0,
				    .port_first = c->port_first,
				    .port_last = c->port_last,
				    .forwards = forwards,
				    .sessions = c->sessions,
				    .new_sessions_per_second = c->new_sessions_per_second,
				    .upload_rate = c->upload_rate,
				    .download_rate = c->download_rate};
	struct nat_spec spec = {.owner = owner, .plain = plain};
	size_t i;

	if (c->tenant)
		spec.tenant = &tenant;
	for (i = 0; i < ARRAY_SIZE(c->addresses) && c->addresses[i]; i++)
		addresses[tenant.n_addresses++] = nat_case_addr(c->addresses[i]);
	for (i = 0; i < c->pool; i++)
		if (ip_addr_add(&first, i, &addresses[tenant.n_addresses++]) < 0)
			abort();
	for (i = 0; i < ARRAY_SIZE(c->forwards) && c->forwards[i].proto; i++)
		nat_case_forward(&c->forwards[i], &forwards[tenant.n_forwards++]);
	for (i = 0; i < ARRAY_SIZE(c->plain) && c->plain[i].out; i++)
		nat_case_plain(&c->plain[i], sources[spec.n_plain++], &plain[i]);
	return nat_ruleset_build(&spec, ret, e);
}

static inline const struct nat_case *nat_case_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nat_cases); i++)
		if (!strcmp(nat_cases[i].name, name))
			return &nat_cases[i];
	return NULL;
}

#endif
