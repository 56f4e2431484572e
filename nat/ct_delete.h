/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending sessions.
 */
#ifndef WARREN_NAT_CT_DELETE_H
#define WARREN_NAT_CT_DELETE_H

#include "base/err.h"
#include "nat/conntrack.h"

/*
 * ct_delete - end one session of the namespace of @sock (AF_NETLINK, NETLINK_NETFILTER; not one on
 * which a dump is under way).  @ct: as a dump gave it; by its id it is told from a later one with the
 * same addresses and ports.
 * IPCTNL_MSG_CT_DELETE: ctnetlink_del_conntrack() in net/netfilter/nf_conntrack_netlink.c.
 * Returns 1; 0: it had ended by itself; or -errno.
 */
int ct_delete(int sock, const struct ct_entry *ct, struct err *e);

/*
 * ct_flush - end all sessions of the namespace of @sock, and of no other, by one request.  Blocks while
 * the kernel walks its table.  Returns 0 or -errno.
 */
int ct_flush(int sock, struct err *e);

#endif
