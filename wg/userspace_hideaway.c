/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "wg/userspace.h"

struct hideaway {
	int mnt_ns, dir;
};

/* runs in a helper thread: its mount namespace, root and working folder are its own afterwards */
static int make(void *arg, struct err *e)
{
	struct hideaway *h = arg;
	_cleanup_close_ int dir = -1;

	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(e, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_errno(e, "detach the mount namespace");
	/* the pinned namespaces below: held here, they would outlive their removal */
	if (umount2("/run", MNT_DETACH) < 0)
		(void)umount2("/run/netns", MNT_DETACH);
	/* follows the link to /run */
	if (mount("tmpfs", "/var/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0755,size=1m,nr_inodes=0") < 0)
		return err_errno(e, "cover /var/run");
	if (mkdir("/var/run/wireguard", 0700) < 0)
		return err_errno(e, "make /var/run/wireguard");
	dir = open("/var/run/wireguard", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, "open /var/run/wireguard");
	h->mnt_ns = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (h->mnt_ns < 0)
		return err_errno(e, "open the mount namespace");
	h->dir = steal_fd(&dir);
	return 0;
}

int hideaway_get(int *ret_mnt_ns, int *ret_dir, struct err *e)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct hideaway h = {-1, -1};
	int r = 0;

	pthread_mutex_lock(&lock);
	if (h.mnt_ns < 0)
		r = ns_run(-1, make, &h, e);
	if (!r) {
		*ret_mnt_ns = h.mnt_ns;
		*ret_dir = h.dir;
	}
	pthread_mutex_unlock(&lock);
	return r;
}
