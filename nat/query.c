/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/query.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "nat/kernel.h"
#include "nat/rules.h"

/* the kernel fills as much as it has seen being read into: fewer datagrams for large sets */
#define BUFFER_SIZE 16384
#define QUESTIONS   4

static atomic_uint next_seq = 1;

void query_begin(struct query *q)
{
	q->last = NULL;
	q->n = 0;
	q->missing = false;
	q->first_seq = atomic_fetch_add(&next_seq, QUESTIONS);
}

static size_t query_len(const struct query *q)
{
	return q->last ? (size_t)((uint8_t *)q->last - q->buf) + MNL_ALIGN(q->last->nlmsg_len) : 0;
}

struct nlmsghdr *query_ask(struct query *q, uint16_t type, uint16_t flags, uint16_t table_attr)
{
	q->last = nftnl_nlmsg_build_hdr((char *)q->buf + query_len(q), type, NFPROTO_INET, flags,
					q->first_seq + q->n++);
	if (table_attr)
		mnl_attr_put_strz(q->last, table_attr, NAT_TABLE);
	return q->last;
}

struct answers {
	struct query *q;
	struct generation *g;
	int (*fn)(const struct nlmsghdr *nlh, void *arg);
	void *arg;
	int result; /* of the first call of @fn that was negative */
	int code;   /* errno value, positive, of the first question that was refused */
	bool changed, done;
};

/* the end of a list, or a refusal: both carry an errno value, negated */
static void on_end(const struct nlmsghdr *nlh, struct answers *a)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error == -ENOENT)
		a->q->missing = true;
	else if (error == -EINTR || error == -EAGAIN)
		a->changed = true;
	else if (error && !a->code)
		a->code = -error;
}

static void on_answer(const struct nlmsghdr *nlh, struct answers *a)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	uint16_t generation;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return;
	generation = ntohs(nfg->res_id);
	if (!a->g->has)
		*a->g = (struct generation){.has = true, .low = generation};
	else if (a->g->low != generation)
		a->changed = true;
	/* when the caller has had enough, or the answer is void, the rest is only read */
	if (!a->changed && a->result >= 0)
		a->result = a->fn(nlh, a->arg);
}

static void on_message(const struct nlmsghdr *nlh, struct answers *a)
{
	uint32_t index = nlh->nlmsg_seq - a->q->first_seq;
	bool list = nlh->nlmsg_flags & NLM_F_MULTI;
	bool end = nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR;

	if (index >= a->q->n)
		return;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->changed = true;
	if (end)
		on_end(nlh, a);
	else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
		on_answer(nlh, a);
	if (index == a->q->n - 1 && (end || !list))
		a->done = true;
}

static int read_answers(int sock, struct answers *a, struct err *e)
{
	_Alignas(struct nlmsghdr) uint8_t buf[BUFFER_SIZE];
	const struct nlmsghdr *nlh;
	ssize_t n;
	int left;

	while (!a->done) {
		n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		/* refused before it came to the last question */
		if (n < 0 && errno == EAGAIN && a->code)
			return 0;
		if (n < 0)
			return err_errno(e, "read table inet %s", NAT_TABLE);
		if ((size_t)n > sizeof(buf))
			return err_code(e, EMSGSIZE, "read table inet %s", NAT_TABLE);
		left = (int)n;
		for (nlh = (const struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			on_message(nlh, a);
	}
	return 0;
}

int query_run(struct query *q, int sock, struct generation *g,
	      int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg, struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct answers a = {.q = q, .g = g, .fn = fn, .arg = arg};
	int r;

	if (sendto(sock, q->buf, query_len(q), 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return err_errno(e, "look for table inet %s", NAT_TABLE);
	r = read_answers(sock, &a, e);
	if (r < 0)
		return r;
	if (a.code) {
		if (a.code == EPERM) {
			err_code(e, EPERM, "look for table inet %s", NAT_TABLE);
			err_hint(e, "this needs CAP_NET_ADMIN: run it as root");
			return err_kind_set(e, ERR_CANNOT);
		}
		return err_code(e, a.code, "look for table inet %s", NAT_TABLE);
	}
	if (a.changed || a.result == -EINTR)
		return -EINTR;
	return a.result < 0 ? err_code(e, -a.result, "read table inet %s", NAT_TABLE) : 0;
}

const struct nlattr *msg_attr(const struct nlmsghdr *nlh, uint16_t type)
{
	const char *end = (const char *)nlh + nlh->nlmsg_len;
	const struct nlattr *attr =
		attr_at((const char *)nlh + NLMSG_SPACE(sizeof(struct nfgenmsg)), end);

	while (attr && attr_type(attr) != type)
		attr = attr_next(attr, end);
	return attr;
}

const char *msg_str(const struct nlmsghdr *nlh, uint16_t type)
{
	return attr_str(msg_attr(nlh, type));
}

uint32_t msg_u32(const struct nlmsghdr *nlh, uint16_t type)
{
	uint32_t value = 0;

	attr_u32(msg_attr(nlh, type), &value);
	return value;
}

uint64_t msg_u64(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr = msg_attr(nlh, type);
	uint64_t value;

	if (!attr || attr_len(attr) != sizeof(value))
		return 0;
	memcpy(&value, attr_value(attr), sizeof(value));
	return be64toh(value);
}
