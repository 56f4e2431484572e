/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"

static int is_there(const char *path, struct err *e)
{
	err_set(e, EEXIST, "%s is there already", path);
	err_hint(e, "--force replaces it");
	return err_kind_set(e, ERR_CANNOT);
}

int save_check(const char *path, bool force, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	/* /dev/null and the like: replacing them would harm everybody */
	if (!S_ISREG(st.st_mode)) {
		err_set(e, EEXIST, "%s is there already, and is not an ordinary file", path);
		return err_kind_set(e, ERR_CANNOT);
	}
	return force ? 0 : is_there(path, e);
}

int save_check_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder _cleanup_free_ = NULL;
	struct stat st;

	if (!slash || slash == path)
		return 0;
	folder = strndup(path, (size_t)(slash - path));
	if (!folder)
		return err_code(e, ENOMEM, "%s", path);
	return stat(folder, &st) < 0 ? err_errno(e, "%s", path) : 0;
}

/* where a file system has no files without a name */
static int create_plainly(const char *path, const void *data, size_t len, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_errno(e, "%s", path);
	r = io_write_all(fd, data, len);
	if (!r)
		return 0;
	unlink(path);
	return err_code(e, -r, "%s", path);
}

int save_file(const char *path, const void *data, size_t len, bool force, struct err *e)
{
	char *beside _cleanup_free_ = NULL;
	int r = save_check(path, force, e);

	if (r < 0)
		return r;
	if (asprintf(&beside, "%s%s", strchr(path, '/') ? "" : "./", path) < 0) {
		beside = NULL;
		return err_code(e, ENOMEM, "%s", path);
	}
	if (force)
		return io_write_file(beside, data, len, 0600, e);
	r = io_create_file(beside, data, len, 0600, e);
	if (r == -EOPNOTSUPP || r == -EISDIR)
		r = create_plainly(beside, data, len, e);
	return r == -EEXIST ? is_there(path, e) : r;
}
