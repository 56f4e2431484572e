/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations of tests/topologies/good/customers.yaml, compared with tests/golden/config, run from
 * the top of the tree; WARREN_GOLDEN_UPDATE=1 writes them anew.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/config.h"
#include "lab/load.h"

#define GOLDEN "tests/golden/config"

static struct topology *load_file(const char *path)
{
	char *text _cleanup_free_ = NULL;
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;
	size_t len;

	assert_int_equal(io_read_file(path, LAB_FILE_MAX, &text, &len, &e), 0);
	assert_int_equal(topology_load(text, len, "/nowhere", &t, &d, &e), 0);
	diags_free(&d);
	return t;
}

static char *write_profile(const struct profile *p)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	profile_write(p, f);
	fclose(f);
	return out;
}

static void check_golden(const char *file, const char *got)
{
	char *want _cleanup_free_ = NULL;
	struct err e = ERR_INIT;
	char path[200];

	snprintf(path, sizeof(path), GOLDEN "/%s.conf", file);
	if (getenv("WARREN_GOLDEN_UPDATE"))
		assert_int_equal(io_write_file(path, got, strlen(got), 0644, &e), 0);
	if (io_read_file(path, 65536, &want, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(got, want);
}

/* what is made can be read, and means the same */
static void check_readable(const char *text)
{
	struct profile *p = NULL;
	struct err e = ERR_INIT;
	struct diags d;

	if (profile_read(text, strlen(text), &p, &d, &e) < 0)
		fail_msg("%d:%d: %s\n%s", d.v[0].line, d.v[0].column, d.v[0].text, text);
	diags_free(&d);
	profile_free(p);
}

static void test_made(void **state)
{
	static const struct {
		const char *golden;
		struct config_options o;
		size_t n_warnings;
	} cases[] = {
		{"office-router", {.name = "office-router/wg0"}, 0},
		{"home-router", {.name = "home-router/wg0"}, 0},
		{"office", {.name = "office"}, 0},
		{"office", {.name = "gw/office"}, 0},
		{"home", {.name = "home"}, 0},
		{"alice", {.name = "phones", .peer = "alice"}, 1},
		{"by-key",
		 {.name = "phones", .peer = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="},
		 1},
		{"site", {.name = "site"}, 2},
		{"lonely", {.name = "lonely"}, 3},
		{"endpoint-name", {.name = "lonely", .endpoint = "vpn.example.com"}, 2},
		{"endpoint-port", {.name = "lonely", .endpoint = "[2001:db8::9]:99"}, 2},
		{"endpoint-v6", {.name = "site", .endpoint = "2001:db8::9"}, 2},
		{"onward", {.name = "onward"}, 2},
	};
	struct topology *t = load_file("tests/topologies/good/customers.yaml");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text _cleanup_free_ = NULL;
		struct err e = ERR_INIT;
		struct config c;

		if (config_make(t, &cases[i].o, &c, &e) < 0)
			fail_msg("%s: %s", cases[i].golden, e.msg);
		text = write_profile(c.profile);
		check_golden(cases[i].golden, text);
		check_readable(text);
		assert_int_equal(c.n_warnings, cases[i].n_warnings);
		config_free(&c);
	}
	topology_free(t);
}

static void test_refused(void **state)
{
	static const struct {
		struct config_options o;
		int code;
		enum err_kind kind;
		const char *said;
	} cases[] = {
		{{.name = "phones"},
		 EINVAL,
		 ERR_INVALID,
		 "phones: the tenant has 2 peers: alice, "
		 "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= (say which by --peer NAME)"},
		{{.name = "phones", .peer = "bob"},
		 ENOENT,
		 ERR_INVALID,
		 "phones: the tenant has no peer `bob`; it has alice, "
		 "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= (say which by --peer NAME)"},
		{{.name = "nobody"},
		 ENOENT,
		 ERR_INVALID,
		 "nobody: the tenant has no peers: there is no customer ()"},
		{{.name = "same"},
		 EINVAL,
		 ERR_INVALID,
		 "lab customers has more than one tenant `same` (write gw/same or gw3/same)"},
		{{.name = "sire"},
		 ENOENT,
		 ERR_INVALID,
		 "lab customers has no tunnel or tenant `sire` (did you mean `site`?)"},
		{{.name = "gw3/onwrad"},
		 ENOENT,
		 ERR_INVALID,
		 "lab customers has no tunnel or tenant `gw3/onwrad` (did you mean `gw3/onward`?)"},
		{{.name = "gw4/x"},
		 ENOENT,
		 ERR_INVALID,
		 "lab customers has no host `gw4` (did you mean `gw`?)"},
		{{.name = "home-router"},
		 EINVAL,
		 ERR_INVALID,
		 "`home-router` is a host of lab customers (write home-router/wg0)"},
		{{.name = "gw"},
		 EINVAL,
		 ERR_INVALID,
		 "`gw` is a host of lab customers (write the name of a tenant, such as phones)"},
		{{.name = "site", .endpoint = "a b"},
		 EINVAL,
		 ERR_INVALID,
		 "site: `a b` is no endpoint (write HOST or HOST:PORT, such as vpn.example.com or "
		 "[2001:db8::1]:51820)"},
		{{.name = "home-router/wg0", .peer = "gw/home"},
		 EINVAL,
		 ERR_INVALID,
		 "home-router/wg0: a tunnel's own configuration has all of its peers (--peer and "
		 "--endpoint are for the customer of a tenant)"},
		{{.name = "other"},
		 ENOENT,
		 ERR_FAILED,
		 "other: preshared key of a peer: /nowhere/psk: No such file or directory ()"},
	};
	struct topology *t = load_file("tests/topologies/good/customers.yaml");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		struct config c;
		char said[1400];

		assert_int_equal(config_make(t, &cases[i].o, &c, &e), -cases[i].code);
		snprintf(said, sizeof(said), "%s (%s)", e.msg, e.hint);
		assert_string_equal(said, cases[i].said);
		assert_int_equal(e.kind, cases[i].kind);
		config_free(&c);
	}
	topology_free(t);
}

/* a key that is not known here is missed, not made up */
static void test_unknown_key(void **state)
{
	struct topology *t = load_file("tests/topologies/good/customers.yaml");
	struct err e = ERR_INIT;
	struct config c;

	(void)state;
	assert_int_equal(config_make(t, &(struct config_options){.name = "same2"}, &c, &e),
			 -ENOKEY);
	assert_int_equal(e.kind, ERR_CANNOT);
	assert_string_equal(e.msg, "same2: the public key of gw2/same2 is not known here");
	config_free(&c);
	topology_free(t);
}

/* names that are too long are shortened for the kernel, and both are found */
static void test_long_name(void **state)
{
	static const char text[] =
		"name: l\nhosts:\n  h:\n    wireguard:\n      a-name-that-is-too-long:\n"
		"        private_key: dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n";
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags d;
	char name[64];

	(void)state;
	assert_int_equal(topology_load(text, strlen(text), "/", &t, &d, &e), 0);
	diags_free(&d);
	for (int i = 0; i < 2; i++) {
		const struct ifname *n = &t->hosts[0].tunnels[0].ifname;
		struct config c;

		snprintf(name, sizeof(name), "h/%s", i ? n->name : n->full);
		assert_int_equal(config_make(t, &(struct config_options){.name = name}, &c, &e), 0);
		assert_true(c.profile->has_private_key);
		config_free(&c);
	}
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
