/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as profiles.  NUL bytes divide files, the first line of each is its path.
 * What can be read is written, has to be read again, and has to be written the same; and all of them
 * together are imported, which has to give a valid topology.  The seeds are in
 * tests/fuzz/corpus/profile.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/import.h"
#include "wg/profile.h"

#define FILES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct profile *read_one(const char *text, size_t len)
{
	struct profile *p = NULL;
	struct err e = ERR_INIT;
	struct diags d;

	if (profile_read(text, len, &p, &d, &e) < 0 && !d.n)
		abort(); /* an error without a word */
	diags_free(&d);
	return p;
}

static char *write_one(const struct profile *p, size_t *ret_len)
{
	char *out = NULL;
	FILE *f = open_memstream(&out, ret_len);

	if (!f)
		abort();
	profile_write(p, f);
	fclose(f);
	return out;
}

static void check_again(const struct profile *p)
{
	size_t len1, len2;
	char *first _cleanup_free_ = write_one(p, &len1);
	struct profile *again = read_one(first, len1);
	char *second _cleanup_free_ = again ? write_one(again, &len2) : NULL;

	if (!second || len1 != len2 || memcmp(first, second, len1) != 0)
		abort();
	profile_free(again);
}

static void check_import(const struct import_file *files, size_t n, enum import_keys keys)
{
	const struct import_options o = {.name = "fuzz", .keys = keys};
	struct import_result r;
	struct err e = ERR_INIT;

	if (import_make(files, n, &o, &r, &e) < 0)
		abort();
	import_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy _cleanup_free_ = malloc(size + 1), *at = copy;
	struct import_file files[FILES_MAX];
	size_t n = 0;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	copy[size] = '\0';
	while (at < copy + size && n < FILES_MAX) {
		char *end = at + strlen(at), *line = strchr(at, '\n');
		struct profile *p;

		if (!line) /* the text may have anything in it that a path may not */
			line = end;
		p = read_one(line < end ? line + 1 : end,
			     line < end ? (size_t)(end - line - 1) : 0);
		*line = '\0';
		if (p) {
			check_again(p);
			files[n++] = (struct import_file){.path = at, .profile = p};
		}
		at = end + 1;
	}
	for (int keys = IMPORT_KEYS_LEFT_OUT; n && keys <= IMPORT_KEYS_FILES; keys++)
		check_import(files, n, (enum import_keys)keys);
	for (size_t i = 0; i < n; i++)
		profile_free((struct profile *)files[i].profile);
	return 0;
}
