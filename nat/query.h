/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nf_tables has: questions and their answers.  Private to this room.
 *
 * Theory of operation.  Several questions travel in one send.  The kernel answers each while the
 * send is under way, and goes on with a list (NLM_F_DUMP) whenever a part of it has been read; so
 * nothing ever waits.  A socket has one list under way at a time, which is why it is the last
 * question.  Every answer bears the generation of the namespace's rules: several queries whose
 * answers all have the same one have seen one state, whatever the time between them.  One thing
 * that does not show: where a list goes on, the kernel counts what it has listed together with what an
 * unfinished transaction has added.  So while somebody else prepares one, entries can come
 * twice; each has a handle, or a name, by which this is noticed.  (They could also be left out, if the
 * transaction then fails; but only where a list has more parts than one, of 16 KiB.)
 * See nf_tables_api.c and netlink_dump().
 */
#ifndef WARREN_NAT_QUERY_H
#define WARREN_NAT_QUERY_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "nat/attr.h"

/* which state of the rules was seen; starts as zeros */
struct generation {
	bool has;
	uint16_t low; /* what answers bear */
};

struct query {
	_Alignas(struct nlmsghdr) uint8_t buf[512];
	struct nlmsghdr *last;
	uint32_t first_seq, n;
	bool missing; /* something that was asked for by name is not there */
};

void query_begin(struct query *q);

/*
 * query_ask - one more question (there is room for four), about table inet warren.
 * @type: NFT_MSG_GET*.  @flags: NLM_F_DUMP or 0.  @table_attr: where the table's name goes, 0: nowhere.
 * Returns the message, for attributes that tell more.
 */
struct nlmsghdr *query_ask(struct query *q, uint16_t type, uint16_t flags, uint16_t table_attr);

/*
 * query_run - send it, and call @fn for each message of the answers until it returns negative,
 * which is returned when all has been read (-EINTR: an entry came twice).  Nothing else may be under way on @sock.
 * Returns 0, also where what was asked for is not there; -EINTR, with @e untouched: the rules changed
 * meanwhile, or are not those of @g any more; another -errno.
 */
int query_run(struct query *q, int sock, struct generation *g,
	      int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg, struct err *e);

/* msg_attr - an attribute of an nf_tables message, or NULL. */
const struct nlattr *msg_attr(const struct nlmsghdr *nlh, uint16_t type);

/* msg_str, msg_u32, msg_u64 - its value; NULL and 0 where it has none, or none of that type. */
const char *msg_str(const struct nlmsghdr *nlh, uint16_t type);
uint32_t msg_u32(const struct nlmsghdr *nlh, uint16_t type);
uint64_t msg_u64(const struct nlmsghdr *nlh, uint16_t type);

/* msg_type - NFT_MSG_*. */
static inline uint8_t msg_type(const struct nlmsghdr *nlh)
{
	return (uint8_t)nlh->nlmsg_type;
}

#endif
