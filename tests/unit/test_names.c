/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names, short names, the nearest spelling, and the table they are kept in */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/suggest.h"
#include "base/table.h"
#include "lab/names.h"

static void test_good_and_bad(void **state)
{
	(void)state;
	assert_true(name_is_lab("niransix-2"));
	assert_false(name_is_lab("-a"));
	assert_false(name_is_lab("A"));
	assert_false(name_is_lab(""));
	assert_false(name_is_lab("abcdefghijabcdefghijabcdefghijabc"));
	assert_true(name_is_netns("Host_1.example-x"));
	assert_false(name_is_netns(".."));
	assert_false(name_is_netns("a/b"));
	assert_false(name_is_netns(""));
	assert_true(name_is_interface("enp0s8"));
	assert_true(name_is_interface("eth-a-tenant-with-a-long-name-nsA"));
	assert_false(name_is_interface("lo"));
	assert_false(name_is_interface("all"));
	assert_false(name_is_interface(".."));
	assert_false(name_is_interface("a b"));
	assert_false(name_is_interface("a:1"));
	assert_false(name_is_interface("veth%d"));
}

static void test_short(void **state)
{
	char a[IF_NAME_MAX + 1], b[IF_NAME_MAX + 1], c[IF_NAME_MAX + 1];

	(void)state;
	name_shorten("exactly15bytes_", 3, a);
	assert_string_equal(a, "exactly15bytes_");
	name_shorten("eth-customer-0001-nsA", 0, a);
	name_shorten("eth-customer-0001-nsB", 0, b);
	name_shorten("eth-customer-0001-nsA", 1, c);
	assert_true(name_is_interface(a) && strlen(a) <= IF_NAME_MAX);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	/* stable for ever: running labs are found by it */
	assert_string_equal(a, "eth-cus-kenjdg6");
}

static void test_short_do_not_meet(void **state)
{
	static char names[20000][IF_NAME_MAX + 1];
	struct table t _cleanup_table_ = TABLE_INIT;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		char full[32];

		snprintf(full, sizeof(full), "eth-tenant-%05zu-nsA", i);
		name_shorten(full, 0, names[i]);
		assert_int_equal(table_add_str(&t, names[i], i, NULL), 1);
	}
}

static void test_table(void **state)
{
	struct table t _cleanup_table_ = TABLE_INIT;
	size_t v = 0;

	(void)state;
	assert_false(table_get_str(&t, "a", &v));
	assert_int_equal(table_add_str(&t, "a", 1, NULL), 1);
	assert_int_equal(table_add_str(&t, "a", 2, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(table_set(&t, "a", 1, 3), 0);
	assert_true(table_get_str(&t, "a", &v));
	assert_int_equal(v, 3);
	assert_false(table_get_str(&t, "ab", NULL));
	assert_int_equal(table_add(&t, "", 0, 9, NULL), 1);
	assert_true(table_get_str(&t, "", &v));
	assert_int_equal(v, 9);
}

static const char *nearest_of(const char *word, const char *const *all)
{
	struct suggest s = suggest_start(word, 100);

	for (; *all; all++)
		suggest_try(&s, *all);
	return s.best;
}

static void test_suggest(void **state)
{
	static const char *const keys[] = {"private_key", "listen_port", "peers", "mtu", NULL};
	struct suggest broke = suggest_start("peer", 0);

	(void)state;
	assert_string_equal(nearest_of("listen_prot", keys), "listen_port");
	assert_string_equal(nearest_of("Peers", keys), "peers");
	assert_string_equal(nearest_of("privatekey", keys), "private_key");
	assert_string_equal(nearest_of("mut", keys), "mtu");
	assert_null(nearest_of("addresses", keys));
	assert_null(nearest_of("", keys));
	suggest_try(&broke, "peers");
	assert_null(broke.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_and_bad),      cmocka_unit_test(test_short),
		cmocka_unit_test(test_short_do_not_meet), cmocka_unit_test(test_table),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
