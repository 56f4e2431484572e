/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the kernel's conntrack: one request, all that it answers.  Private to this room.
 */
#ifndef WARREN_NAT_CT_ASK_H
#define WARREN_NAT_CT_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct nlmsghdr;

/*
 * ct_request - begin a request in @buf: an IPCTNL_MSG_CT_* of @family (AF_UNSPEC: any), with @flags
 * (NLM_F_DUMP, NLM_F_ACK) beside NLM_F_REQUEST.  Attributes follow.
 */
struct nlmsghdr *ct_request(void *buf, uint16_t type, uint16_t flags, int family);

/*
 * ct_ask - send @nlh on @sock, whose namespace is asked, and call @fn for each message of the answer
 * until the kernel says that it is done: with NLM_F_DUMP in a last message, else by its
 * acknowledgement (NLM_F_ACK).  Nothing else may be under way on @sock.  Blocks.
 * @fn: may be NULL.
 * @what: for errors: "list conntrack entries".
 * @ret_interrupted: NLM_F_DUMP_INTR was seen; may be NULL.
 * Returns 0, or -errno; of a refusal the kernel's.
 */
int ct_ask(int sock, struct nlmsghdr *nlh, void (*fn)(const struct nlmsghdr *nlh, void *arg),
	   void *arg, const char *what, bool *ret_interrupted, struct err *e);

#endif
