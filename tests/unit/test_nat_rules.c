/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAPT rules as data, compared with the golden files; WARREN_GOLDEN_UPDATE=1 writes them anew
 * (and tests/system/nat.sh then compares them with nft).  Runs in the top folder of the tree.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "nat/ruleset.h"
#include "tests/unit/nat_cases.h"

static char *print_case(const struct nat_case *c)
{
	struct err e = ERR_INIT;
	struct nat_ruleset *rs;
	char *text = NULL;
	size_t len;
	FILE *f;

	assert_int_equal(nat_case_build(c, NAT_CASE_OWNER, &rs, &e), 0);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	nat_ruleset_print(rs, f);
	fclose(f);
	nat_ruleset_free(rs);
	return text;
}

static void golden(void **state)
{
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nat_cases); i++) {
		_cleanup_free_ char *got = print_case(&nat_cases[i]);
		_cleanup_free_ char *want = NULL;
		struct err e = ERR_INIT;

		snprintf(path, sizeof(path), "tests/golden/nat/%s.nft", nat_cases[i].name);
		if (getenv("WARREN_GOLDEN_UPDATE"))
			assert_int_equal(io_write_file(path, got, strlen(got), 0644, &e), 0);
		if (io_read_file(path, 1 << 20, &want, NULL, &e) < 0)
			fail_msg("%s", e.msg);
		assert_string_equal(got, want);
	}
}

/* what the rules of a tenant must and must not contain, whatever they look like */
static void tenant_is_closed(void **state)
{
	_cleanup_free_ char *v4 = print_case(nat_case_find("tenant-v4"));
	_cleanup_free_ char *none = print_case(nat_case_find("tenant-none"));

	(void)state;
	assert_non_null(strstr(v4, "hook forward priority filter; policy drop;"));
	assert_non_null(strstr(v4, "snat ip to 100.64.0.20\n"));
	/* no IPv6 address: nothing of IPv6 may leave */
	assert_null(strstr(v4, "ipv6"));
	assert_null(strstr(v4, "oifname \"eth-a-nsB\" accept"));
	assert_null(strstr(none, "snat"));
	assert_null(strstr(none, "oifname \"eth-a-nsB\""));
}

static int build(const struct nat_spec *spec, struct err *e)
{
	struct nat_ruleset *rs = NULL;
	int r = nat_ruleset_build(spec, &rs, e);

	if (r == 0)
		nat_ruleset_free(rs);
	else
		assert_null(rs);
	return r;
}

static void refuse(const struct nat_spec *spec, const char *words)
{
	struct err e = ERR_INIT;

	assert_int_equal(build(spec, &e), -EINVAL);
	if (!strstr(e.msg, words))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, words);
}

static void bad_owner(void **state)
{
	char longest[130];
	struct nat_spec spec = {.owner = NULL};
	struct err e = ERR_INIT;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[128] = '\0';
	refuse(&spec, "owner");
	spec.owner = "";
	refuse(&spec, "owner");
	spec.owner = "a \"b\"";
	refuse(&spec, "quotes");
	spec.owner = longest;
	assert_int_equal(build(&spec, &e), 0);
	longest[128] = 'x';
	longest[129] = '\0';
	refuse(&spec, "longer than 128");
}

static void bad_tenant(void **state)
{
	struct nat_tenant t = {.inside = "wg-a", .outside = "wg-a"};
	struct nat_plain p = {.out = "wan"};
	struct nat_spec spec = {.owner = "o", .tenant = &t};
	struct err e = ERR_INIT;

	(void)state;
	refuse(&spec, "both inside and outside");
	t.outside = "";
	refuse(&spec, "no name");
	t.outside = "sixteen-letters-";
	refuse(&spec, "no name");
	t.outside = "wild*";
	refuse(&spec, "no name");
	t.outside = "fifteen-letters";
	assert_int_equal(build(&spec, &e), 0);
	spec.plain = &p;
	spec.n_plain = 1;
	refuse(&spec, "not both");
}

static void bad_plain(void **state)
{
	struct ip_prefix source;
	struct nat_plain p = {.out = "wan", .has_ports = true, .port_first = 9, .port_last = 8};
	struct nat_spec spec = {.owner = "o", .plain = &p, .n_plain = 1};

	(void)state;
	refuse(&spec, "ports 9-8");
	p.port_first = 0;
	refuse(&spec, "ports 0-8");
	p.has_ports = false;
	assert_int_equal(ip_prefix_parse("10.0.0.0/8", &source), 0);
	p.sources = &source;
	p.n_sources = 1;
	p.has_to = true;
	p.to = nat_case_addr("2001:db8::1");
	refuse(&spec, "source 10.0.0.0/8 cannot become 2001:db8::1");
}

static void check_ranges(const char *const *prefixes, size_t n, int family, const char *want)
{
	struct nat_ruleset rs = {.arena = arena_new(0)};
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], got[512] = "";
	const struct addr_range *ranges;
	struct ip_prefix p[8];
	size_t found, i, len = 0;

	for (i = 0; i < n; i++)
		assert_int_equal(ip_prefix_parse(prefixes[i], &p[i]), 0);
	ranges = ranges_from_prefixes(&rs, p, n, family, &found);
	for (i = 0; i < found; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s-%s/%d ",
					ip_addr_format(&ranges[i].first, a),
					ip_addr_format(&ranges[i].last, b),
					range_prefix_len(&ranges[i]));
	assert_string_equal(got, want);
	arena_free(rs.arena);
}

static void ranges(void **state)
{
	static const char *const mixed[] = {"10.1.2.3/16", "fd00::/8", "10.0.0.0/16", "9.0.0.0/8",
					    "10.0.7.0/24"};
	static const char *const ends[] = {"255.0.0.0/8", "0.0.0.0/32", "254.255.255.255/32"};
	static const char *const all[] = {"0.0.0.0/0", "10.0.0.0/8"};
	static const char *const odd[] = {"11.0.0.0/8", "12.0.0.0/8", "14.0.0.0/8"};

	(void)state;
	check_ranges(mixed, ARRAY_SIZE(mixed), AF_INET, "9.0.0.0-10.1.255.255/-1 ");
	check_ranges(mixed, ARRAY_SIZE(mixed), AF_INET6,
		     "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/8 ");
	check_ranges(ends, ARRAY_SIZE(ends), AF_INET,
		     "0.0.0.0-0.0.0.0/32 254.255.255.255-255.255.255.255/-1 ");
	check_ranges(ends, ARRAY_SIZE(ends), AF_INET6, "");
	check_ranges(all, ARRAY_SIZE(all), AF_INET, "0.0.0.0-255.255.255.255/0 ");
	check_ranges(odd, ARRAY_SIZE(odd), AF_INET,
		     "11.0.0.0-12.255.255.255/-1 14.0.0.0-14.255.255.255/8 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),    cmocka_unit_test(tenant_is_closed),
		cmocka_unit_test(bad_owner), cmocka_unit_test(bad_tenant),
		cmocka_unit_test(bad_plain), cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
