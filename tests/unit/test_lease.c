/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases: pools give again what they gave, whoever comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/lease.h"
#include "lab/load.h"

/* a gateway with these tenants */
static struct topology *load(const char *tenants, const char *pools, const char *leases)
{
	struct topology *t = NULL;
	struct diags d;
	struct err e = ERR_INIT;
	char text[2048];

	snprintf(text, sizeof(text),
		 "name: lease\nhosts:\n  gw:\n    bridges: {br: {addresses: [100.64.0.1/24, "
		 "fd00::1/64]}}\n    gateway:\n      bridge: br\n      pools: %s\n      tenants: "
		 "{%s}\n",
		 pools, tenants);
	if (topology_load_leased(text, strlen(text), "/", leases, &t, &d, &e) < 0)
		fail_msg("%s: %s", e.msg, d.n ? d.v[0].text : "");
	diags_free(&d);
	return t;
}

static const struct tenant *find(const struct topology *t, const char *name)
{
	const struct gateway *g = t->hosts[0].gateway;

	for (size_t i = 0; i < g->n_tenants; i++)
		if (!strcmp(g->tenants[i].name, name))
			return &g->tenants[i];
	fail_msg("no tenant %s", name);
	return NULL;
}

static const char *what(const struct topology *t, const char *name)
{
	static char text[8][160];
	static unsigned int turn;
	const struct tenant *k = find(t, name);
	char *buf = text[turn++ % 8], address[INET6_ADDRSTRLEN];

	snprintf(buf, sizeof(text[0]), "%u", k->listen_port);
	for (size_t i = 0; i < k->napt_addresses.n; i++) {
		size_t len = strlen(buf);

		snprintf(buf + len, sizeof(text[0]) - len, " %s",
			 ip_addr_format(&k->napt_addresses.v[i].addr, address));
	}
	return buf;
}

static const char pools[] = "{listen_port: 50000-50009}";

static void test_stay(void **state)
{
	struct topology *t = load("a: {}, b: {}, c: {}", pools, "");
	_cleanup_free_ char *leases = leases_write(t);
	struct topology *u = load("c: {}, d: {}, b: {}", pools, leases);

	(void)state;
	assert_string_equal(what(t, "a"), "50000 100.64.0.2 fd00::2");
	assert_string_equal(what(t, "c"), "50002 100.64.0.4 fd00::4");
	assert_string_equal(what(u, "b"), what(t, "b"));
	assert_string_equal(what(u, "c"), what(t, "c"));
	/* who comes takes the place of who went */
	assert_string_equal(what(u, "d"), what(t, "a"));
	topology_free(t);
	topology_free(u);
}

static void test_others_first(void **state)
{
	struct topology *t = load("a: {}, b: {}", pools, "");
	_cleanup_free_ char *leases = leases_write(t);
	/* the file gives a's to somebody by name */
	struct topology *u =
		load("x: {listen_port: 50000, napt_addresses: [100.64.0.2/24]}, a: {}, "
		     "b: {}",
		     pools, leases);

	(void)state;
	assert_string_equal(what(u, "b"), what(t, "b"));
	assert_int_not_equal(find(u, "a")->listen_port, 50000);
	assert_string_not_equal(what(u, "a"), what(t, "a"));
	assert_false(find(u, "x")->leased_port);
	assert_true(find(u, "a")->leased_port);
	topology_free(t);
	topology_free(u);
}

/* a lease that is not in the pool any more, or makes no sense, counts for nothing */
static void test_bad(void **state)
{
	static const char *const leases[] = {
		"gw a 49999 100.64.0.9,fd00::9\n",
		"gw a 50010 192.0.2.1,fd00::9\n",
		"gw a 70000 100.64.0.255,fd00::9\n",
		"gw a\n\ngw a - -\n",
		"gw a x y\nother a 50005 100.64.0.9,fd00::9\n",
		"gw a 50003 100.64.0.9\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(leases); i++) {
		struct topology *t = load("a: {}, b: {}", pools, leases[i]);
		const struct tenant *a = find(t, "a");

		assert_true(a->listen_port >= 50000 && a->listen_port <= 50009);
		assert_int_equal(a->napt_addresses.n, 2);
		assert_true(strstr(what(t, "a"), " 100.64.0.") != NULL);
		assert_null(strstr(what(t, "a"), ".255"));
		topology_free(t);
	}
}

static void test_text(void **state)
{
	struct topology *t = load("a: {listen_port: 7}, b: {napt_addresses: [100.64.0.9/24]}, c: "
				  "{listen_port: 8, napt_addresses: [100.64.0.10/24]}",
				  pools, "");
	_cleanup_free_ char *leases = leases_write(t);

	(void)state;
	assert_string_equal(leases, "gw a - 100.64.0.2,fd00::2\ngw b 50000 -\n");
	assert_true(topology_has_leases(t));
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stay),
		cmocka_unit_test(test_others_first),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
