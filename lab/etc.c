/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/etc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/bundle.h"

/* what has a slash or a dot is a path */
static bool is_word(const char *s)
{
	return s[0] && !strpbrk(s, "/.");
}

/* a folder of something else that happens to have the name is not meant */
static bool is_topology(const char *path)
{
	char inside[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (!S_ISDIR(st.st_mode))
		return true;
	snprintf(inside, sizeof(inside), "%s/" BUNDLE_TOPOLOGY, path);
	return access(inside, F_OK) == 0;
}

bool etc_is_here(const char *word)
{
	return is_topology(word);
}

enum form { FORM_FILE, FORM_FOLDER };

/* the path of one form where there is one; NULL with errno where not */
static char *look(const char *word, enum form form)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, form == FORM_FILE ? "%s/%s.yaml" : "%s/%s/" BUNDLE_TOPOLOGY,
		     WARREN_ETC_DIR, word) < 0) {
		path = NULL;
		errno = ENOMEM;
		return NULL;
	}
	if (stat(path, &st) < 0)
		return NULL;
	if (form == FORM_FOLDER)
		*strrchr(path, '/') = '\0';
	return steal_ptr(path);
}

bool etc_has(const char *word)
{
	_cleanup_free_ char *file = NULL, *folder = NULL;

	if (!is_word(word))
		return false;
	file = look(word, FORM_FILE);
	folder = look(word, FORM_FOLDER);
	return file || folder;
}

static int not_found(const char *word, int why, struct err *e)
{
	if (why == ENOENT || why == ENOTDIR)
		return err_set(e, ENOENT,
			       "no such file: %s, nor " WARREN_ETC_DIR "/%s.yaml or " WARREN_ETC_DIR
			       "/%s/" BUNDLE_TOPOLOGY,
			       word, word, word);
	err_code(e, why, "no such file: %s, and " WARREN_ETC_DIR "/%s.yaml", word, word);
	if (why == EACCES)
		err_hint(e, "use sudo");
	return -why;
}

static int find_in_etc(const char *word, char **ret, struct err *e)
{
	_cleanup_free_ char *file = look(word, FORM_FILE);
	int why = errno;
	_cleanup_free_ char *folder = look(word, FORM_FOLDER);

	if (file && folder) {
		err_set(e, EEXIST, "there are both %s and %s/" BUNDLE_TOPOLOGY, file, folder);
		return err_hint(e, "keep one of them, or name one by its path");
	}
	if (!file && !folder)
		return not_found(word, why, e);
	*ret = file ? steal_ptr(file) : steal_ptr(folder);
	return 0;
}

int etc_find(const char *word, char **ret_path, bool *ret_etc, struct err *e)
{
	bool etc = is_word(word) && !etc_is_here(word);
	char *path = NULL;
	int r = 0;

	/* with none anywhere, a folder of that name here is the one to complain about */
	if (etc && !etc_has(word) && access(word, F_OK) == 0)
		etc = false;
	if (etc)
		r = find_in_etc(word, &path, e);
	else if (!(path = strdup(word)))
		r = err_set(e, ENOMEM, "out of memory");
	if (r < 0)
		return err_kind_set(e, ERR_INVALID);
	*ret_path = path;
	*ret_etc = etc;
	return 0;
}

int etc_check_name(const char *word, const char *path, const char *name, struct err *e)
{
	if (!strcmp(word, name))
		return 0;
	err_set(e, EINVAL, "%s: the lab in it has the name `%s`, not `%s`", path, name, word);
	err_hint(e, "give both one name: `warren down %s` goes by the lab's", word);
	return err_kind_set(e, ERR_INVALID);
}
