/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wireguard-go listens to what rtnetlink tells about the links of its birth namespace, and takes
 * ENOBUFS, by which the kernel says that its buffer was full and that a message is lost, for the end
 * of its interface; with the next packet that it is to send, it closes the device.  On a gateway a
 * burst of some dozens of messages is nothing unusual: a few tenants that come while the machine is
 * busy end the tunnel of somebody else.  So its netlink sockets, which are not ours, are borrowed
 * and told not to report that.  And where the interface lives in another namespace, nothing of what
 * is told can be about it: then the socket leaves the groups, which also spares a gateway with a
 * thousand tunnels that a thousand processes wake up each time that a link changes.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "wg/userspace.h"

static int int_option(int sock, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(sock, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static bool has_dropped(int sock)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	return getsockopt(sock, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 && info[SK_MEMINFO_DROPS];
}

/* false: it has heard of a lost message already */
static bool calm(int sock, bool elsewhere)
{
	/* RTNLGRP_IPV4_ROUTE, which its other socket has, is about its UDP packets' way */
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	const int one = 1;

	if (int_option(sock, SO_DOMAIN) != AF_NETLINK ||
	    int_option(sock, SO_PROTOCOL) != NETLINK_ROUTE)
		return true;
	(void)setsockopt(sock, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	for (size_t i = 0; elsewhere && i < ARRAY_SIZE(groups); i++)
		(void)setsockopt(sock, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &groups[i],
				 sizeof(groups[i]));
	/* an error is told once, to whoever asks first: let that be us */
	return !has_dropped(sock) || int_option(sock, SO_ERROR) == ENOBUFS;
}

/* a TUN is not to be borrowed, however shortly: it lives as long as a descriptor of it */
static bool is_socket(const char *folder, const char *fd)
{
	char path[320], target[16];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, fd);
	n = readlink(path, target, sizeof(target));
	return n > 8 && !strncmp(target, "socket:[", 8);
}

int wg_userspace_calm(const struct proc_id *id, int pidfd, bool elsewhere, struct err *e)
{
	const struct dirent *ent;
	bool all_well = true;
	char folder[32];
	DIR *d;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)id->pid);
	d = pidfd >= 0 ? opendir(folder) : NULL;
	while (d && (ent = readdir(d))) {
		_cleanup_close_ int sock = -1;

		if (!is_socket(folder, ent->d_name))
			continue;
		sock = (int)syscall(SYS_pidfd_getfd, pidfd, (int)strtol(ent->d_name, NULL, 10), 0);
		if (sock >= 0)
			all_well &= calm(sock, elsewhere);
	}
	if (d)
		closedir(d);
	return all_well ? 0 : err_set(e, ENOBUFS, "wireguard-go has missed a netlink message");
}
