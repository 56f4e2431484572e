/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/edit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "lab/load.h"

static int lock_folder(struct edit_file *f, const char *folder, struct err *e)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "%s", folder);
	if (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			return err_set(e, EINTR, "interrupted");
		return err_errno(e, "lock %s", folder);
	}
	f->lock_fd = steal_fd(&fd);
	return 0;
}

static int read_file(struct edit_file *f, struct err *e)
{
	if (stat(f->path, &f->was) < 0)
		return err_errno(e, "%s", f->path);
	if (!S_ISREG(f->was.st_mode))
		return err_code(e, S_ISDIR(f->was.st_mode) ? EISDIR : EINVAL,
				"%s: cannot be edited", f->path);
	return io_read_file(f->path, LAB_FILE_MAX, &f->text, &f->len, e);
}

static int resolve(struct edit_file *f, const char *path, struct err *e)
{
	f->path = realpath(path, NULL);
	return f->path ? 0 : err_errno(e, "%s", path);
}

static int lock_and_read(struct edit_file *f, const char *path, const char *folder, struct err *e)
{
	_cleanup_free_ char *own = NULL;
	int r = resolve(f, path, e);

	if (r < 0)
		return r;
	if (!folder) {
		own = strndup(f->path, (size_t)(strrchr(f->path, '/') - f->path + 1));
		if (!own)
			return err_code(e, ENOMEM, "%s", path);
	}
	r = lock_folder(f, folder ? folder : own, e);
	return r < 0 ? r : read_file(f, e);
}

static int kind_of_failure(int r, struct err *e)
{
	if (r < 0 && r != -EINTR && r != -ENOMEM)
		err_kind_set(e, r == -EACCES || r == -EPERM ? ERR_CANNOT : ERR_INVALID);
	return r;
}

int edit_file_open(const char *path, const char *folder, struct edit_file *ret, struct err *e)
{
	*ret = (struct edit_file){.lock_fd = -1};
	return kind_of_failure(lock_and_read(ret, path, folder, e), e);
}

int edit_file_switch(struct edit_file *f, const char *path, struct err *e)
{
	int r;

	free(f->path);
	free(f->text);
	*f = (struct edit_file){.lock_fd = f->lock_fd};
	r = resolve(f, path, e);
	return kind_of_failure(r < 0 ? r : read_file(f, e), e);
}

/* the clock of a file system may stand still between two changes: the bytes tell them apart */
static int check_bytes(const struct edit_file *f, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	struct err why = ERR_INIT;
	size_t len;
	int r = io_read_file(f->path, LAB_FILE_MAX, &text, &len, &why);

	if (r == -ENOMEM)
		*e = why;
	else if (r < 0 || len != f->len || memcmp(text, f->text, len) != 0)
		r = err_code(e, ESTALE, "%s", f->path);
	return r;
}

static int explain(const struct edit_file *f, int r, struct err *e)
{
	if (r == -ESTALE) {
		err_set(e, ESTALE,
			"%s: somebody else has changed it in the meantime; nothing was written",
			f->path);
		return err_hint(e, "try again");
	}
	if (r == -EACCES || r == -EPERM || r == -EROFS) {
		err_hint(e, "be root, or its owner, who may write to the folder as well");
		return err_kind_set(e, ERR_CANNOT);
	}
	return r < 0 ? err_hint(e, "the file is as it was") : 0;
}

int edit_file_write(struct edit_file *f, const char *text, size_t len, struct err *e)
{
	int r = len > LAB_FILE_MAX ? err_code(e, EFBIG, "%s", f->path) : check_bytes(f, e);

	if (!r)
		r = io_replace_file(f->path, &f->was, text, len, e);
	return explain(f, r, e);
}

int edit_file_remove(struct edit_file *f, struct err *e)
{
	struct stat now;
	int r = check_bytes(f, e);

	if (!r && (lstat(f->path, &now) < 0 || !io_same_file(&now, &f->was)))
		r = err_code(e, ESTALE, "%s", f->path);
	if (!r && unlink(f->path) < 0)
		r = err_errno(e, "%s", f->path);
	return explain(f, r, e);
}

void edit_file_close(struct edit_file *f)
{
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	free(f->path);
	free(f->text);
	*f = (struct edit_file){.lock_fd = -1};
}
