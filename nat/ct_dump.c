/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "nat/conntrack.h"
#include "nat/kernel.h"

/* larger buffers do not make a dump faster */
#define BUFFER_SIZE 8192

static atomic_uint next_seq = 1;

struct dump {
	int (*fn)(const struct ct_entry *ct, void *arg, struct err *e);
	void *arg;
	struct err *e;
	uint32_t seq;
	int result;       /* of the first call of @fn that was negative */
	bool interrupted; /* NLM_F_DUMP_INTR was seen */
	bool done;
	int code; /* errno value, positive, with which the kernel ended it; 0: none */
};

static int send_request(int sock, uint32_t seq, struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (sendto(sock, nlh, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		return err_errno(e, "ask for conntrack entries");
	return 0;
}

static void on_entry(const struct nlmsghdr *nlh, struct dump *d)
{
	const size_t header = MNL_ALIGN(sizeof(struct nfgenmsg));
	struct ct_entry ct;

	/* after the caller has had enough, the rest is only read */
	if (d->result < 0 || mnl_nlmsg_get_payload_len(nlh) < header)
		return;
	if (ct_parse(mnl_nlmsg_get_payload_offset(nlh, header),
		     mnl_nlmsg_get_payload_len(nlh) - header, &ct) == 0)
		d->result = d->fn(&ct, d->arg, d->e);
}

/* the end of a dump and an error both carry an errno value, negated */
static void on_end(const struct nlmsghdr *nlh, struct dump *d)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	d->code = -error;
	d->done = true;
}

static void on_datagram(const void *buf, size_t n, struct dump *d)
{
	const struct nlmsghdr *nlh = buf;
	int left = (int)n;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != d->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			d->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			on_end(nlh, d);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			on_entry(nlh, d);
	}
}

/* one datagram; the length, or -errno */
static ssize_t receive(int sock, void *buf, struct err *e)
{
	struct iovec iov = {buf, BUFFER_SIZE};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "read conntrack entries");
	if (msg.msg_flags & MSG_TRUNC)
		return err_code(e, EMSGSIZE, "read conntrack entries");
	return n;
}

/* the kernel answered with an error */
static int refused(int code, struct err *e)
{
	err_code(e, code, "list conntrack entries");
	if (code == EPERM)
		err_hint(e, "this needs CAP_NET_ADMIN: run it as root");
	else if (code == EOPNOTSUPP || code == EINVAL)
		err_hint(e, "the kernel needs CONFIG_NF_CT_NETLINK");
	else
		return -code;
	return err_kind_set(e, ERR_CANNOT);
}

int ct_dump(int sock, int (*fn)(const struct ct_entry *ct, void *arg, struct err *e), void *arg,
	    struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[BUFFER_SIZE];
	struct dump d = {.fn = fn, .arg = arg, .e = e};
	int r;

	d.seq = atomic_fetch_add(&next_seq, 1);
	r = send_request(sock, d.seq, e);
	if (r < 0)
		return r;
	while (!d.done) {
		ssize_t n = receive(sock, buf, e);

		if (n < 0)
			return (int)n;
		on_datagram(buf, (size_t)n, &d);
	}
	if (d.result < 0)
		return d.result;
	if (d.code > 0)
		return refused(d.code, e);
	if (d.interrupted)
		return err_code(e, EINTR, "the list of conntrack entries changed");
	return 0;
}
