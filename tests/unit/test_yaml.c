/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab/yaml.h"

#define TREE_MAX ((size_t)4 * 1024 * 1024)

/* @text does not parse: where, and what is said of it */
static void check_error(const char *text, size_t len, int line, int column, const char *said)
{
	struct arena *a = arena_new(TREE_MAX);
	struct yaml_error e;
	struct node *top = NULL;

	assert_int_equal(yaml_read(text, len, 0, a, &top, &e), -EINVAL);
	assert_non_null(strstr(e.text, said));
	assert_int_equal(e.line, line);
	assert_int_equal(e.column, column);
	assert_null(top);
	arena_free(a);
}

static void check_error_str(const char *text, int line, int column, const char *said)
{
	check_error(text, strlen(text), line, column, said);
}

static void test_tree(void **state)
{
	static const char text[] = "\xef\xbb\xbf"
				   "a: [x, \"y\"]\r\nb: &here {c: 1}\r\nd: *here\r\ne:\r\n";
	struct arena *arena = arena_new(TREE_MAX);
	const struct node *a, *b, *d, *e;
	struct yaml_error error;
	struct node *top;

	(void)state;
	assert_int_equal(yaml_read(text, sizeof(text) - 1, 7, arena, &top, &error), 0);
	assert_int_equal(top->kind, NODE_MAP);
	a = top->child;
	assert_string_equal(a->text, "a");
	assert_int_equal(a->line, 1);
	assert_int_equal(a->column, 1);
	assert_int_equal(a->file, 7);
	assert_int_equal(a->next->kind, NODE_LIST);
	assert_true(a->next->child->plain);
	assert_false(a->next->child->next->plain);
	assert_int_equal(a->next->child->next->column, 8);
	b = a->next->next;
	assert_int_equal(b->line, 2);
	d = b->next->next;
	assert_int_equal(d->next->kind, NODE_MAP);
	assert_ptr_equal(d->next->child, b->next->child);
	assert_int_equal(d->next->file, 7);
	e = d->next->next;
	assert_true(yaml_is_null(e->next));
	assert_null(e->next->next);
	arena_free(arena);
}

static void test_not_text(void **state)
{
	(void)state;
	check_error("", 0, 1, 1, "empty");
	check_error_str("# nothing\n", 1, 1, "empty");
	check_error("a: b\0", 5, 1, 5, "NUL");
	check_error("a: \"\\0\"", 7, 1, 4, "NUL");
	check_error_str("a: b\nc: \xc0\xaf\n", 2, 4, "not UTF-8");
	check_error_str("a: \xed\xa0\x80\n", 1, 4, "not UTF-8");
	check_error_str("a: \xf4\x90\x80\x80\n", 1, 4, "not UTF-8");
	check_error_str("a: \xe2\x82", 1, 4, "not UTF-8");
	check_error_str("\xc3\xa4: \x1b[0m\n", 1, 4, "control character");
	check_error("\xff\xfe:\0", 4, 1, 1, "UTF-16");
}

static void test_not_yaml(void **state)
{
	(void)state;
	check_error_str("a:\n\tb: c\n", 2, 1, "tab");
	check_error_str("a: b\n---\nc: d\n", 2, 1, "second document");
	check_error_str("a: b: c\n", 1, 5, "mapping values");
	check_error_str("{[a]: b}\n", 1, 2, "plain word");
	check_error_str("a: *b\n", 1, 4, "no anchor");
	check_error_str("a: &a [*a]\n", 1, 8, "inside its own anchor");
}

static void test_bounds(void **state)
{
	char deep[80], bomb[1024] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
	size_t len = strlen(bomb);
	char *big _cleanup_free_ = calloc(1, 200000);

	(void)state;
	memset(deep, '[', sizeof(deep));
	check_error(deep, sizeof(deep), 1, 33, "32 levels");
	for (int i = 1; i < 9; i++) {
		len += (size_t)snprintf(bomb + len, sizeof(bomb) - len, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			len += (size_t)snprintf(bomb + len, sizeof(bomb) - len, "*a%d,", i - 1);
		len += (size_t)snprintf(bomb + len, sizeof(bomb) - len, "]\n");
	}
	check_error(bomb, len, 6, 46, "aliases");
	assert_non_null(big);
	memset(big, 'x', 199999);
	check_error(big, 199999, 1, 1, "65536 bytes");
}

static void test_limit(void **state)
{
	char *text _cleanup_free_ = malloc(1000000);
	struct arena *a = arena_new((size_t)1024 * 1024);
	struct yaml_error e;
	struct node *top;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 1000000; i += 4)
		memcpy(text + i, "- a\n", 4);
	assert_int_equal(yaml_read(text, 1000000, 0, a, &top, &e), -ENOMEM);
	assert_true(e.line > 1000);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),     cmocka_unit_test(test_not_text),
		cmocka_unit_test(test_not_yaml), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
