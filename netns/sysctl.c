/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

#define USES_OF_VIEW 64

/* the procfs of this thread; helper threads end, and let it go with sysctl_view_end() */
static _Thread_local int view = -1;
static _Thread_local unsigned int uses;

static int make_view(void)
{
	_cleanup_close_ int fs = fsopen("proc", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd;
}

void sysctl_view_end(void)
{
	if (view >= 0)
		close(view);
	view = -1;
	uses = 0;
}

/* an open setting, or -errno in @e */
static int open_key(const char *key, int flags, struct err *e)
{
	const char *first = strpbrk(key, "./");
	char path[PATH_MAX];
	int fd, n = snprintf(path, sizeof(path), "/proc/sys/%s", key);

	if (n >= PATH_MAX || strstr(key, ".."))
		return err_code(e, EINVAL, "sysctl %s", key);
	if (first && *first == '.')
		for (char *p = path + strlen("/proc/sys/"); *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	if (uses++ % USES_OF_VIEW == 0) {
		sysctl_view_end();
		uses = 1;
		view = make_view();
	}
	fd = view >= 0 ? openat(view, path + strlen("/proc/"), flags | O_CLOEXEC | O_NOCTTY)
		       : open(path, flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? err_errno(e, "%s", path) : fd;
}

int sysctl_set(const char *key, const char *value, struct err *e)
{
	_cleanup_close_ int fd = open_key(key, O_WRONLY, e);
	size_t len = strlen(value);

	if (fd < 0)
		return fd;
	if (write(fd, value, len) != (ssize_t)len)
		return err_errno(e, "sysctl %s", key);
	return 0;
}

int sysctl_get(const char *key, char *buf, size_t size, struct err *e)
{
	_cleanup_close_ int fd = open_key(key, O_RDONLY, e);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return err_errno(e, "sysctl %s", key);
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}
