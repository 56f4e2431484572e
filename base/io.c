/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

int io_read_file(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	size_t len = 0, room = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_code(e, EISDIR, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return err_set(e, EINVAL, "%s: not a file", path);
	do {
		if (room - len < 2) {
			size_t want = room ? room * 2 : (size_t)st.st_size + 4096;
			char *p;

			if (want > max + 2)
				want = max + 2;
			p = want > room ? realloc(data, want) : NULL;
			if (!p)
				return err_code(e, want > room ? ENOMEM : EFBIG, "%s", path);
			data = p;
			room = want;
		}
		n = read(fd, data + len, room - len - 1);
		if (n < 0 && errno != EINTR)
			return err_errno(e, "%s", path);
		if (n > 0)
			len += (size_t)n;
		if (len > max)
			return err_code(e, EFBIG, "%s", path);
	} while (n);
	data[len] = '\0';
	if (ret_len)
		*ret_len = len;
	*ret = steal_ptr(data);
	return 0;
}

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_write_file(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	_cleanup_free_ char *tmp = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
		tmp = NULL;
		return err_code(e, ENOMEM, "%s", path);
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	r = fchmod(fd, mode) < 0 ? -errno : io_write_all(fd, data, len);
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
	return fault_point(path, e);
}

int io_create_file(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	_cleanup_free_ char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	_cleanup_close_ int fd = -1;
	char self[64];
	int r;

	if (!slash)
		return err_code(e, folder ? EINVAL : ENOMEM, "%s", path);
	*slash = '\0';
	fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(e, "%s", path);
	r = io_write_all(fd, data, len);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (!r && linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		r = -errno;
	return r < 0 ? err_code(e, -r, "%s", path) : fault_point(path, e);
}

int io_read_value(const char *path, char *buf, size_t size, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return err_errno(e, "%s", path);
	n = read(fd, buf, size - 1);
	if (n < 0)
		return err_errno(e, "%s", path);
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

int io_mkdir_p(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len >= sizeof(part))
		return err_code(e, ENAMETOOLONG, "%s", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) == 0) {
			if (fault_point(part, e) < 0)
				return -e->code;
		} else if (errno != EEXIST) {
			return err_errno(e, "%s", part);
		} else if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode)) {
			return err_code(e, ENOTDIR, "%s", part);
		}
	}
	return 0;
}
