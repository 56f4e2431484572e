/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a topology file.  What loads is printed, has to load again, and has to
 * print the same.  The seeds are in tests/fuzz/corpus/load.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len1 = 0, len2 = 0;
	char *first _cleanup_free_ = load_and_print((const char *)data, size, &len1);
	char *second _cleanup_free_ = NULL;

	/* a short file may stand for more than a long one may say */
	if (!first || len1 > LAB_FILE_MAX / 8)
		return 0;
	second = load_and_print(first, len1, &len2);
	if (!second || len1 != len2 || memcmp(first, second, len1) != 0)
		abort();
	return 0;
}
