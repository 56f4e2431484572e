/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a topology file.  What loads is printed, has to load again, and has to
 * print the same.  Bytes that begin with 0xff, which no text has, are the files of a folder, with
 * 0xff before each: topology.yaml, then tenants; one that begins with 0xfe is in the folder of host
 * gw.  The seeds are in tests/fuzz/corpus/load.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/bundle.h"
#include "lab/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* the print of @text; NULL: it does not load */
static char *load_and_print(const char *text, size_t len, size_t *ret_len)
{
	struct topology *t = NULL;
	struct err e = ERR_INIT;
	struct diags diags;
	char *out = NULL;
	int r = topology_load(text, len, "/dir", &t, &diags, &e);

	if (r < 0 && !diags.n)
		abort(); /* an error without a word */
	if (r == 0) {
		FILE *f = open_memstream(&out, ret_len);

		if (!f)
			abort();
		topology_print(t, SECRETS_SHOWN, f);
		fclose(f);
	}
	diags_free(&diags);
	topology_free(t);
	return out;
}

/* the @nth file of a folder, to @out */
static void put_file(FILE *out, const char *name, const uint8_t *data, size_t len)
{
	char head[BUNDLE_HEAD_MAX];

	fwrite(head, 1, bundle_head(head, name, len), out);
	fwrite(data, 1, len, out);
	fputc('\n', out);
}

/* those in tenants.d (@gw 0), or in tenants.d/gw (@gw 1); in this order a bundle has them */
static void put_tenants(FILE *out, int gw, const uint8_t *data, const uint8_t *end)
{
	for (unsigned int nth = 0; data < end && nth < 1000; nth++) {
		const uint8_t *next = memchr(data, 0xff, (size_t)(end - data));
		char name[64];
		int in_gw;

		next = next ? next : end;
		in_gw = data < next && *data == 0xfe;
		snprintf(name, sizeof(name), "tenants.d/%s%03u.yaml", gw ? "gw/" : "", nth);
		if (in_gw == gw)
			put_file(out, name, data + in_gw, (size_t)(next - data - in_gw));
		data = next + 1;
	}
}

static char *bundle_of(const uint8_t *data, size_t size, size_t *ret_len)
{
	const uint8_t *end = data + size, *tenants = memchr(data, 0xff, size);
	char *out = NULL;
	FILE *f = open_memstream(&out, ret_len);

	if (!f)
		abort();
	tenants = tenants ? tenants : end;
	fputs(BUNDLE_MARK, f);
	for (int gw = 0; gw < 2 && tenants < end; gw++)
		put_tenants(f, gw, tenants + 1, end);
	put_file(f, BUNDLE_TOPOLOGY, data, (size_t)(tenants - data));
	fclose(f);
	return out;
}

/* every bundle can be taken apart, and put together it is the same again */
static void check_bundle(const char *text, size_t len)
{
	struct arena *a = arena_new(0);
	struct yaml_error error;
	size_t n = strlen(BUNDLE_MARK);
	struct bundle b;

	if (!a || bundle_split(text, len, a, &b, &error) < 0)
		abort();
	for (size_t i = 0; i < b.n; i++) {
		char head[BUNDLE_HEAD_MAX];

		n += bundle_head(head, b.files[i].name, b.files[i].len) + b.files[i].len + 1;
	}
	if (n != len)
		abort();
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len1 = 0, len2 = 0;
	char *bundle _cleanup_free_ = NULL, *first _cleanup_free_ = NULL;
	char *second _cleanup_free_ = NULL;

	if (size && data[0] == 0xff) {
		bundle = bundle_of(data + 1, size - 1, &size);
		check_bundle(bundle, size);
	}
	first = load_and_print(bundle ? bundle : (const char *)data, size, &len1);

	/* a short file may stand for more than a long one may say */
	if (!first || len1 > LAB_FILE_MAX / 8)
		return 0;
	second = load_and_print(first, len1, &len2);
	if (!second || len1 != len2 || memcmp(first, second, len1) != 0)
		abort();
	return 0;
}
