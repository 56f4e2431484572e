/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the text that a topology's folder becomes, taken apart; what is damaged, and where */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/bundle.h"

static void check_damaged(const char *text, size_t len, int line, int column, const char *said)
{
	struct arena *a = arena_new(0);
	struct yaml_error error;
	struct bundle b;

	assert_true(bundle_is(text, len));
	assert_int_equal(bundle_split(text, len, a, &b, &error), -EINVAL);
	if (!strstr(error.text, said))
		fail_msg("says: %s", error.text);
	assert_int_equal(error.line, line);
	assert_int_equal(error.column, column);
	arena_free(a);
}

#define MARK "#!warren bundle 1\n"

static void test_split(void **state)
{
	static const char text[] = MARK "2 tenants.d/a.yaml\na\n\n3 tenants.d/gw/a b.yaml\nx\ny\n"
					"0 topology.yaml\n\n";
	struct arena *a = arena_new(0);
	struct yaml_error error;
	struct bundle b;

	(void)state;
	assert_int_equal(bundle_split(text, strlen(text), a, &b, &error), 0);
	assert_int_equal(b.n, 3);
	assert_string_equal(b.files[0].name, "topology.yaml");
	assert_int_equal(b.files[0].len, 0);
	assert_string_equal(b.files[1].name, "tenants.d/a.yaml");
	assert_null(b.files[1].host);
	assert_memory_equal(b.files[1].text, "a\n", 2);
	assert_string_equal(b.files[2].name, "tenants.d/gw/a b.yaml");
	assert_string_equal(b.files[2].host, "gw");
	assert_memory_equal(b.files[2].text, "x\ny", 3);
	arena_free(a);
	assert_false(bundle_is("#!warren bundle 1", 17));
	assert_false(bundle_is("#!warren bundle 2\n", 18));
	assert_false(bundle_is("name: x\n", 8));
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text;
		int line, column;
		const char *said;
	} cases[] = {
		{MARK, 2, 1, "no topology.yaml"},
		{MARK "3 tenants.d/a.yaml\nabc\n", 4, 1, "no topology.yaml"},
		{MARK "name: x\n", 2, 1, "no length"},
		{MARK "03 topology.yaml\nabc\n", 2, 1, "no length"},
		{MARK "-1 topology.yaml\nabc\n", 2, 1, "no length"},
		{MARK "3  topology.yaml\nabc\n", 2, 3, "not the name"},
		{MARK "3\n", 2, 1, "no length"},
		{MARK "9999999999 topology.yaml\nabc\n", 2, 1, "no length"},
		{MARK "3 topology.yaml", 2, 3, "no name"},
		{MARK "3 topology.yaml\nab", 3, 1, "not as long"},
		{MARK "3 topology.yaml\nabc", 3, 1, "not as long"},
		{MARK "3 topology.yaml\nabcd\n", 3, 1, "not as long"},
		{MARK "999999999 topology.yaml\nabc\n", 3, 1, "not as long"},
		{MARK "0 /etc/passwd\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/../x.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/.x.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d//x.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/a/b/x.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/x.yml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/\x1b.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 tenants.d/\xc2\x80.yaml\n\n", 2, 3, "not the name"},
		{MARK "0 topology.yaml\n\n0 topology.yaml\n\n", 4, 3, "in order"},
		{MARK "0 tenants.d/b.yaml\n\n0 tenants.d/a.yaml\n\n", 4, 3, "in order"},
		{MARK "0 topology.yaml\n\nx", 4, 1, "no length"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_damaged(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column,
			      cases[i].said);
	check_damaged(MARK "0 topology\0.yaml\n\n", sizeof(MARK "0 topology\0.yaml\n\n") - 1, 2, 3,
		      "no name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
