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

/* --- what went wrong ------------------------------------------------------------------- */

static int add_fault(const struct nlattr *attr, void *arg)
{
	struct ct_faults *f = arg;
	uint32_t n;

	if (get(attr, CTA_STATS_INVALID, &n))
		f->invalid += n;
	else if (get(attr, CTA_STATS_INSERT_FAILED, &n))
		f->insert_failed += n;
	else if (get(attr, CTA_STATS_DROP, &n))
		f->drop += n;
	else if (get(attr, CTA_STATS_EARLY_DROP, &n))
		f->early_drop += n;
	else if (get(attr, CTA_STATS_ERROR, &n))
		f->error += n;
	return MNL_CB_OK;
}

static void on_cpu(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), add_fault, arg);
}

int ct_faults(int sock, struct ct_faults *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *nlh = ct_request(buf, IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP, AF_UNSPEC);
	struct ct_faults f = {.drop = 0};
	int r = ct_ask(sock, nlh, on_cpu, &f, "ask for conntrack's counters", NULL, e);

	if (!r)
		*ret = f;
	return r;
}

/* --- sums --------------------------------------------------------------------------------- */

void ct_totals_add(struct ct_totals *t, const struct ct_entry *ct)
{
	const bool icmp = ct->l4proto == IPPROTO_ICMP || ct->l4proto == IPPROTO_ICMPV6;
	uint64_t *proto = ct->l4proto == IPPROTO_TCP   ? &t->tcp
			  : ct->l4proto == IPPROTO_UDP ? &t->udp
			  : icmp                       ? &t->icmp
						       : &t->other;

	t->sessions++;
	++*proto;
	t->unreplied += ct->has_status && !(ct->status & IPS_SEEN_REPLY);
	t->assured += (ct->status & IPS_ASSURED) != 0;
	t->snat += (ct->status & IPS_SRC_NAT) != 0;
	t->dnat += (ct->status & IPS_DST_NAT) != 0;
	t->counted += ct_counted(ct);
	for (size_t i = 0; i < 2 && ct_counted(ct); i++) {
		t->packets[i] += ct->packets[i];
		t->bytes[i] += ct->bytes[i];
	}
}

void ct_totals_join(struct ct_totals *t, const struct ct_totals *other)
{
	t->sessions += other->sessions;
	t->tcp += other->tcp;
	t->udp += other->udp;
	t->icmp += other->icmp;
	t->other += other->other;
	t->unreplied += other->unreplied;
	t->assured += other->assured;
	t->snat += other->snat;
	t->dnat += other->dnat;
	t->counted += other->counted;
	for (size_t i = 0; i < 2; i++) {
		t->packets[i] += other->packets[i];
		t->bytes[i] += other->bytes[i];
	}
}
