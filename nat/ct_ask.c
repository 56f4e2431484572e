/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_ask.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "nat/kernel.h"

/* larger buffers do not make a dump faster */
#define BUFFER_SIZE 8192

static atomic_uint next_seq = 1;

struct answer {
	void (*fn)(const struct nlmsghdr *nlh, void *arg);
	void *arg;
	uint32_t seq;
	bool interrupted;
	bool done;
	int code; /* errno value, positive, with which the kernel ended it; 0: none */
};

struct nlmsghdr *ct_request(void *buf, uint16_t type, uint16_t flags, int family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = (uint8_t)family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* the end of a dump, an acknowledgement and an error all carry an errno value, negated */
static void on_end(const struct nlmsghdr *nlh, struct answer *a)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	a->code = -error;
	a->done = true;
}

static void on_datagram(const void *buf, size_t n, struct answer *a)
{
	const struct nlmsghdr *nlh = buf;
	int left = (int)n;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != a->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			a->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			on_end(nlh, a);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && a->fn)
			a->fn(nlh, a->arg);
	}
}

/* one datagram; the length, or -errno */
static ssize_t receive(int sock, void *buf, const char *what, struct err *e)
{
	struct iovec iov = {buf, BUFFER_SIZE};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "%s", what);
	if (msg.msg_flags & MSG_TRUNC)
		return err_code(e, EMSGSIZE, "%s", what);
	return n;
}

/* the kernel answered with an error */
static int refused(int code, const char *what, struct err *e)
{
	err_code(e, code, "%s", what);
	if (code == EPERM)
		err_hint(e, "this needs CAP_NET_ADMIN: run it as root");
	else if (code == EOPNOTSUPP || code == EINVAL)
		err_hint(e, "the kernel needs CONFIG_NF_CT_NETLINK");
	else
		return -code;
	return err_kind_set(e, ERR_CANNOT);
}

int ct_ask(int sock, struct nlmsghdr *nlh, void (*fn)(const struct nlmsghdr *nlh, void *arg),
	   void *arg, const char *what, bool *ret_interrupted, struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_Alignas(struct nlmsghdr) char buf[BUFFER_SIZE];
	struct answer a = {.fn = fn, .arg = arg};

	a.seq = nlh->nlmsg_seq = atomic_fetch_add(&next_seq, 1);
	if (sendto(sock, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		return err_errno(e, "%s", what);
	while (!a.done) {
		ssize_t n = receive(sock, buf, what, e);

		if (n < 0)
			return (int)n;
		on_datagram(buf, (size_t)n, &a);
	}
	if (ret_interrupted)
		*ret_interrupted = a.interrupted;
	return a.code > 0 ? refused(a.code, what, e) : 0;
}
