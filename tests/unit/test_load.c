/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whole files: tests/topologies, run from the top of the tree */
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
#include "lab/bundle.h"
#include "lab/load.h"
#include "wg/key.h"

#define DIR "/somewhere"

/* what is said of @text, as in the .err files; NULL: it loads, into *@ret */
static char *diagnose(const char *text, size_t len, struct topology **ret)
{
	struct err e = ERR_INIT;
	struct diags d;
	char *out = NULL;
	size_t size;
	int r = topology_load(text, len, DIR, ret, &d, &e);

	if (r < 0) {
		FILE *f = open_memstream(&out, &size);

		assert_non_null(f);
		assert_int_equal(r, -EINVAL);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_true(d.n > 0);
		for (size_t i = 0; i < d.n; i++)
			fprintf(f, "%s%s%d:%d: error: %s\n", d.v[i].file ? d.v[i].file : "",
				d.v[i].file ? ":" : "", d.v[i].line, d.v[i].column, d.v[i].text);
		fclose(f);
	}
	diags_free(&d);
	return out;
}

static struct topology *load(const char *text, size_t len)
{
	struct topology *t = NULL;
	char *said _cleanup_free_ = diagnose(text, len, &t);

	if (said)
		fail_msg("does not load: %s", said);
	return t;
}

static char *print(const struct topology *t, enum secrets secrets)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	topology_print(t, secrets, f);
	fclose(f);
	return out;
}

/* a file, or a folder as its bundle */
static char *read_whole(const char *path, size_t *ret_len)
{
	struct err e = ERR_INIT;
	char *text = NULL;
	bool folder;
	size_t len;

	if (bundle_read(path, &text, &len, &folder, &e) < 0)
		fail_msg("%s", e.msg);
	if (ret_len)
		*ret_len = len;
	return text;
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

/* loads; what it prints loads again and prints the same; secrets are masked unless asked for */
static void check_good(const char *path)
{
	size_t len;
	char *text _cleanup_free_ = read_whole(path, &len);
	struct topology *t = load(text, len);
	char *first _cleanup_free_ = print(t, SECRETS_SHOWN);
	char *masked _cleanup_free_ = print(t, SECRETS_MASKED);
	struct topology *again = load(first, strlen(first));
	char *second _cleanup_free_ = print(again, SECRETS_SHOWN);

	assert_string_equal(first, second);
	assert_null(strstr(masked, "4LWrasHirJ"));
	assert_int_equal(!!strstr(first, "private_key: "), !!strstr(masked, "(hidden)"));
	topology_free(t);
	topology_free(again);
}

static void test_good(void **state)
{
	(void)state;
	each_file("tests/topologies/good/*.yaml", 7, check_good);
	each_file("topologies/*.yaml", 1, check_good);
	each_file("tests/topologies/good/*.d", 3, check_good);
	each_file("topologies/branches", 1, check_good);
}

/* says what stands in the .err beside it, word for word, and no secret */
static void check_bad(const char *path)
{
	size_t len;
	char *text _cleanup_free_ = read_whole(path, &len);
	char *err_path _cleanup_free_ = NULL;
	struct topology *t = NULL;
	char *said _cleanup_free_ = diagnose(text, len, &t);
	char *want _cleanup_free_ = NULL;

	assert_true(asprintf(&err_path, "%.*s.err", (int)(strrchr(path, '.') - path), path) > 0);
	want = read_whole(err_path, NULL);
	if (!said)
		fail_msg("%s loads", path);
	assert_string_equal(said, want);
	assert_null(strstr(said, "rasHirJyUrNG2tvcvjWb1YnVQjdeS7"));
}

static void test_bad(void **state)
{
	(void)state;
	each_file("tests/topologies/bad/*.yaml", 20, check_bad);
	each_file("tests/topologies/bad/*.d", 5, check_bad);
}

static void test_niransix(void **state)
{
	size_t len;
	char *text _cleanup_free_ = read_whole("topologies/niransix.yaml", &len);
	struct topology *t = load(text, len);
	const struct host *gw = &t->hosts[0], *client = &t->hosts[1];
	const struct tenant *c01 = &gw->gateway->tenants[1];
	uint8_t pub[KEY_LEN];
	char buf[IP_ENDPOINT_STRLEN];

	(void)state;
	assert_string_equal(t->name, "niransix");
	assert_int_equal(t->n_hosts, 3);
	assert_string_equal(gw->attachments[0].ifname.name, "enp0s8");
	assert_int_equal(gw->gateway->n_tenants, 2);
	assert_string_equal(c01->netns, "c01");
	assert_string_equal(c01->bridge_if.name, "eth-c01-nsA");
	assert_int_equal(c01->listen_port, 50001);
	assert_int_equal(c01->napt_addresses.v[0].len, 24);
	assert_int_equal(c01->peers[0].allowed_ips.n, 2);
	assert_false(c01->peers[0].has_endpoint);
	wg_key_public(t->hosts[2].tunnels[0].private_key.bytes, pub);
	assert_true(c01->peers[0].public_key.present);
	assert_memory_equal(c01->peers[0].public_key.bytes, pub, KEY_LEN);
	wg_key_public(gw->gateway->private_key.bytes, pub);
	assert_memory_equal(client->tunnels[0].peers[0].public_key.bytes, pub, KEY_LEN);
	assert_string_equal(ip_endpoint_format(&client->tunnels[0].peers[0].endpoint, buf),
			    "[2001:db8::10]:50000");
	assert_int_equal(client->tunnels[0].mtu, 1420);
	assert_true(t->checks[2].from_tenant);
	assert_false(t->checks[2].expect_ok);
	topology_free(t);
}

static void test_range(void **state)
{
	size_t len;
	char *text _cleanup_free_ = read_whole("tests/topologies/good/range.yaml", &len);
	struct topology *t = load(text, len);
	const struct gateway *g = t->hosts[0].gateway;
	const struct peer *p = &t->hosts[1000].tunnels[0].peers[0];
	char buf[IP_PREFIX_STRLEN];

	(void)state;
	assert_int_equal(g->n_tenants, 1000);
	assert_int_equal(t->n_hosts, 1001);
	assert_int_equal(t->n_checks, 1000);
	assert_string_equal(g->tenants[41].name, "t0042");
	assert_int_equal(g->tenants[41].number, 42);
	assert_int_equal(g->tenants[999].listen_port, 50999);
	assert_string_equal(ip_prefix_format(&g->tenants[999].napt_addresses.v[0], buf),
			    "100.64.4.231/16");
	assert_string_equal(g->tenants[0].labels[1].key, "odd0001");
	assert_string_equal(t->hosts[1000].name, "client1000");
	assert_int_equal(t->hosts[1000].tunnels[0].listen_port, 51000);
	assert_int_equal(t->hosts[1000].tunnels[0].mtu, 1320);
	/* the two sides know each other, by the first address of a family that both have */
	assert_int_equal(p->ref_index, 999);
	assert_int_equal(p->endpoint.port, 50999);
	assert_int_equal(p->endpoint.addr.family, AF_INET);
	assert_int_equal(g->tenants[999].peers[0].endpoint.port, 51000);
	/* eth-t0001-nsA fits, so it keeps its name */
	assert_string_equal(g->tenants[0].bridge_if.name, "eth-t0001-nsA");
	topology_free(t);
}

static void test_long_names(void **state)
{
	size_t len;
	char *text _cleanup_free_ = read_whole("tests/topologies/good/everything.yaml", &len);
	struct topology *t = load(text, len);
	const struct tenant *ten = &t->hosts[0].gateway->tenants[0];

	(void)state;
	assert_string_equal(ten->bridge_if.full, "eth-a-tenant-with-a-rather-long-name-nsA");
	assert_true(strlen(ten->bridge_if.name) <= IF_NAME_MAX);
	assert_string_not_equal(ten->bridge_if.name, ten->outside_if.name);
	assert_string_equal(t->hosts[0].gateway->tenants[1].private_key_file, DIR "/keys/own-key");
	assert_string_equal(t->hosts[1].tunnels[0].peers[0].preshared_key_file, DIR "/psk");
	topology_free(t);
}

/* seconds of this thread that @text takes to be refused; the number of errors in *@ret_n */
static double refuse(const char *text, size_t len, size_t *ret_n)
{
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct timespec a, b;
	struct diags d;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	assert_int_equal(topology_load(text, len, DIR, &t, &d, &e), -EINVAL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	*ret_n = d.n + d.dropped;
	diags_free(&d);
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void test_many_errors(void **state)
{
	char *text = NULL;
	size_t size, n;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	fputs("name: x\nhosts:\n", f);
	for (int i = 0; i < 15000; i++)
		fprintf(f, "  host%d: {forwardin: true, networks: {net%d: }}\n", i, i);
	fclose(f);
	assert_true(refuse(text, size, &n) < 2.0);
	assert_int_equal(n, 30000);
	free(text);
}

static void test_too_big(void **state)
{
	static const char range[] = "name: x\nhosts:\n  \"h{1..100000}\":\n    wireguard:\n"
				    "      \"wg{1..100000}\": {mtu: 1, peers: [{}]}\n";
	char *text _cleanup_free_ = malloc(LAB_FILE_MAX + 1);
	size_t n;

	(void)state;
	assert_non_null(text);
	assert_true(refuse(range, strlen(range), &n) < 2.0);
	assert_true(n > 0 && n < 10);
	memset(text, '#', LAB_FILE_MAX + 1);
	assert_true(refuse(text, LAB_FILE_MAX + 1, &n) < 2.0);
	assert_int_equal(n, 1);
	for (size_t i = 0; i + 4 <= LAB_FILE_MAX; i += 4)
		memcpy(text + i, "- a\n", 4);
	assert_true(refuse(text, LAB_FILE_MAX, &n) < 2.0);
	assert_int_equal(n, 1);
}

/* many routes, and many lengths of prefixes to look each `via` up in: no pair is compared */
static void test_many_routes(void **state)
{
	char *text = NULL;
	size_t size, n;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	fputs("name: x\nhosts:\n  a:\n    bridges: {br: [10.0.0.1/24]}\n    routes:\n", f);
	for (int i = 8; i <= 128; i++)
		fprintf(f, "      - {to: \"fd00::/%d\", dev: br}\n", i);
	for (int i = 0; i < 30000; i++)
		fprintf(f, "      - {to: \"fd00:%x::/32\", via: \"fe00::%x\"}\n", i + 1, i);
	fputs("      - {to: 10.1.7.0/24, via: 10.0.0.2}\n"
	      "      - {to: 10.1.7.0/24, via: 10.0.0.2}\n",
	      f);
	fclose(f);
	assert_true(refuse(text, size, &n) < 2.0);
	assert_int_equal(n, 30001);
	free(text);
}

/* programs that are alike are counted, host by host; no pair of them is compared */
static void test_many_programs(void **state)
{
	static const char alike[] =
		"name: x\nhosts:\n  \"h{1..2}\":\n    run: [{command: a b}, {command: [a, b]}, "
		"{command: [ab]}, {command: [a, b]}, {command: a b}, {command: [a, b]}]\n";
	struct topology *t;
	char *text = NULL;
	size_t size, n;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	fputs("name: x\nhosts:\n  a:\n    run:\n", f);
	for (int i = 0; i < 40000; i++)
		fprintf(f, "      - {command: [sleep, \"%d\"]}\n", i % 30000);
	fputs("      - {}\n", f);
	fclose(f);
	assert_true(refuse(text, size, &n) < 2.0);
	assert_int_equal(n, 1);
	free(text);
	t = load(alike, strlen(alike));
	for (size_t h = 0; h < 2; h++) {
		static const unsigned int numbers[] = {0, 0, 0, 1, 1, 2};

		for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
			assert_int_equal(t->hosts[h].runs[i].place, i);
			assert_int_equal(t->hosts[h].runs[i].number, numbers[i]);
		}
	}
	topology_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),          cmocka_unit_test(test_bad),
		cmocka_unit_test(test_niransix),      cmocka_unit_test(test_range),
		cmocka_unit_test(test_long_names),    cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_too_big),       cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_many_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
