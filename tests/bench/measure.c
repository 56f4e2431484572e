/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure - run a command and say what it took.
 *
 *	measure [--settle] COMMAND…
 *
 * Prints "WALL_MS PEAK_KIB" on descriptor 3: the time until the command has ended, and
 * the largest resident set of it and of the processes it has waited for.  With --settle
 * the time goes on until the kernel has taken down every namespace that the command let go.
 *
 * Theory of operation.  Namespaces that nobody uses any more are taken down by one work
 * item, cleanup_net(), in batches, in the order in which they were let go.  So a namespace that
 * we make and let go after the command, holding the far end of a veth of ours, is a fence: our
 * end disappears while the fence's batch is worked on.  The lab's namespaces may be in the same
 * batch; a second fence gets into a later one.  Counting net_namespace objects in
 * /proc/slabinfo is no way: the slab allocator keeps freed ones in its caches.
 * A wireguard-go process holds its namespace until it has noticed that its interface has gone, so
 * the end of those that ran before the command is waited for first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FENCE_INDEX 4711

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static struct rtattr *put(struct nlmsghdr *nlh, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void nest_end(struct nlmsghdr *nlh, struct rtattr *a)
{
	a->rta_len = (uint16_t)((char *)nlh + nlh->nlmsg_len - (char *)a);
}

/* a veth from here into @ns */
static void fence_veth(int sock, int ns)
{
	_Alignas(struct nlmsghdr) char buf[512] = "";
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct ifinfomsg ifi = {.ifi_index = FENCE_INDEX}, peer_ifi = {0};
	struct rtattr *info, *data, *peer;

	*nlh = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof(ifi)),
				 .nlmsg_type = RTM_NEWLINK,
				 .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL};
	memcpy(NLMSG_DATA(nlh), &ifi, sizeof(ifi));
	info = put(nlh, IFLA_LINKINFO, NULL, 0);
	put(nlh, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = put(nlh, IFLA_INFO_DATA, NULL, 0);
	peer = put(nlh, VETH_INFO_PEER, &peer_ifi, sizeof(peer_ifi));
	put(nlh, IFLA_NET_NS_FD, &ns, sizeof(ns));
	nest_end(nlh, peer);
	nest_end(nlh, data);
	nest_end(nlh, info);
	if (send(sock, buf, nlh->nlmsg_len, 0) < 0)
		die("measure: fence");
}

/* errors of the request come by the same way, and end it as well */
static void wait_until_gone(int sock)
{
	_Alignas(struct nlmsghdr) char buf[16384];

	for (;;) {
		ssize_t n = recv(sock, buf, sizeof(buf), 0);

		if (n < 0 && errno != ENOBUFS)
			die("measure: wait for the fence");
		for (struct nlmsghdr *nlh = (struct nlmsghdr *)buf; n > 0 && NLMSG_OK(nlh, n);
		     nlh = NLMSG_NEXT(nlh, n)) {
			const struct ifinfomsg *ifi = NLMSG_DATA(nlh);

			if (nlh->nlmsg_type == NLMSG_ERROR) {
				errno = -((const struct nlmsgerr *)NLMSG_DATA(nlh))->error;
				die("measure: make the fence");
			}
			if (nlh->nlmsg_type == RTM_DELLINK && ifi->ifi_index == FENCE_INDEX)
				return;
		}
	}
}

static void settle(void)
{
	struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int sock, home, ns;

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (sock < 0 || home < 0 || bind(sock, (struct sockaddr *)&links, sizeof(links)) < 0)
		die("measure: watch links");
	for (int i = 0; i < 2; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			die("measure: unshare");
		ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (ns < 0 || setns(home, CLONE_NEWNET) < 0)
			die("measure: come home");
		fence_veth(sock, ns);
		close(ns);
		wait_until_gone(sock);
	}
	close(home);
	close(sock);
}

/* --- processes ----------------------------------------------------------------------------- */

static struct pollfd tunnels[4096];
static nfds_t n_tunnels;

/* those of this PID namespace, as /proc shows it */
static void find_tunnels(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		die("measure: /proc");
	while ((entry = readdir(proc)) && n_tunnels < sizeof(tunnels) / sizeof(*tunnels)) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		char path[64], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		f = pid > 0 ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && !strcmp(comm, "wireguard-go\n")) {
			int fd = (int)syscall(SYS_pidfd_open, pid, 0);

			if (fd >= 0)
				tunnels[n_tunnels++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
		fclose(f);
	}
	closedir(proc);
}

static void wait_for_tunnels(void)
{
	for (nfds_t i = 0; i < n_tunnels; i++)
		if (poll(&tunnels[i], 1, 20000) != 1)
			die("measure: a wireguard-go goes on");
}

int main(int argc, char **argv)
{
	bool settling = argc > 1 && !strcmp(argv[1], "--settle");
	struct timespec start, end;
	struct rusage usage;
	int status = 0;
	pid_t pid;

	argv += settling ? 2 : 1;
	if (!*argv)
		return fprintf(stderr, "usage: measure [--settle] COMMAND…\n"), 2;
	if (settling)
		find_tunnels();
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	if (pid == 0) {
		close(3);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		die("measure: wait");
	if (settling) {
		wait_for_tunnels();
		settle();
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	dprintf(3, "%.1f %ld\n",
		(double)(end.tv_sec - start.tv_sec) * 1e3 +
			(double)(end.tv_nsec - start.tv_nsec) / 1e6,
		usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
