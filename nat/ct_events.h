/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conntrack events of many namespaces on one socket.
 *
 * Theory of operation.  A netlink socket with NETLINK_LISTEN_ALL_NSID hears what happens in every
 * namespace that has a number (nsid) in the socket's own, and is told the number with each message
 * (do_one_broadcast() in net/netlink/af_netlink.c).  The numbers are given in a namespace made for
 * this, so that nothing is left in any other; it goes with the socket.
 *
 * Since Linux 5.19 sessions have events only if somebody listened in their own namespace when they
 * began (nf_conntrack_events=2; nf_ct_ecache_ext_add()).  So a socket there joins and leaves: that
 * counts as long as anybody at all listens to the group (nfnetlink_unbind()).  Sessions older than
 * that are not heard of, as `conntrack -E` does not hear of them.
 */
#ifndef WARREN_NAT_CT_EVENTS_H
#define WARREN_NAT_CT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "nat/conntrack.h"

enum ct_event { CT_NEW, CT_UPDATE, CT_DESTROY };

struct ct_events;

/*
 * ct_events_open - the socket, in a namespace of its own; hears nothing yet.
 * @buffer: bytes that the kernel may keep for us (SO_RCVBUFFORCE, doubled by the kernel; without
 *	    CAP_NET_ADMIN SO_RCVBUF with its limit).
 * Returns 0, or -errno.  The caller closes *@ret with ct_events_close().
 */
int ct_events_open(int buffer, struct ct_events **ret, struct err *e);
void ct_events_close(struct ct_events *ev);

/*
 * ct_events_add - listen to namespace @ns_fd as well, by the number @nsid (0 …, each once).  Acts in
 * @ns_fd and in the socket's namespace.  Returns 0 or -errno.
 */
int ct_events_add(struct ct_events *ev, int ns_fd, int nsid, struct err *e);

/* ct_events_fd - readable when there are events; stays @ev's. */
int ct_events_fd(const struct ct_events *ev);

/*
 * ct_events_read - call @fn for the events that have come.  Does not block.
 * @ret_lost: set where some were lost (ENOBUFS); then all that was left has been read, so that later
 *	      ones come again, and the caller looks for itself what there is.  Else untouched.
 * Returns 0, the first negative value of @fn, or -errno.
 */
int ct_events_read(struct ct_events *ev,
		   int (*fn)(int nsid, enum ct_event kind, const struct ct_entry *ct, void *arg,
			     struct err *e),
		   void *arg, bool *ret_lost, struct err *e);

#endif
