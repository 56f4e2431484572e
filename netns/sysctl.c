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

int sysctl_path(const char *key, char *buf, size_t size)
{
	const char *first = strpbrk(key, "./");
	int n = snprintf(buf, size, "%s", key);

	if (n < 0 || (size_t)n >= size || strstr(key, ".."))
		return -EINVAL;
	if (first && *first == '.')
		for (char *p = buf; *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return 0;
}

bool sysctl_link(const char *path, char name[static 16])
{
	static const char *const folders[] = {"conf/", "neigh/"};
	const char *at = strncmp(path, "net/", 4) ? NULL : strchr(path + 4, '/');
	size_t len;

	for (size_t i = 0; at && i < ARRAY_SIZE(folders); i++) {
		if (strncmp(at + 1, folders[i], strlen(folders[i])))
			continue;
		at += 1 + strlen(folders[i]);
		len = strcspn(at, "/");
		if (!at[len] || len > 15 || !strncmp(at, "all/", 4) || !strncmp(at, "default/", 8))
			return false;
		snprintf(name, 16, "%.*s", (int)len, at);
		return true;
	}
	return false;
}

/* an open setting, or -errno in @e */
static int open_key(const char *key, int flags, struct err *e)
{
	char path[PATH_MAX] = "/proc/sys/";
	const size_t len = strlen(path);
	int fd;

	if (sysctl_path(key, path + len, sizeof(path) - len) < 0)
		return err_code(e, EINVAL, "sysctl %s", key);
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
	/* the kernel takes no notice of an empty write: an empty list is a line */
	const char *text = *value ? value : "\n";
	size_t len = strlen(text);

	if (fd < 0)
		return fd;
	if (write(fd, text, len) != (ssize_t)len)
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
