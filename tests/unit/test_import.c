/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Topologies made of profiles: the folders of tests/profiles/import, compared with
 * tests/golden/import (WARREN_GOLDEN_UPDATE=1 writes them anew), and many more that are made up at
 * random: whatever the files say, what comes out is valid.
 */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/import.h"
#include "lab/load.h"

#define SOURCE "tests/profiles/import"
#define GOLDEN "tests/golden/import"

static struct profile *read_profile(const char *text, size_t len)
{
	struct profile *p = NULL;
	struct err e = ERR_INIT;
	struct diags d;

	if (profile_read(text, len, &p, &d, &e) < 0)
		fail_msg("%d:%d: %s\n%s", d.v[0].line, d.v[0].column, d.v[0].text, text);
	diags_free(&d);
	return p;
}

static void import(const struct import_file *files, size_t n, enum import_keys keys,
		   struct import_result *ret)
{
	const struct import_options o = {.name = "imported", .keys = keys};
	struct err e = ERR_INIT;

	if (import_make(files, n, &o, ret, &e) < 0)
		fail_msg("%s\n%s", e.msg, ret->text ? ret->text : "");
}

static void check_golden(const char *name, const char *ending, const char *got)
{
	char *want _cleanup_free_ = NULL;
	struct err e = ERR_INIT;
	char path[200];

	snprintf(path, sizeof(path), GOLDEN "/%s%s", name, ending);
	if (getenv("WARREN_GOLDEN_UPDATE"))
		assert_int_equal(io_write_file(path, got, strlen(got), 0644, &e), 0);
	if (io_read_file(path, 65536, &want, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(got, want);
}

static char *print_warnings(const struct import_result *r, const struct import_file *files)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	for (size_t i = 0; i < r->n_files; i++)
		for (size_t k = 0; k < r->warnings[i].n; k++)
			fprintf(f, "%s:%d:%d: %s\n", files[i].path, r->warnings[i].v[k].line,
				r->warnings[i].v[k].column, r->warnings[i].v[k].text);
	for (size_t i = 0; i < r->n_keys; i++)
		fprintf(f, "key: %s\n", r->keys[i].path);
	fclose(f);
	return out;
}

/* --- folders ------------------------------------------------------------------------------- */

struct folder {
	glob_t g;
	struct import_file *files;
	size_t n;
};

/* all that ends with .conf in a folder of SOURCE, and one level below it; paths begin there */
static void open_folder(const char *name, struct folder *ret)
{
	char pattern[200];

	snprintf(pattern, sizeof(pattern), SOURCE "/%s/{*,*/*}.conf", name);
	assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &ret->g), 0);
	ret->n = ret->g.gl_pathc;
	ret->files = calloc(ret->n, sizeof(*ret->files));
	assert_non_null(ret->files);
	for (size_t i = 0; i < ret->n; i++) {
		const char *path = ret->g.gl_pathv[i];
		char *text _cleanup_free_ = NULL;
		struct err e = ERR_INIT;
		size_t len;

		assert_int_equal(io_read_file(path, PROFILE_MAX, &text, &len, &e), 0);
		ret->files[i] = (struct import_file){
			.path = path + strlen(SOURCE) + strlen(name) + 2,
			.profile = read_profile(text, len),
		};
	}
}

static void close_folder(struct folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		profile_free((struct profile *)f->files[i].profile);
	free(f->files);
	globfree(&f->g);
}

static void test_folders(void **state)
{
	static const char *const names[] = {"pair", "sites", "clashes", "customers"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *said _cleanup_free_ = NULL;
		struct import_result r;
		struct folder f;

		open_folder(names[i], &f);
		import(f.files, f.n, IMPORT_KEYS_FILES, &r);
		said = print_warnings(&r, f.files);
		check_golden(names[i], ".yaml", r.text);
		check_golden(names[i], ".warnings", said);
		import_free(&r);
		close_folder(&f);
	}
}

/* no secret comes out unless it is asked for */
static void test_keys(void **state)
{
	static const char *const secrets[] = {"4LWrasHirJyUrNG2tvcvjWb1YnVQjdeS7ZqVzpJwe2I=",
					      "UEDC4UmabmflqAhnlP8IcqClGYgiL5MIUmaNg0lKYEQ=",
					      "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="};
	struct folder f;

	(void)state;
	open_folder("pair", &f);
	for (int keys = IMPORT_KEYS_LEFT_OUT; keys <= IMPORT_KEYS_FILES; keys++) {
		struct import_result r;

		import(f.files, f.n, (enum import_keys)keys, &r);
		for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
			assert_int_equal(!!strstr(r.text, secrets[i]), keys == IMPORT_KEYS_INLINE);
		assert_int_equal(r.n_keys, keys == IMPORT_KEYS_FILES ? 5 : 0);
		import_free(&r);
	}
	close_folder(&f);
}

/* --- names -------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const paths[] = {
		"wg0.conf",
		"wg0.conf",
		"/etc/wireguard/wg0.conf",
		"../x/wg0.conf",
		"./wg0.conf",
		"",
		"-",
		".conf",
		"/",
		"//.conf",
		"a/",
		"gateway",
		"imported-networks.conf",
		"lo.conf",
		"all",
		"default.conf",
		"..conf",
		"...",
		"eth0.conf",
		"{1..9}.conf",
		"{n}/{n+1}.conf",
		"a b\tc.conf",
		"x\ny: z.conf",
		"name: x\nhosts: {}\n#.conf",
		"\"quoted\" 'twice'.conf",
		"\xff\xfe\x80.conf",
		"\xe2\x80\xa8line.conf",
		"\x1b[2J.conf",
		"-rf",
		"_.-",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.conf",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab.conf",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/wg0.conf",
		"wg0-2.conf",
		"gateway-2.conf",
	};
	static const char server[] = "[Interface]\nListenPort = 5\n[Peer]\nPublicKey = "
				     "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
				     "AllowedIPs = 10.0.0.0/8\n";
	static const char client[] = "[Interface]\n";
	struct import_file files[2 * ARRAY_SIZE(paths)];
	struct import_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		files[i] = (struct import_file){
			.path = paths[i / 2],
			.profile = i % 2 ? read_profile(server, strlen(server))
					 : read_profile(client, strlen(client))};
	import(files, ARRAY_SIZE(files), IMPORT_KEYS_INLINE, &r);
	/* all have one port */
	assert_int_equal(r.n_tenants, ARRAY_SIZE(paths));
	assert_int_equal(r.n_hosts, 2 * ARRAY_SIZE(paths));
	import_free(&r);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		profile_free((struct profile *)files[i].profile);
}

/* --- at random ------------------------------------------------------------------------------------ */

#define KEYS 6

/* the same in every run */
static uint32_t random_state = 20260;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

struct keys {
	char private[KEYS][WG_KEY_BASE64_LEN], public[KEYS][WG_KEY_BASE64_LEN];
};

static void make_keys(struct keys *ret)
{
	uint8_t key[WG_KEY_LEN], public[WG_KEY_LEN];

	for (size_t i = 0; i < KEYS; i++) {
		memset(key, (int)(i + 1) * 8, sizeof(key));
		wg_key_public(key, public);
		wg_key_format(key, ret->private[i]);
		wg_key_format(public, ret->public[i]);
	}
}

#define ONE_OF(list) (list)[pick(ARRAY_SIZE(list))]

static void random_list(FILE *f, const char *key, const char *const *v, size_t n)
{
	fprintf(f, "%s = %s", key, v[pick((uint32_t)n)]);
	for (uint32_t i = pick(4); i; i--)
		fprintf(f, ", %s", v[pick((uint32_t)n)]);
	fputc('\n', f);
}

static void random_interface(FILE *f, const struct keys *keys, size_t own)
{
	static const char *const addresses[] = {"10.8.0.1/24",
						"10.8.0.2",
						"fd00::1/64",
						"100.64.0.1/16",
						"0.0.0.0/0",
						"224.0.0.1",
						"198.18.0.1/32",
						"fe80::1/64",
						"::1",
						"255.255.255.255",
						"10.8.0.1/32",
						"10.8.0.0/24",
						"fd77:6172:7265:6e01::1/64"};
	static const char *const others[] = {
		"MTU = 68",          "MTU = 1380",         "MTU = 65535",   "Table = off",
		"Table = 7",         "FwMark = off",       "FwMark = 0x7",  "SaveConfig = true",
		"PreUp = a: [b",     "PostDown = {n} # x", "DNS = 1.1.1.1", "DNS = ::1, x{n}",
		"DNS = \xe2\x80\xa9"};

	fputs("[Interface]\n", f);
	if (pick(8))
		fprintf(f, "PrivateKey = %s\n", keys->private[own]);
	if (pick(3))
		fprintf(f, "ListenPort = %u\n", pick(4));
	for (uint32_t i = pick(3); i; i--)
		random_list(f, "Address", addresses, ARRAY_SIZE(addresses));
	for (size_t i = 0; i < ARRAY_SIZE(others); i += 1 + pick(6))
		fprintf(f, "%s%s\n", i < 6 && i % 3 ? "# " : "", others[i]);
}

static void random_peer(FILE *f, const char *public, const struct keys *keys)
{
	static const char *const allowed[] = {"0.0.0.0/0",     "::/0",          "10.8.0.0/24",
					      "10.8.0.2/32",   "10.8.0.3/24",   "10.0.0.0/8",
					      "198.18.0.0/15", "100.64.0.0/10", "fd00::2/128",
					      "128.0.0.0/1",   "172.16.0.0/12", "fd77::/16"};
	static const char *const endpoints[] = {
		"192.0.2.1:1",       "192.0.2.1:2",         "192.0.2.2:1", "[2001:db8::1]:1",
		"[fe80::1]:1",       "0.0.0.0:1",           "127.0.0.1:2", "255.255.255.255:1",
		"vpn.example.com:1", "[::ffff:10.0.0.1]:1", "198.18.0.1:3"};
	static const char *const names[] = {"", "# alice\n", "# {n} {1..3}\n",
					    "# \xc2\x85 x: '\"\n", "# Name = \xef\xbf\xbe\n"};

	fprintf(f, "[Peer]\n%sPublicKey = %s\n", ONE_OF(names), public);
	if (!pick(3))
		fprintf(f, "PresharedKey = %s\n", keys->private[pick(KEYS)]);
	if (pick(2))
		fprintf(f, "Endpoint = %s\n", ONE_OF(endpoints));
	for (uint32_t i = pick(3); i; i--)
		random_list(f, "AllowedIPs", allowed, ARRAY_SIZE(allowed));
	if (!pick(4))
		fprintf(f, "PersistentKeepalive = %u\n", pick(65536));
}

static struct profile *random_profile(const struct keys *keys)
{
	size_t own = pick(KEYS), size, peer = pick(KEYS);
	char *text _cleanup_free_ = NULL;
	FILE *f = open_memstream(&text, &size);
	uint32_t n = pick(KEYS);

	assert_non_null(f);
	random_interface(f, keys, own);
	for (uint32_t i = 0; i < n; i++, peer++)
		if (peer % KEYS != own)
			random_peer(f, keys->public[peer % KEYS], keys);
	fclose(f);
	return read_profile(text, size);
}

static void test_random(void **state)
{
	static const char *const paths[] = {"wg0.conf", "a/wg0.conf", "b/wg0.conf", "x.conf"};
	struct keys keys;
	size_t tenants = 0, joined = 0, checks = 0;

	(void)state;
	make_keys(&keys);
	for (int i = 0; i < 3000; i++) {
		struct import_file files[8];
		struct import_result r;
		size_t n = 1 + pick(ARRAY_SIZE(files));

		for (size_t k = 0; k < n; k++)
			files[k] = (struct import_file){.path = ONE_OF(paths),
							.profile = random_profile(&keys)};
		import(files, n, (enum import_keys)pick(3), &r);
		tenants += r.n_tenants;
		joined += r.n_joined;
		checks += strstr(r.text, "\nchecks:\n") != NULL;
		import_free(&r);
		for (size_t k = 0; k < n; k++)
			profile_free((struct profile *)files[k].profile);
	}
	/* the dice do fall on all sides */
	assert_true(tenants > 1000 && joined > 1000 && checks > 50);
}

/* thousands of customers: over several gateways, and in good time */
static void test_many(void **state)
{
	const size_t n = 2500;
	struct import_file *files _cleanup_free_ = calloc(n, sizeof(*files));
	struct import_result r;

	(void)state;
	assert_non_null(files);
	for (size_t i = 0; i < n; i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "[Interface]\nListenPort = %zu\nAddress = 10.%zu.%zu.1/24\n[Peer]\n"
			 "PublicKey = 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
			 "AllowedIPs = 10.0.0.0/8\n",
			 i + 1, i / 200, i % 200);
		files[i] = (struct import_file){.path = "wg0.conf",
						.profile = read_profile(text, strlen(text))};
	}
	import(files, n, IMPORT_KEYS_LEFT_OUT, &r);
	assert_int_equal(r.n_hosts, 3);
	assert_int_equal(r.n_tenants, n);
	import_free(&r);
	for (size_t i = 0; i < n; i++)
		profile_free((struct profile *)files[i].profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_names),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
