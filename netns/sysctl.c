/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/sysctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

static int path_of(const char *key, char buf[static PATH_MAX], struct err *e)
{
	const char *first = strpbrk(key, "./");
	int n = snprintf(buf, PATH_MAX, "/proc/sys/%s", key);

	if (n >= PATH_MAX || strstr(key, ".."))
		return err_code(e, EINVAL, "sysctl %s", key);
	if (first && *first == '.')
		for (char *p = buf + strlen("/proc/sys/"); *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return 0;
}

int sysctl_set(const char *key, const char *value, struct err *e)
{
	char path[PATH_MAX];
	int r = path_of(key, path, e);

	return r < 0 ? r : io_write_value(path, value, e);
}

int sysctl_get(const char *key, char *buf, size_t size, struct err *e)
{
	char path[PATH_MAX];
	int r = path_of(key, path, e);

	return r < 0 ? r : io_read_value(path, buf, size, e);
}
