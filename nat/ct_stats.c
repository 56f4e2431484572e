/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_stats.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>

#include "nat/ct_ask.h"
#include "nat/kernel.h"

/* a counter as every answer has it; false: @attr is another, or too short */
static bool get(const struct nlattr *attr, uint16_t type, uint32_t *ret)
{
	if (mnl_attr_get_type(attr) != type || mnl_attr_get_payload_len(attr) < sizeof(*ret))
		return false;
	*ret = be32toh(mnl_attr_get_u32(attr));
	return true;
}

struct counting {
	struct ct_count count;
	bool seen;
};

static int take_count(const struct nlattr *attr, void *arg)
{
	struct counting *c = arg;
	uint32_t n;

	if (get(attr, CTA_STATS_GLOBAL_ENTRIES, &n)) {
		c->count.sessions = n;
		c->seen = true;
	} else if (get(attr, CTA_STATS_GLOBAL_MAX_ENTRIES, &n)) {
		c->count.max = n;
		c->count.has_max = n > 0;
	}
	return MNL_CB_OK;
}

static void on_count(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_count, arg);
}

int ct_count(int sock, struct ct_count *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *nlh = ct_request(buf, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC);
	struct counting c = {.seen = false};
	int r = ct_ask(sock, nlh, on_count, &c, "count conntrack entries", NULL, e);

	if (r < 0)
		return r;
	if (!c.seen)
		return err_set(e, EPROTO, "count conntrack entries: the kernel gave no number");
	*ret = c.count;
	return 0;
}
