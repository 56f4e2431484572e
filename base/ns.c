/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* room for jansson, libnl and getaddrinfo; a thread's default of 8 MiB is only reserved anyway */
#define HELPER_STACK ((size_t)1024 * 1024)

struct call {
	int ns_fd;
	int (*fn)(void *arg, struct err *e);
	void *arg;
	struct err *e;
	int ret;
};

int ns_enter(int ns_fd, struct err *e)
{
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		return err_errno(e, "enter the network namespace");
	return 0;
}

static void *helper(void *p)
{
	struct call *c = p;

	c->ret = c->ns_fd >= 0 ? ns_enter(c->ns_fd, c->e) : 0;
	if (c->ret >= 0)
		c->ret = c->fn(c->arg, c->e);
	return NULL;
}

int ns_run(int ns_fd, int (*fn)(void *arg, struct err *e), void *arg, struct err *e)
{
	struct call c = {.ns_fd = ns_fd, .fn = fn, .arg = arg, .e = e};
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, HELPER_STACK);
	/* signals are the main thread's business */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attr, helper, &c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (r)
		return err_code(e, r, "start a helper thread");
	pthread_join(thread, NULL);
	return c.ret;
}

struct socket_args {
	int domain, type, protocol;
};

static int open_socket(void *arg, struct err *e)
{
	const struct socket_args *a = arg;
	int fd = socket(a->domain, a->type | SOCK_CLOEXEC, a->protocol);

	return fd < 0 ? err_errno(e, "open a socket") : fd;
}

int ns_socket(int ns_fd, int domain, int type, int protocol, struct err *e)
{
	struct socket_args a = {domain, type, protocol};

	return ns_run(ns_fd, open_socket, &a, e);
}

int ns_open_self(struct err *e)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, "open the network namespace") : fd;
}

int ns_cookie(int sock, uint64_t *ret_cookie, struct err *e)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	if (getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		return err_errno(e, "ask for the namespace's cookie");
	*ret_cookie = cookie;
	return 0;
}

int ns_own_cookie(uint64_t *ret_cookie, struct err *e)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (sock < 0)
		return err_errno(e, "open a socket");
	r = ns_cookie(sock, ret_cookie, e);
	close(sock);
	return r;
}
