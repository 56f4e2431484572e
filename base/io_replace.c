/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of somebody else's is replaced: all that it is stays, but for what is in it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"

#define XATTR_ACL "system.posix_acl_access"

bool io_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* one that cannot be copied is left out, save who may read the file */
static int copy_attribute(const char *path, const char *name, int fd)
{
	_cleanup_free_ char *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = value ? getxattr(path, name, value, XATTR_SIZE_MAX) : -1;

	if (len >= 0 && fsetxattr(fd, name, value, (size_t)len, 0) == 0)
		return 0;
	return value && strcmp(name, XATTR_ACL) != 0 ? 0 : -1;
}

static int copy_attributes(const char *path, int fd)
{
	_cleanup_free_ char *names = malloc(XATTR_LIST_MAX);
	ssize_t len = names ? listxattr(path, names, XATTR_LIST_MAX) : -1;
	int r = names ? 0 : -1;

	for (const char *p = names; len > 0 && p < names + len && !r; p += strlen(p) + 1)
		r = copy_attribute(path, p, fd);
	return r;
}

/* what the file has besides its bytes; chown() takes bits of the mode away, so it goes first */
static int copy_rest(const char *path, const struct stat *was, int fd)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	if ((now.st_uid != was->st_uid || now.st_gid != was->st_gid) &&
	    fchown(fd, was->st_uid, was->st_gid) < 0)
		return -errno;
	if (copy_attributes(path, fd) < 0 || fchmod(fd, was->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

/* the new one as @tmp, complete, and the old one still as it was read */
static int prepare(const char *path, const struct stat *was, int fd, const void *data, size_t len)
{
	struct stat now;
	int r = copy_rest(path, was, fd);

	if (!r)
		r = io_write_all(fd, data, len);
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (!r && lstat(path, &now) < 0)
		r = errno == ENOENT ? -ESTALE : -errno;
	if (!r && !io_same_file(&now, was))
		r = -ESTALE;
	return r;
}

static void sync_folder(const char *path)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path + 1));
	_cleanup_close_ int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0)
		(void)fsync(fd);
}

int io_replace_file(const char *path, const struct stat *was, const void *data, size_t len,
		    struct err *e)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *tmp = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!slash)
		return err_code(e, EINVAL, "%s", path);
	/* hidden, so that nobody takes it for one of the files that the folder is for */
	if (asprintf(&tmp, "%.*s.%s.XXXXXX", (int)(slash + 1 - path), path, slash + 1) < 0) {
		tmp = NULL;
		return err_code(e, ENOMEM, "%s", path);
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	r = prepare(path, was, fd, data, len);
	if (!r && fault_point(path, e) < 0) {
		unlink(tmp);
		return -e->code;
	}
	if (!r && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return err_code(e, -r, "%s", path);
	}
	sync_folder(path);
	return 0;
}
