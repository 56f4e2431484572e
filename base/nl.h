/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink requests and their answers, over libnl-3.
 *
 * Theory of operation.  A `struct chan` is one netlink socket that belongs
 * to one network namespace.  Requests are either done at once (chan_do) or
 * queued (chan_queue) and sent together (chan_flush): the kernel works through the
 * messages of one send in their order and answers each that asks for an
 * acknowledgement or fails, so a queue of n requests costs two system calls
 * instead of 2n.  Only the last message asks for an acknowledgement; every
 * error names its request by sequence number, and chan_flush() hands back the
 * tag of the first that failed.  The kernel does not stop at an error: later
 * requests of the same flush have been tried as well.
 */
#ifndef WARREN_BASE_NL_H
#define WARREN_BASE_NL_H

#include <linux/netlink.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct chan;

/*
 * chan_open - a netlink socket in namespace @ns_fd (-1: the caller's).
 * @protocol: NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_NETFILTER.
 * The caller closes *@ret with chan_close().
 */
int chan_open(int ns_fd, int protocol, struct chan **ret, struct err *e);

/* chan_open_here - like chan_open() in the calling thread's own namespace, with no helper thread. */
int chan_open_here(int protocol, struct chan **ret, struct err *e);

/* chan_close - NULL is allowed. */
void chan_close(struct chan *c);

/* chan_fd - the socket's descriptor, which the channel keeps owning. */
int chan_fd(const struct chan *c);

/*
 * chan_queue - put a request at the end of the queue, flushing first when it is full.
 * @msg: taken over and freed, also on failure; NULL (a builder ran out of memory) is -ENOMEM.
 * @ok_errno: an errno value, positive, that counts as success (EEXIST, ENODEV …); 0: none.
 * @tag: handed back by chan_flush() when this request fails; what it points to belongs to the caller.
 */
int chan_queue(struct chan *c, struct nl_msg *msg, int ok_errno, const void *tag, struct err *e);

/* chan_is_crowded - is there little room for more?  Whoever flushes then himself hears which
 * request failed. */
bool chan_is_crowded(const struct chan *c);

/*
 * chan_flush - send what is queued and wait for the answers.
 * @ret_tag: the tag of the first request that failed (may be NULL); untouched on success.
 * Returns 0, or -errno of the first failure with the kernel's extended message in @e.
 */
int chan_flush(struct chan *c, const void **ret_tag, struct err *e);

/* chan_do - queue, flush: one request, acknowledged.  @msg is taken over. */
int chan_do(struct chan *c, struct nl_msg *msg, struct err *e);

/*
 * chan_dump - send @msg (NLM_F_DUMP, or a plain GET with one answer) and call @fn for each
 * message of the answer until it returns negative, which ends the dump and is returned.
 * An interrupted dump (NLM_F_DUMP_INTR) returns -EINTR after its end: @fn has seen an
 * inconsistent list, and the caller starts again.
 */
int chan_dump(struct chan *c, struct nl_msg *msg,
	      int (*fn)(const struct nlmsghdr *nlh, void *arg, struct err *e), void *arg,
	      struct err *e);

/*
 * chan_genl_family - the number of a generic netlink family by its name ("wireguard").
 * @c: a NETLINK_GENERIC channel.  -ENOENT: the kernel has no such family.
 */
int chan_genl_family(struct chan *c, const char *name, uint16_t *ret_id, struct err *e);

#endif
