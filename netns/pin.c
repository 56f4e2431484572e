/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"
#include "base/ns.h"

#define PATH_LEN (sizeof(NETNS_DIR) + 256)

static const char *path_of(const char *name, char buf[static PATH_LEN])
{
	snprintf(buf, PATH_LEN, "%s/%s", NETNS_DIR, name);
	return buf;
}

bool netns_dir_is_mount(void)
{
	struct stat dir, up;

	/* bound onto itself, it has the device of its parent: the mount id tells */
	struct statx sx;

	if (statx(AT_FDCWD, NETNS_DIR, 0, STATX_MNT_ID, &sx) == 0 && (sx.stx_mask & STATX_MNT_ID) &&
	    (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return stat(NETNS_DIR, &dir) == 0 && stat(NETNS_DIR "/..", &up) == 0 &&
	       dir.st_dev != up.st_dev;
}

int netns_dir_prepare(bool *ret_made, struct err *e)
{
	bool made = false;
	int r = io_mkdir_p(NETNS_DIR, 0755, e);

	if (!r)
		r = fault_point("folder of namespaces made", e);
	if (r < 0)
		return r;
	/* fails with EINVAL where the folder is no mount point yet */
	while (mount("", NETNS_DIR, NULL, MS_SHARED | MS_REC, NULL) < 0) {
		if (errno != EINVAL || made)
			return err_errno(e, "make %s a shared mount", NETNS_DIR);
		if (mount(NETNS_DIR, NETNS_DIR, NULL, MS_BIND | MS_REC, NULL) < 0)
			return err_errno(e, "bind %s onto itself", NETNS_DIR);
		made = true;
		if (fault_point("folder of namespaces bound", e) < 0)
			return -e->code;
	}
	*ret_made = made;
	return 0;
}

int netns_dir_release(struct err *e)
{
	/* busy means that somebody has a name in there: then it stays */
	if (rmdir(NETNS_DIR) == 0 || errno != EBUSY || umount2(NETNS_DIR, 0) < 0)
		return 0;
	if (fault_point("folder of namespaces unmounted", e) < 0)
		return -e->code;
	(void)rmdir(NETNS_DIR);
	return 0;
}

int netns_create_here(struct err *e)
{
	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "make a network namespace");
	return ns_open_self(e);
}

int netns_pin(const char *name, int ns_fd, struct err *e)
{
	char path[PATH_LEN], self[64];
	int fd = open(path_of(name, path), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return err_errno(e, "%s", path);
	close(fd);
	r = fault_point("pin", e);
	if (r < 0)
		goto undo;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", ns_fd);
	if (mount(self, path, "none", MS_BIND, NULL) < 0) {
		r = err_errno(e, "pin at %s", path);
		goto undo;
	}
	return 0;
undo:
	unlink(path);
	return r;
}

int netns_unpin(const char *name, struct err *e)
{
	char path[PATH_LEN];

	path_of(name, path);
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
		return err_errno(e, "unmount %s", path);
	if (fault_point("unmounted", e) < 0)
		return -e->code;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, "remove %s", path);
	return 0;
}

bool netns_exists(const char *name)
{
	char path[PATH_LEN];
	struct stat st;

	return lstat(path_of(name, path), &st) == 0;
}

int netns_open(const char *name, struct err *e)
{
	char path[PATH_LEN];
	_cleanup_close_ int fd = open(path_of(name, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(e, "%s", path);
	if (fs.f_type != NSFS_MAGIC)
		return err_set(e, EINVAL, "%s: no namespace is pinned there", path);
	return steal_fd(&fd);
}
