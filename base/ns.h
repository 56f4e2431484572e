/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running something inside a network namespace.
 *
 * The main thread never changes its namespace.  A helper thread enters the
 * namespace, does what has to be done there (most often: opens a socket, which
 * then belongs to that namespace for good) and ends.
 */
#ifndef WARREN_BASE_NS_H
#define WARREN_BASE_NS_H

#include <stdint.h>

#include "base/err.h"

/*
 * ns_run - call @fn(@arg, @e) in a helper thread inside network namespace @ns_fd.
 * @ns_fd: an open namespace (/run/netns/NAME, /proc/PID/ns/net); -1: the caller's own.
 * Returns what @fn returned, or -errno where the thread or the namespace could not be had.
 * Blocks until @fn is done.  File descriptors and memory are shared with the caller.
 */
int ns_run(int ns_fd, int (*fn)(void *arg, struct err *e), void *arg, struct err *e);

/*
 * ns_enter - put the calling thread into @ns_fd for good.
 * Only for helper threads and forked children.  setns(2).
 */
int ns_enter(int ns_fd, struct err *e);

/*
 * ns_socket - socket(@domain, @type | SOCK_CLOEXEC, @protocol) that belongs to @ns_fd.
 * Returns the descriptor, which the caller owns, or -errno.
 */
int ns_socket(int ns_fd, int domain, int type, int protocol, struct err *e);

/* ns_open_self - the calling thread's own network namespace.  Returns a descriptor or -errno. */
int ns_open_self(struct err *e);

/*
 * ns_cookie - the number that the kernel gives a network namespace once and never again
 * until the next boot (unlike inode numbers, which are used again).
 * @sock: any socket of that namespace.  SO_NETNS_COOKIE, Linux 5.14.
 */
int ns_cookie(int sock, uint64_t *ret_cookie, struct err *e);

/* ns_own_cookie - the cookie of the calling thread's own namespace. */
int ns_own_cookie(uint64_t *ret_cookie, struct err *e);

#endif
