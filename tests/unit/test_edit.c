/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing files as text.  tests/golden/edit has the files before (NAME.yaml) and what becomes of
 * them (CASE.after), or what is said (CASE.err); WARREN_GOLDEN_UPDATE=1 writes the latter two anew.
 * Runs in the top folder of the tree.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/edit.h"
#include "lab/load.h"

#define FOLDER "tests/golden/edit/"
#define KEY    "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

#define STRINGS(...)                                                             \
	{                                                                        \
		.v = (const char *const[]){__VA_ARGS__},                         \
		.n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *) \
	}

static const struct edit_tenant bare = {.name = "new"};
static const struct edit_tenant port = {.name = "new", .listen_port = "50009"};
static const struct edit_tenant full = {
	.name = "new",
	.private_key_file = "/a folder/{n}.key",
	.listen_port = "50009",
	.napt_addresses = STRINGS("10.0.0.30", "fd00::30"),
	.dns = STRINGS("9.9.9.9", "2620:fe::fe"),
	.label_keys = STRINGS("customer", "a: b", "{1..2}"),
	.label_values = STRINGS("4711", "say \"hi\" # no comment", "\xc3\xa9\t{n}"),
	.peer = {.public_key = KEY,
		 .name = "the router, at home",
		 .preshared_key_file = "keys/psk",
		 .endpoint = "vpn.example.org:51820",
		 .keepalive = "25",
		 .allowed_ips = STRINGS("192.168.1.0/24", "::/0")},
};

/* --- golden files ------------------------------------------------------------------------ */

enum op { ADD, REMOVE, SET };

static const struct edit_case {
	const char *name, *file; /* file NULL: the case's name before its last dash */
	enum op op;
	const struct edit_tenant *add;
	const char *tenant;
	const char *host; /* NULL: gw; "": the file is one of a folder's tenants.d */
} cases[] = {
	{"block-add", "block", ADD, &bare, NULL, NULL},
	{"block-add-full", "block", ADD, &full, NULL, NULL},
	{"block-remove-a", "block", REMOVE, NULL, "a", NULL},
	{"block-remove-b", "block", REMOVE, NULL, "b", NULL},
	{"block-remove-c", "block", REMOVE, NULL, "c", NULL},
	{"block-twice", "block", ADD, &(const struct edit_tenant){.name = "b"}, NULL, NULL},
	{"block-nobody", "block", REMOVE, NULL, "d", NULL},
	{"block-nowhere", "block", REMOVE, NULL, "a", "nowhere"},
	{"block-no-gateway", "block", ADD, &bare, NULL, "other"},
	{"block-number", "block", ADD, &(const struct edit_tenant){.name = "007"}, NULL, NULL},
	{"comments-add", "comments", ADD, &port, NULL, NULL},
	{"comments-remove-a", "comments", REMOVE, NULL, "a", NULL},
	{"comments-remove-b", "comments", REMOVE, NULL, "b", NULL},
	{"comments-remove-c", "comments", REMOVE, NULL, "c", NULL},
	{"crlf-add", "crlf", ADD, &full, NULL, NULL},
	{"crlf-remove-b", "crlf", REMOVE, NULL, "b", NULL},
	{"cr-add", "cr", ADD, &port, NULL, NULL},
	{"cr-remove-b", "cr", REMOVE, NULL, "b", NULL},
	{"bom-add", "bom", ADD, &port, NULL, NULL},
	{"bom-remove-a", "bom", REMOVE, NULL, "a", NULL},
	{"bom-twice", "bom", ADD, &(const struct edit_tenant){.name = "a"}, NULL, NULL},
	{"tabs-add", "tabs", ADD, &port, NULL, NULL},
	{"tabs-remove-a", "tabs", REMOVE, NULL, "a", NULL},
	{"tabs-remove-b", "tabs", REMOVE, NULL, "b", NULL},
	{"utf8-add", "utf8", ADD, &full, NULL, NULL},
	{"utf8-remove-a", "utf8", REMOVE, NULL, "a", NULL},
	{"utf8-remove-b", "utf8", REMOVE, NULL, "b", NULL},
	{"utf8-remove-c", "utf8", REMOVE, NULL, "c", NULL},
	{"anchors-add", "anchors", ADD, &port, NULL, NULL},
	{"anchors-remove-a", "anchors", REMOVE, NULL, "a", NULL},
	{"anchors-remove-b", "anchors", REMOVE, NULL, "b", NULL},
	{"anchors-remove-c", "anchors", REMOVE, NULL, "c", NULL},
	{"anchors-remove-d", "anchors", REMOVE, NULL, "d", NULL},
	{"anchors-remove-e", "anchors", REMOVE, NULL, "e", NULL},
	{"shared-add", "shared", ADD, &bare, NULL, NULL},
	{"shared-add-alias", "shared", ADD, &bare, NULL, "gw2"},
	{"shared-add-tenants", "shared", ADD, &bare, NULL, "gw3"},
	{"shared-add-tenants-alias", "shared", ADD, &bare, NULL, "gw4"},
	{"merge-add", "merge", ADD, &bare, NULL, NULL},
	{"merge-remove-b", "merge", REMOVE, NULL, "b", NULL},
	{"flow-add", "flow", ADD, &bare, NULL, NULL},
	{"flow-add-full", "flow", ADD, &full, NULL, NULL},
	{"flow-remove-a", "flow", REMOVE, NULL, "a", NULL},
	{"flow-remove-b", "flow", REMOVE, NULL, "b", NULL},
	{"flow-remove-c", "flow", REMOVE, NULL, "c", NULL},
	{"flow-spaces-add", "flow-spaces", ADD, &bare, NULL, NULL},
	{"flow-spaces-remove-a", "flow-spaces", REMOVE, NULL, "a", NULL},
	{"flow-spaces-remove-b", "flow-spaces", REMOVE, NULL, "b", NULL},
	{"flow-lines-add", "flow-lines", ADD, &port, NULL, NULL},
	{"flow-lines-remove-a", "flow-lines", REMOVE, NULL, "a", NULL},
	{"flow-lines-remove-b", "flow-lines", REMOVE, NULL, "b", NULL},
	{"flow-lines-remove-c", "flow-lines", REMOVE, NULL, "c", NULL},
	{"flow-comma-add", "flow-comma", ADD, &port, NULL, NULL},
	{"flow-comma-remove-b", "flow-comma", REMOVE, NULL, "b", NULL},
	{"flow-gaps-add", "flow-gaps", ADD, &port, NULL, NULL},
	{"flow-gaps-remove-a", "flow-gaps", REMOVE, NULL, "a", NULL},
	{"flow-gaps-remove-b", "flow-gaps", REMOVE, NULL, "b", NULL},
	{"flow-gaps-remove-c", "flow-gaps", REMOVE, NULL, "c", NULL},
	{"flow-breaks-add", "flow-breaks", ADD, &port, NULL, NULL},
	{"flow-close-add", "flow-close", ADD, &port, NULL, NULL},
	{"flow-close-remove-a", "flow-close", REMOVE, NULL, "a", NULL},
	{"flow-close-remove-b", "flow-close", REMOVE, NULL, "b", NULL},
	{"flow-words-add", "flow-words", ADD, &bare, NULL, NULL},
	{"flow-words-remove-a", "flow-words", REMOVE, NULL, "a", NULL},
	{"flow-words-remove-b", "flow-words", REMOVE, NULL, "b", NULL},
	{"flow-words-remove-c", "flow-words", REMOVE, NULL, "c", NULL},
	{"flow-words-remove-d", "flow-words", REMOVE, NULL, "d", NULL},
	{"flow-all-add", "flow-all", ADD, &port, NULL, NULL},
	{"flow-missing-add", "flow-missing", ADD, &bare, NULL, NULL},
	{"flow-null-add", "flow-null", ADD, &bare, NULL, NULL},
	{"flow-null-add-2", "flow-null", ADD, &bare, NULL, "g2"},
	{"flow-null-add-3", "flow-null", ADD, &bare, NULL, "g3"},
	{"json-add", "json", ADD, &port, NULL, NULL},
	{"json-add-full", "json", ADD, &full, NULL, NULL},
	{"json-set", "json", SET, NULL, "b", NULL},
	{"json-remove-a", "json", REMOVE, NULL, "a", NULL},
	{"json-remove-b", "json", REMOVE, NULL, "b", NULL},
	{"empty-add", "empty", ADD, &port, NULL, NULL},
	{"empty-comment-add", "empty-comment", ADD, &port, NULL, NULL},
	{"empty-below-add", "empty-below", ADD, &port, NULL, NULL},
	{"null-add", "null", ADD, &port, NULL, NULL},
	{"tilde-add", "tilde", ADD, &port, NULL, NULL},
	{"null-anchor-add", "null-anchor", ADD, &port, NULL, NULL},
	{"missing-add", "missing", ADD, &port, NULL, NULL},
	{"missing-pools-add", "missing-pools", ADD, &full, NULL, NULL},
	{"ranges-add", "ranges", ADD, &port, NULL, NULL},
	{"ranges-twice", "ranges", ADD, &(const struct edit_tenant){.name = "t050"}, NULL, NULL},
	{"ranges-remove-first", "ranges", REMOVE, NULL, "t001", NULL},
	{"ranges-remove-last", "ranges", REMOVE, NULL, "t100", NULL},
	{"ranges-remove-middle", "ranges", REMOVE, NULL, "t050", NULL},
	{"ranges-remove-unpadded", "ranges", REMOVE, NULL, "t50", NULL},
	{"ranges-remove-8", "ranges", REMOVE, NULL, "u8", NULL},
	{"ranges-remove-12", "ranges", REMOVE, NULL, "u12", NULL},
	{"ranges-remove-09", "ranges", REMOVE, NULL, "u09", NULL},
	{"ranges-remove-alone", "ranges", REMOVE, NULL, "v7", NULL},
	{"ranges-remove-tail", "ranges", REMOVE, NULL, "w099x", NULL},
	{"ranges-odd-remove", "ranges-odd", REMOVE, NULL, "t1", NULL},
	{"ranges-odd-nobody", "ranges-odd", REMOVE, NULL, "u2", NULL},
	{"ranges-escaped-remove", "ranges-escaped", REMOVE, NULL, "t1", NULL},
	{"host-range-add", "host-range", ADD, &bare, NULL, "gw1"},
	{"no-newline-add", "no-newline", ADD, &port, NULL, NULL},
	{"no-newline-remove-b", "no-newline", REMOVE, NULL, "b", NULL},
	{"one-no-newline-remove", "one-no-newline", REMOVE, NULL, "a", NULL},
	{"only-remove", "only", REMOVE, NULL, "a", NULL},
	{"one-indented-add", "one-indented", ADD, &full, NULL, NULL},
	{"scalars-add", "scalars", ADD, &port, NULL, NULL},
	{"scalars-remove-a", "scalars", REMOVE, NULL, "a", NULL},
	{"scalars-remove-b", "scalars", REMOVE, NULL, "b", NULL},
	{"scalars-remove-d", "scalars", REMOVE, NULL, "d", NULL},
	{"explicit-add", "explicit", ADD, &bare, NULL, NULL},
	{"explicit-remove", "explicit", REMOVE, NULL, "b", NULL},
	{"document-add", "document", ADD, &port, NULL, NULL},
	{"document-remove", "document", REMOVE, NULL, "a", NULL},
	{"fragment-remove-a", "fragment", REMOVE, NULL, "a", ""},
	{"fragment-remove-b", "fragment", REMOVE, NULL, "b", ""},
	{"fragment-remove-t1", "fragment", REMOVE, NULL, "t1", ""},
	{"fragment-remove-t2", "fragment", REMOVE, NULL, "t2", ""},
	{"fragment-nobody", "fragment", REMOVE, NULL, "d", ""},
	{"fragment-set-a", "fragment", SET, NULL, "a", ""},
	{"fragment-set-b", "fragment", SET, NULL, "b", ""},
	{"fragment-set-c", "fragment", SET, NULL, "c", ""},
	{"fragment-one-remove", "fragment-one", REMOVE, NULL, "a", ""},
	{"fragment-one-set", "fragment-one", SET, NULL, "a", ""},
	{"fragment-flow-remove-a", "fragment-flow", REMOVE, NULL, "a", ""},
	{"fragment-flow-set-a", "fragment-flow", SET, NULL, "a", ""},
	{"keys-set-plain", "keys", SET, NULL, "plain", NULL},
	{"keys-set-double", "keys", SET, NULL, "double", NULL},
	{"keys-set-single", "keys", SET, NULL, "single", NULL},
	{"keys-set-anchor", "keys", SET, NULL, "anchor", NULL},
	{"keys-set-alias", "keys", SET, NULL, "alias", NULL},
	{"keys-set-folded", "keys", SET, NULL, "folded", NULL},
	{"keys-set-shares", "keys", SET, NULL, "shares", NULL},
	{"keys-set-nothing", "keys", SET, NULL, "nothing", NULL},
	{"keys-set-null", "keys", SET, NULL, "null", NULL},
	{"keys-set-flow", "keys", SET, NULL, "flow", NULL},
	{"keys-set-range", "keys", SET, NULL, "t2", NULL},
	{"keys-set-nobody", "keys", SET, NULL, "t4", NULL},
};

static char *read_whole(const char *path, size_t *ret_len)
{
	struct err e = ERR_INIT;
	char *text = NULL;

	if (io_read_file(path, LAB_FILE_MAX, &text, ret_len, &e) < 0)
		fail_msg("%s", e.msg);
	return text;
}

static int apply_case(const struct edit_case *c, const struct edit_source *src, struct edited *ret,
		      struct err *e)
{
	const char *host = !c->host ? "gw" : c->host[0] ? c->host : NULL;

	switch (c->op) {
	case ADD:
		return edit_add(src, host, c->add, ret, e);
	case REMOVE:
		return edit_remove(src, host, c->tenant, ret, e);
	default:
		return edit_set(src, host, c->tenant, "private_key", KEY, ret, e);
	}
}

static void compare(const char *path, const char *got, size_t len)
{
	char *want _cleanup_free_ = NULL;
	struct err e = ERR_INIT;
	size_t want_len;

	if (getenv("WARREN_GOLDEN_UPDATE"))
		assert_int_equal(io_write_file(path, got, len, 0644, &e), 0);
	want = read_whole(path, &want_len);
	if (want_len != len || memcmp(want, got, len) != 0)
		fail_msg("%s is not this:\n%s", path, got);
}

static void golden_case(const struct edit_case *c)
{
	char path[128], why[sizeof((struct err){.code = 0}.msg) + 260];
	struct edited after = {.text = NULL};
	struct err e = ERR_INIT;
	struct edit_source src = {.name = "FILE"};
	char *text _cleanup_free_ = NULL;
	int r;

	snprintf(path, sizeof(path), FOLDER "%s.yaml", c->file);
	text = read_whole(path, &src.len);
	src.text = text;
	r = apply_case(c, &src, &after, &e);
	snprintf(path, sizeof(path), FOLDER "%s.%s", c->name, r < 0 ? "err" : "after");
	if (r < 0) {
		assert_int_equal(e.kind, ERR_INVALID);
		snprintf(why, sizeof(why), "%s%s%s%s\n", e.msg, e.hint[0] ? " (" : "", e.hint,
			 e.hint[0] ? ")" : "");
		compare(path, why, strlen(why));
		return;
	}
	compare(path, after.text, after.len);
	free(after.text);
}

static void golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		golden_case(&cases[i]);
}

/* --- what came out is not what was meant --------------------------------------------------- */

/* a value that would mean something else where it is put */
static void refuses_value(const char *tenant, const char *field, const char *value)
{
	struct edited after = {.text = NULL};
	struct err e = ERR_INIT;
	struct edit_source src = {.name = "FILE"};
	char *text _cleanup_free_ = read_whole(FOLDER "keys.yaml", &src.len);

	src.text = text;
	assert_int_equal(edit_set(&src, "gw", tenant, field, value, &after, &e), -EOPNOTSUPP);
	assert_null(after.text);
}

static void meant(void **state)
{
	(void)state;
	refuses_value("double", "private_key", "a\\tb"); /* an escape, between double quotes */
	refuses_value("single", "private_key", "it''s");
	refuses_value("plain", "private_key", "a # b");
	refuses_value("plain", "private_key", "x\n          listen_port: 7");
	refuses_value("shares", "private_key_file", "/a/{n}"); /* is written as {{n}} */
}

/* --- secrets -------------------------------------------------------------------------------- */

#define SECRET1 "4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I="
#define SECRET2 "UEDC4UmabmflqAhnlP8IcqClGYgiL5MIUmaNg0lKYEQ="
#define SECRET3 "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
#define STARS   "********************************************"

static void masks(const char *text, const char *want)
{
	const struct edit_source src = {"FILE", text, strlen(text)};
	char *got _cleanup_free_ = edit_mask(&src);

	assert_non_null(got);
	assert_string_equal(got, want);
}

static void mask(void **state)
{
	(void)state;
	masks("a: {private_key: " SECRET1 ", public_key: " KEY "}\n",
	      "a: {private_key: " STARS ", public_key: " KEY "}\n");
	masks("a: {\"public_key\": \"" KEY "\", preshared_key: '" SECRET3 "'}",
	      "a: {\"public_key\": \"" KEY "\", preshared_key: **" STARS "}");
	/* where no tree reaches */
	masks("a: 1 # private_key: " SECRET2 "\n#was " SECRET1 "\n# public_key: " KEY "\n",
	      "a: 1 # private_key: " STARS "\n#was " STARS "\n# public_key: " KEY "\n");
	masks("a: [\nprivate_key: " SECRET2 "\n", "a: [\nprivate_key: " STARS "\n");
	/* whatever it looks like; its lines stay */
	masks("secret: sh\xc3\xa9\nb: secret\n", "secret: ****\nb: secret\n");
	masks("secret: >-\n  one\n  two\nb: 1\n", "secret: **\n*****\n*****\nb: 1\n");
	masks("a: {x: &k " SECRET1 "}\nprivate_key: *k\n",
	      "a: {x: &k " STARS "}\nprivate_key: *k\n");
	masks("private_key_file: /a/b\nsecret:\n", "private_key_file: /a/b\nsecret:\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(meant),
		cmocka_unit_test(mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
