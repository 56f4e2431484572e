/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles, whole files: tests/profiles, run from the top of the tree.  A good file has what is
 * written of it in an .out beside it, a bad one its errors in an .err.  WARREN_GOLDEN_UPDATE=1
 * writes them anew.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "wg/profile.h"

/* what is said of @text; NULL: it can be read, into *@ret */
static char *diagnose(const char *text, size_t len, struct profile **ret)
{
	struct err e = ERR_INIT;
	struct diags d;
	char *out = NULL;
	size_t size;
	int r = profile_read(text, len, ret, &d, &e);

	if (r < 0) {
		FILE *f = open_memstream(&out, &size);

		assert_non_null(f);
		assert_int_equal(r, -EINVAL);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_true(d.n > 0);
		for (size_t i = 0; i < d.n; i++)
			fprintf(f, "%d:%d: error: %s\n", d.v[i].line, d.v[i].column, d.v[i].text);
		fclose(f);
	}
	diags_free(&d);
	return out;
}

static struct profile *read_profile(const char *text, size_t len)
{
	struct profile *p = NULL;
	char *said _cleanup_free_ = diagnose(text, len, &p);

	if (said)
		fail_msg("cannot be read: %s", said);
	return p;
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

static char *read_whole(const char *path, size_t *ret_len)
{
	struct err e = ERR_INIT;
	char *text = NULL;

	if (io_read_file(path, PROFILE_MAX, &text, ret_len, &e) < 0)
		fail_msg("%s", e.msg);
	return text;
}

/* @got is what stands beside @path, with @ending in place of .conf */
static void check_beside(const char *path, const char *ending, const char *got)
{
	char *beside _cleanup_free_ = NULL;
	char *want _cleanup_free_ = NULL;
	struct err e = ERR_INIT;

	assert_true(asprintf(&beside, "%.*s%s", (int)strlen(path) - 5, path, ending) > 0);
	if (getenv("WARREN_GOLDEN_UPDATE"))
		assert_int_equal(io_write_file(beside, got, strlen(got), 0644, &e), 0);
	want = read_whole(beside, NULL);
	assert_string_equal(got, want);
}

static void each_file(const char *pattern, size_t least, void (*fn)(const char *path))
{
	glob_t g;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= least);
	for (size_t i = 0; i < g.gl_pathc; i++)
		fn(g.gl_pathv[i]);
	globfree(&g);
}

static void check_good(const char *path)
{
	size_t len;
	char *text _cleanup_free_ = read_whole(path, &len);
	struct profile *p = read_profile(text, len);
	char *first _cleanup_free_ = write_profile(p);
	struct profile *again = read_profile(first, strlen(first));
	char *second _cleanup_free_ = write_profile(again);

	check_beside(path, ".out", first);
	assert_string_equal(first, second);
	profile_free(p);
	profile_free(again);
}

static void test_good(void **state)
{
	(void)state;
	each_file("tests/profiles/good/*.conf", 6, check_good);
}

/* and in no message there is a secret */
static void check_bad(const char *path)
{
	size_t len;
	char *text _cleanup_free_ = read_whole(path, &len);
	struct profile *p = NULL;
	char *said _cleanup_free_ = diagnose(text, len, &p);

	if (!said)
		fail_msg("%s can be read", path);
	check_beside(path, ".err", said);
	assert_null(strstr(said, "rasHirJyUrNG2tvcvjWb1YnVQjdeS7"));
}

static void test_bad(void **state)
{
	(void)state;
	each_file("tests/profiles/bad/*.conf", 9, check_bad);
}

static void test_everything(void **state)
{
	size_t len;
	char *text _cleanup_free_ = read_whole("tests/profiles/good/everything.conf", &len);
	struct profile *p = read_profile(text, len);
	const struct profile_peer *alice = &p->peers[0];
	char buf[IP_PREFIX_STRLEN];

	(void)state;
	assert_true(p->has_private_key && p->has_listen_port && p->has_fwmark && p->has_mtu);
	assert_int_equal(p->listen_port, 51820);
	assert_int_equal(p->fwmark, 0xca6c);
	assert_int_equal(p->n_addresses, 3);
	assert_string_equal(ip_prefix_format(&p->addresses[2].prefix, buf), "10.9.0.1/32");
	assert_int_equal(p->addresses[1].place.line, 6);
	assert_int_equal(p->addresses[1].place.column, 24);
	assert_int_equal(p->n_dns, 2);
	assert_int_equal(p->dns_search.n, 2);
	assert_int_equal(p->table, PROFILE_TABLE_NUMBER);
	assert_int_equal(p->table_number, 1234);
	assert_int_equal(p->at[PROFILE_TABLE].line, 11);
	assert_int_equal(p->commands[PROFILE_POST_UP - PROFILE_PRE_UP].n, 2);
	assert_string_equal(p->commands[PROFILE_POST_UP - PROFILE_PRE_UP].v[1].text,
			    "echo \"[Peer] = $X\"");
	assert_true(p->save_config);
	assert_int_equal(p->n_peers, 3);
	assert_string_equal(alice->name, "alice's phone");
	assert_string_equal(ip_prefix_format(&alice->allowed_ips[1].prefix, buf), "192.168.7.9/24");
	assert_true(alice->has_preshared_key && alice->has_endpoint);
	assert_int_equal(alice->keepalive, 25);
	assert_string_equal(p->peers[1].name, "bob");
	assert_true(p->peers[1].has_keepalive);
	assert_int_equal(p->peers[1].keepalive, 0);
	assert_null(p->peers[1].endpoint_name);
	assert_string_equal(p->peers[2].endpoint_name, "dyn_1.example.com.");
	assert_int_equal(p->peers[2].endpoint.port, 1);
	assert_null(p->peers[2].name);
	profile_free(p);
}

/* what stands in the place of something missing is a comment, and no name */
static void test_missing(void **state)
{
	struct profile *p = profile_new();
	struct profile_peer peer = {.name = "x"};
	char *first _cleanup_free_ = NULL, *second _cleanup_free_ = NULL;
	struct profile *again;

	(void)state;
	assert_non_null(p);
	wg_key_generate_private(peer.public_key);
	peer.has_public_key = true;
	peer.missing[PROFILE_ENDPOINT - PROFILE_FIRST_OF_PEER] = "(fill in)";
	p->title = "a title";
	p->missing[PROFILE_PRIVATE_KEY] = "(fill in: the client's own)";
	p->peers = &peer;
	p->n_peers = 1;
	first = write_profile(p);
	assert_non_null(strstr(first, "\n# PrivateKey = (fill in: the client's own)\n"));
	assert_non_null(strstr(first, "\n# Endpoint = (fill in)\n"));
	again = read_profile(first, strlen(first));
	second = write_profile(again);
	assert_false(again->has_private_key);
	assert_string_equal(again->peers[0].name, "x");
	assert_null(strstr(second, "fill in"));
	profile_free(again);
	profile_free(p);
}

/* --- hostile input ------------------------------------------------------------------------- */

static char *repeat(const char *head, const char *what, size_t size, size_t *ret_len)
{
	char *text = malloc(size + 64);
	size_t n = strlen(head), len = strlen(what);

	assert_non_null(text);
	memcpy(text, head, n);
	for (; n + len <= size; n += len)
		memcpy(text + n, what, len);
	*ret_len = n;
	return text;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* as much of it as a file may have takes no longer than @limit seconds of this processor */
static void check_hostile(const char *head, const char *what, bool good, double limit)
{
	size_t len;
	char *text _cleanup_free_ = repeat(head, what, PROFILE_MAX, &len);
	struct profile *p = NULL;
	double start = seconds();
	char *said _cleanup_free_ = diagnose(text, len, &p);
	double took = seconds() - start;

	if (took > limit)
		fail_msg("`%.20s` takes %.1f s", what, took);
	if (good && said)
		fail_msg("`%.20s`: %.200s", what, said);
	if (!good && !said)
		fail_msg("`%.20s` can be read", what);
	profile_free(p);
}

static void test_hostile(void **state)
{
	static const char peer[] = "[Interface]\n[Peer]\nPublicKey = "
				   "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n";
	size_t len;
	char *big _cleanup_free_ = repeat("[Interface]\n#", "x", PROFILE_MAX + 1, &len);
	struct profile *p = NULL;
	char *said _cleanup_free_ = diagnose(big, len, &p);
	/* what a file of ordinary lines takes on this machine, in this build */
	double start = seconds(), limit;

	(void)state;
	assert_string_equal(said, "1:1: error: the file has more than 2 MB\n");
	check_hostile("[Interface]\n", "PostUp = x\n", true, 1000);
	limit = 50 * (seconds() - start);
	check_hostile("", "x\n", false, limit);
	check_hostile("[Interface]\n", "[Peer]\n", false, limit);
	check_hostile("[Interface]\n", "Addresz = x\n", false, limit);
	check_hostile("[Interface]\n", "[Pere]\n", false, limit);
	check_hostile("[Interface]\nAddress = ", "::,", false, limit);
	check_hostile("[Interface]\nAddress = ", "10.0.0.1/24,", true, limit);
	check_hostile("[Interface]\nAddress = ", ",", true, limit);
	check_hostile("[Interface]\nDNS = ", "x ", true, limit);
	check_hostile("[Interface]\nDNS = ", "\t", true, limit);
	check_hostile("[Interface]\n#", "Name ", true, limit);
	check_hostile("[Interface]\n", "# Name \n", true, limit);
	check_hostile(peer, "AllowedIPs = ::\n", true, limit);
	check_hostile(peer, "AllowedIPs = x,y\n", false, limit);
	check_hostile(peer, "\xc3\xa4", false, limit);
	check_hostile(peer, "[", false, limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
		cmocka_unit_test(test_everything), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
