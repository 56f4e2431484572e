/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/nl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/ns.h"

#define QUEUE_BYTES    ((size_t)16 * 1024)
#define QUEUE_REQUESTS ((size_t)256)
#define ANSWER_BYTES   ((size_t)32 * 1024)

struct request {
	uint32_t seq;
	int ok_errno;
	const void *tag;
};

struct chan {
	int fd;
	uint32_t seq; /* of the last request */
	size_t used;  /* bytes of queue[] */
	size_t n;     /* requests in queue[] */
	struct request requests[QUEUE_REQUESTS];
	union {
		struct nlmsghdr align;
		char queue[QUEUE_BYTES];
	};
	union {
		struct nlmsghdr align2;
		char answer[ANSWER_BYTES];
	};
};

static int chan_from_fd(int fd, struct chan **ret, struct err *e)
{
	const int one = 1;
	struct chan *c = malloc(sizeof(*c)); /* its buffers need not be zero */

	if (!c) {
		close(fd);
		return err_code(e, ENOMEM, "open a netlink channel");
	}
	/* both only make error messages better: an old kernel without them is fine */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	c->fd = fd;
	c->seq = 0;
	c->used = c->n = 0;
	*ret = c;
	return 0;
}

int chan_open(int ns_fd, int protocol, struct chan **ret, struct err *e)
{
	int fd = ns_socket(ns_fd, AF_NETLINK, SOCK_RAW, protocol, e);

	return fd < 0 ? fd : chan_from_fd(fd, ret, e);
}

int chan_open_here(int protocol, struct chan **ret, struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? err_errno(e, "open a netlink socket") : chan_from_fd(fd, ret, e);
}

void chan_close(struct chan *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

int chan_fd(const struct chan *c)
{
	return c->fd;
}

bool chan_is_crowded(const struct chan *c)
{
	return c->n > QUEUE_REQUESTS / 2 || c->used > QUEUE_BYTES / 2;
}

static int send_bytes(struct chan *c, const void *data, size_t len, struct err *e)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	do {
		n = sendto(c->fd, data, len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? err_errno(e, "send to the kernel") : 0;
}

/* one datagram of answers into c->answer; returns its length in bytes */
static int receive(struct chan *c, struct err *e)
{
	ssize_t n;

	do {
		n = recv(c->fd, c->answer, sizeof(c->answer), MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "receive from the kernel");
	if ((size_t)n > sizeof(c->answer))
		return err_set(e, EMSGSIZE, "the kernel's answer is too long (%zd bytes)", n);
	return (int)n;
}

/* the kernel's own words of an NLMSG_ERROR, or NULL; @skip: bytes of an echoed request */
static const char *ext_ack(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *ack = nlmsg_data(nlh);
	size_t skip = sizeof(*ack);
	int len;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += ack->msg.nlmsg_len - sizeof(ack->msg);
	len = nlmsg_datalen(nlh) - (int)NLMSG_ALIGN(skip);
	if (len <= 0)
		return NULL;
	const struct nlattr *a =
		nla_find((const struct nlattr *)((const char *)nlmsg_data(nlh) + NLMSG_ALIGN(skip)),
			 len, NLMSGERR_ATTR_MSG);
	return a ? nla_data(a) : NULL;
}

/* -errno of an NLMSG_ERROR, described in @e; 0 for an acknowledgement */
static int answer_error(const struct nlmsghdr *nlh, struct err *e)
{
	const struct nlmsgerr *ack = nlmsg_data(nlh);
	const char *words;

	if (!ack->error)
		return 0;
	words = ext_ack(nlh);
	if (words)
		return err_set(e, -ack->error, "%s: %s", strerrordesc_np(-ack->error), words);
	return err_set(e, -ack->error, "%s", strerrordesc_np(-ack->error));
}

int chan_queue(struct chan *c, struct nl_msg *msg, int ok_errno, const void *tag, struct err *e)
{
	struct nlmsghdr *nlh;
	size_t len;
	int r;

	if (!msg)
		return err_code(e, ENOMEM, "build a netlink request");
	nlh = nlmsg_hdr(msg);
	len = NLMSG_ALIGN(nlh->nlmsg_len);
	if (len > QUEUE_BYTES) {
		r = err_set(e, EMSGSIZE, "netlink request of %zu bytes", len);
		goto out;
	}
	if (c->used + len > QUEUE_BYTES || c->n == QUEUE_REQUESTS) {
		r = chan_flush(c, NULL, e);
		if (r < 0)
			goto out;
	}
	nlh->nlmsg_seq = ++c->seq;
	nlh->nlmsg_pid = 0;
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	memcpy(c->queue + c->used, nlh, nlh->nlmsg_len);
	memset(c->queue + c->used + nlh->nlmsg_len, 0, len - nlh->nlmsg_len);
	c->used += len;
	c->requests[c->n++] = (struct request){c->seq, ok_errno, tag};
	r = 0;
out:
	nlmsg_free(msg);
	return r;
}

static const struct request *find_request(const struct chan *c, size_t n, uint32_t seq)
{
	for (size_t i = 0; i < n; i++)
		if (c->requests[i].seq == seq)
			return &c->requests[i];
	return NULL;
}

/* ask for an acknowledgement of the last message in the queue */
static void mark_last(struct chan *c)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)c->queue;
	char *end = c->queue + c->used;

	while ((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len) < end)
		nlh = (struct nlmsghdr *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));
	nlh->nlmsg_flags |= NLM_F_ACK;
}

int chan_flush(struct chan *c, const void **ret_tag, struct err *e)
{
	size_t n = c->n, used = c->used;
	uint32_t last = c->seq;
	bool done = false;
	int failed = 0;
	int r;

	if (!n)
		return 0;
	mark_last(c);
	c->n = 0;
	c->used = 0;
	r = send_bytes(c, c->queue, used, e);
	if (r < 0) {
		if (ret_tag)
			*ret_tag = c->requests[0].tag;
		return r;
	}
	while (!done) {
		int len = receive(c, e);

		if (len < 0)
			return len;
		for (struct nlmsghdr *nlh = (struct nlmsghdr *)c->answer; nlmsg_ok(nlh, len);
		     nlh = nlmsg_next(nlh, &len)) {
			const struct request *q = find_request(c, n, nlh->nlmsg_seq);
			struct err why = ERR_INIT;

			if (nlh->nlmsg_type != NLMSG_ERROR || !q)
				continue;
			done |= nlh->nlmsg_seq == last;
			r = answer_error(nlh, &why);
			if (!r || -r == q->ok_errno || failed)
				continue;
			failed = r;
			*e = why;
			if (ret_tag)
				*ret_tag = q->tag;
		}
	}
	return failed;
}

int chan_do(struct chan *c, struct nl_msg *msg, struct err *e)
{
	int r = chan_queue(c, msg, 0, NULL, e);

	return r < 0 ? r : chan_flush(c, NULL, e);
}

/* works through one datagram; returns 1 when it ended the answer, 0 for more, -errno */
static int dump_datagram(struct chan *c, int len, bool *interrupted,
			 int (*fn)(const struct nlmsghdr *nlh, void *arg, struct err *e), void *arg,
			 struct err *e)
{
	for (struct nlmsghdr *nlh = (struct nlmsghdr *)c->answer; nlmsg_ok(nlh, len);
	     nlh = nlmsg_next(nlh, &len)) {
		int r;

		if (nlh->nlmsg_seq != c->seq)
			continue;
		*interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (nlh->nlmsg_type == NLMSG_ERROR) {
			r = answer_error(nlh, e);
			return r < 0 ? r : 1;
		}
		if (nlh->nlmsg_type == NLMSG_DONE) {
			int code = 0;

			if (nlmsg_datalen(nlh) >= (int)sizeof(code))
				memcpy(&code, nlmsg_data(nlh), sizeof(code));
			return code < 0 ? err_code(e, -code, "dump") : 1;
		}
		r = fn(nlh, arg, e);
		if (r < 0)
			return r;
		if (!(nlh->nlmsg_flags & NLM_F_MULTI))
			return 1;
	}
	return 0;
}

int chan_dump(struct chan *c, struct nl_msg *msg,
	      int (*fn)(const struct nlmsghdr *nlh, void *arg, struct err *e), void *arg,
	      struct err *e)
{
	bool interrupted = false;
	struct nlmsghdr *nlh;
	int r;

	if (!msg)
		return err_code(e, ENOMEM, "build a netlink request");
	nlh = nlmsg_hdr(msg);
	nlh->nlmsg_seq = ++c->seq;
	nlh->nlmsg_pid = 0;
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	r = send_bytes(c, nlh, nlh->nlmsg_len, e);
	nlmsg_free(msg);
	while (!r) {
		r = receive(c, e);
		if (r >= 0)
			r = dump_datagram(c, r, &interrupted, fn, arg, e);
	}
	if (r < 0)
		return r;
	return interrupted ? err_code(e, EINTR, "dump") : 0;
}

static int take_family(const struct nlmsghdr *nlh, void *arg, struct err *e)
{
	const struct nlattr *a =
		nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);

	if (!a)
		return err_set(e, EPROTO, "the kernel's answer lacks the family's number");
	*(uint16_t *)arg = nla_get_u16(a);
	return 0;
}

int chan_genl_family(struct chan *c, const char *name, uint16_t *ret_id, struct err *e)
{
	struct genlmsghdr genl = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	struct nl_msg *msg = nlmsg_alloc_simple(GENL_ID_CTRL, 0);
	uint16_t id = 0;
	int r;

	if (msg && (nlmsg_append(msg, &genl, sizeof(genl), NLMSG_ALIGNTO) < 0 ||
		    nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	r = chan_dump(c, msg, take_family, &id, e);
	if (r < 0)
		return err_wrap(e, "generic netlink family %s", name);
	*ret_id = id;
	return 0;
}
