/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction on nf_tables: messages collected in one buffer, sent in one go, taken by the
 * kernel whole or not at all.  Private to this room.
 *
 * Theory of operation.  The messages stand between NFNL_MSG_BATCH_BEGIN and _END.  Only the
 * last one asks for an acknowledgement; the kernel answers it, and before it each message
 * that failed, while the send is still under way.  So all answers are there when send(2)
 * returns, and nothing ever waits.  A failed commit is reported against BATCH_BEGIN, also
 * before that acknowledgement.  See nfnetlink_rcv_batch() in net/netfilter/nfnetlink.c.
 */
#ifndef WARREN_NAT_BATCH_H
#define WARREN_NAT_BATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct batch {
	uint8_t *buf;
	size_t len, cap;
	uint32_t first_seq, n; /* of the first message; messages so far */
	const void **tags;     /* one per message */
	struct nlmsghdr *last;
	bool expects; /* batch_expect() was called */
	int failed;   /* -errno, remembered */
};

/* batch_begin - starts a transaction; batch_free() in any case afterwards. */
void batch_begin(struct batch *b);

/*
 * batch_expect - the kernel is to take it only if its rules are of this generation (NFTA_GEN_ID
 * of NFT_MSG_GETGEN); else batch_commit() returns -ERESTART.  Right after batch_begin().
 */
void batch_expect(struct batch *b, uint32_t generation);

void batch_free(struct batch *b);

/*
 * batch_message - the header of a new message of family inet; its attributes are put by the
 * caller and it is closed with batch_close().
 * @type: NFT_MSG_*.  @flags: NLM_F_*.  @tag: handed back when the kernel refuses it.
 * Returns NULL when memory is short, which batch_commit() reports as well.
 */
struct nlmsghdr *batch_message(struct batch *b, uint16_t type, uint16_t flags, const void *tag);
void batch_close(struct batch *b, const struct nlmsghdr *nlh);

/*
 * batch_commit - send, and read the answers.
 * *@ret_tag: the tag of the first message that was refused, NULL where it is none of them.
 * Returns 0, or -errno with only the kernel's reason in @e.
 */
int batch_commit(struct batch *b, int sock, const void **ret_tag, struct err *e);

#endif
