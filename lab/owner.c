/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/owner.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/store.h"

#define FILE_MAX 65536 /* of what warren writes outside its own folders */

static bool has_record(const char *lab, enum record_kind kind, const char *text)
{
	struct err why = ERR_INIT;
	const struct record *recs;
	struct journal *j;
	struct store s;
	char path[256];
	bool found = false;
	size_t n;

	store_init(&s, lab);
	if (journal_open(store_path(&s, "journal", path, sizeof(path)), false, &j, &why) < 0)
		return false;
	recs = journal_records(j, &n);
	for (size_t i = 0; i < n && !found; i++)
		found = recs[i].live && recs[i].kind == kind && !strcmp(recs[i].text, text);
	journal_close(j);
	return found;
}

bool owner_find(enum record_kind kind, const char *text, char ret_lab[static LAB_NAME_MAX + 1])
{
	struct err why = ERR_INIT;
	bool found = false;
	char **labs;
	size_t n;

	if (store_list(&labs, &n, &why) < 0)
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		found = has_record(labs[i], kind, text);
		if (found)
			memcpy(ret_lab, labs[i], strlen(labs[i]) + 1);
	}
	store_list_free(labs, n);
	return found;
}

bool owner_lost_file(const char *path, const char *text)
{
	_cleanup_free_ char *is = NULL;
	char lab[LAB_NAME_MAX + 1];
	struct err why = ERR_INIT;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    io_read_file(path, FILE_MAX, &is, NULL, &why) < 0)
		return false;
	return !strncmp(is, text, strcspn(text, "\n") + 1) && !owner_find(REC_FILE, path, lab);
}
