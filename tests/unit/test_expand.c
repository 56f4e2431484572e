/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/expand.h"

struct expectation {
	const char *text, *out; /* out NULL: an error, whose text has … */
	const char *error;      /* … this in it */
	enum expand_mode mode;
};

static void check(const struct expectation *x, const struct scope *scope)
{
	struct arena *a = arena_new(0);
	char error[EXPAND_ERROR_MAX] = "";
	const char *out = NULL;
	int r = expand_text(x->text, scope, NULL, x->mode, a, &out, error);

	if (x->out) {
		assert_int_equal(r, 0);
		assert_string_equal(out, x->out);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_non_null(strstr(error, x->error));
	}
	arena_free(a);
}

static void test_inside_a_range(void **state)
{
	static const struct expectation all[] = {
		{"plain", "plain", NULL, EXPAND_VALUE},
		{"{n}", "7", NULL, EXPAND_VALUE},
		{"c{n}x", "c0007x", NULL, EXPAND_NAME},
		{"{n+0}", "7", NULL, EXPAND_NAME},
		{"{n:02}", "07", NULL, EXPAND_VALUE},
		{"{50000+n}", "50007", NULL, EXPAND_VALUE},
		{"100.{64+n/256}.{n%256}.1/16", "100.64.7.1/16", NULL, EXPAND_VALUE},
		{"{2+3*4}", "14", NULL, EXPAND_VALUE},
		{"{(2+3)*4}", "20", NULL, EXPAND_VALUE},
		{"{10-3-2}", "5", NULL, EXPAND_VALUE},
		{"{100/10/5}", "2", NULL, EXPAND_VALUE},
		{"{ - n + 10 }", "3", NULL, EXPAND_VALUE},
		{"{{n}}", "{n}", NULL, EXPAND_VALUE},
		{"a}b", "a}b", NULL, EXPAND_VALUE},
		{"{m}", NULL, "unknown variable `m`", EXPAND_VALUE},
		{"{nn}", NULL, "unknown variable `nn`", EXPAND_VALUE},
		{"{1/0}", NULL, "division by zero", EXPAND_VALUE},
		{"{n%0}", NULL, "division by zero", EXPAND_VALUE},
		{"{9223372036854775807+1}", NULL, "too large", EXPAND_VALUE},
		{"{9223372036854775808}", NULL, "too large", EXPAND_VALUE},
		{"{(0-9223372036854775807-1)/-1}", NULL, "too large", EXPAND_VALUE},
		{"{(0-9223372036854775807-1)%-1}", "0", NULL, EXPAND_VALUE},
		{"{}", NULL, "without arithmetic", EXPAND_VALUE},
		{"{n", NULL, "not closed", EXPAND_VALUE},
		{"{((((((((((((((((((1))))))))))))))))))}", NULL, "parentheses", EXPAND_VALUE},
		{"{n:99}", NULL, "width", EXPAND_VALUE},
		{"echo ${n} {n} {x} { n; }", "echo ${n} 7 {x} { n; }", NULL, EXPAND_COMMAND},
		{"awk '{{n}} {print}'", "awk '{n} {print}'", NULL, EXPAND_COMMAND},
	};
	const struct scope scope = {.set = true, .n = 7, .width = 4};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check(&all[i], &scope);
}

static void test_outside_any_range(void **state)
{
	static const struct expectation all[] = {
		{"{1+1}", "2", NULL, EXPAND_VALUE},
		{"{n}", NULL, "outside a range", EXPAND_VALUE},
		{"echo {n}", NULL, "outside a range", EXPAND_COMMAND},
		{"echo {}", "echo {}", NULL, EXPAND_COMMAND},
	};
	const struct scope scope = {.set = false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check(&all[i], &scope);
}

static void test_ranges(void **state)
{
	static const char *const bad[] = {"t{3..1}", "t{1..200000}", "t{1..}",
					  "t{..3}",  "{1..2}{3..4}", "t{1..2"};
	char error[EXPAND_ERROR_MAX];
	struct range r;

	(void)state;
	assert_int_equal(expand_range("t{0001..1000}x", &r, error), 0);
	assert_true(r.present);
	assert_int_equal(r.first, 1);
	assert_int_equal(r.last, 1000);
	assert_int_equal(r.width, 4);
	assert_int_equal(r.start, 1);
	assert_int_equal(r.end, 13);
	assert_int_equal(expand_range("{1..50}", &r, error), 0);
	assert_int_equal(r.width, 0);
	assert_int_equal(expand_range("plain{n}{{1..2}}", &r, error), 0);
	assert_false(r.present);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(expand_range(bad[i], &r, error), -EINVAL);
}

static void test_range_in_text(void **state)
{
	const struct scope outer = {.set = true, .n = 3, .width = 2};
	struct arena *a = arena_new(0);
	char error[EXPAND_ERROR_MAX];
	const char *out;
	struct range r;

	(void)state;
	assert_int_equal(expand_range("h{n}t{001..100}", &r, error), 0);
	r.now = 42;
	assert_int_equal(expand_text("h{n}t{001..100}", &outer, &r, EXPAND_NAME, a, &out, error),
			 0);
	assert_string_equal(out, "h03t042");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside_a_range),
		cmocka_unit_test(test_outside_any_range),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_range_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
