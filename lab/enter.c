/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/enter.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "wg/device.h"

/* the files of /etc/netns/NAME over those of /etc; one that /etc lacks is passed over */
static void cover_etc(const char *netns)
{
	char dir[PATH_MAX], from[2 * PATH_MAX], to[PATH_MAX];
	struct dirent *d;
	DIR *list;

	snprintf(dir, sizeof(dir), "/etc/netns/%s", netns);
	list = opendir(dir);
	while (list && (d = readdir(list))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", dir, d->d_name);
		snprintf(to, sizeof(to), "/etc/%s", d->d_name);
		(void)mount(from, to, NULL, MS_BIND, NULL);
	}
	if (list)
		closedir(list);
}

static void show_tunnels(const struct lab *l, const char *dir)
{
	char sockets[256];

	snprintf(sockets, sizeof(sockets), "%s/wg/%s", l->store.dir, dir);
	if (access(sockets, F_OK) == 0)
		(void)mount(sockets, WG_UAPI_DIR, NULL, MS_BIND, NULL);
}

int lab_enter(const struct lab *l, const char *name, struct err *e)
{
	const char *netns = NULL;
	_cleanup_close_ int fd = lab_ns_open(l, name, &netns, e);
	int r;

	if (fd < 0)
		return fd;
	r = ns_enter(fd, e);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_errno(e, "make a mount namespace");
	/* /sys shows the namespace that mounted it; without, only /sys/class/net is wrong */
	if (umount2("/sys", MNT_DETACH) == 0 || errno == EINVAL)
		(void)mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
	if (netns)
		cover_etc(netns);
	show_tunnels(l, netns ? netns : l->host ? l->host->netns : name);
	return 0;
}
