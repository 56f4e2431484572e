/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/batch.h"

#include "nat/kernel.h"
#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* the longest message: an attribute of 64 KiB and what stands before it */
#define MESSAGE_MAX ((size_t)68 * 1024)
/* a tenant's rules fit without growing; below malloc's limit for mmap(2) */
#define BUFFER_SIZE ((size_t)96 * 1024)
/* sequence numbers kept for one transaction, so that answers of two can never be mixed up */
#define SEQ_STRIDE 0x10000u

static atomic_uint next_seq = SEQ_STRIDE;

static int grow(struct batch *b)
{
	size_t cap = b->cap ? b->cap * 2 : BUFFER_SIZE;
	size_t at = b->last ? (size_t)((uint8_t *)b->last - b->buf) : 0;
	uint8_t *buf;

	if (b->cap - b->len >= MESSAGE_MAX)
		return 0;
	buf = realloc(b->buf, cap);
	if (!buf)
		return -ENOMEM;
	if (b->last)
		b->last = (struct nlmsghdr *)(buf + at);
	b->buf = buf;
	b->cap = cap;
	return 0;
}

static uint32_t tag_add(struct batch *b, const void *tag)
{
	const void **tags;

	/* a power of two: the array is full */
	if (!(b->n & (b->n - 1))) {
		tags = realloc(b->tags, (b->n ? b->n * 2 : 1) * sizeof(*tags));
		if (!tags) {
			b->failed = -ENOMEM;
			return 0;
		}
		b->tags = tags;
	}
	b->tags[b->n] = tag;
	return b->first_seq + b->n++;
}

void batch_begin(struct batch *b)
{
	memset(b, 0, sizeof(*b));
	b->first_seq = atomic_fetch_add(&next_seq, SEQ_STRIDE);
	b->failed = grow(b);
	if (!b->failed)
		b->len = nftnl_batch_begin((char *)b->buf, tag_add(b, NULL))->nlmsg_len;
}

void batch_expect(struct batch *b, uint32_t generation)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)b->buf;

	if (b->failed)
		return;
	mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	b->len = nlh->nlmsg_len;
	b->expects = true;
}

void batch_free(struct batch *b)
{
	free(b->buf);
	free(b->tags);
}

struct nlmsghdr *batch_message(struct batch *b, uint16_t type, uint16_t flags, const void *tag)
{
	uint32_t seq;

	if (!b->failed && b->n + 2 >= SEQ_STRIDE)
		b->failed = -E2BIG;
	if (!b->failed)
		b->failed = grow(b);
	if (b->failed)
		return NULL;
	seq = tag_add(b, tag);
	if (b->failed)
		return NULL;
	return nftnl_nlmsg_build_hdr((char *)b->buf + b->len, type, NFPROTO_INET, flags, seq);
}

void batch_close(struct batch *b, const struct nlmsghdr *nlh)
{
	b->last = (struct nlmsghdr *)(b->buf + b->len);
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

static int send_all(const struct batch *b, int sock, struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int size = (int)b->len * 2;

	if (sendto(sock, b->buf, b->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) >= 0)
		return 0;
	if (errno != EMSGSIZE)
		return err_errno(e, "send a transaction");
	/* longer than the send buffer: a ruleset with very many sources */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		return err_errno(e, "enlarge the send buffer");
	if (sendto(sock, b->buf, b->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_errno(e, "send a transaction");
	return 0;
}

/* the first failure among the answers; answers to anything else are skipped */
struct verdict {
	bool done; /* the last message's answer was seen */
	int code;  /* errno value, positive */
	uint32_t index;
};

static void judge(const struct batch *b, const struct nlmsghdr *nlh, struct verdict *v)
{
	const struct nlmsgerr *answer;
	uint32_t index = nlh->nlmsg_seq - b->first_seq;

	if (nlh->nlmsg_type != NLMSG_ERROR || index >= b->n ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*answer))
		return;
	answer = mnl_nlmsg_get_payload(nlh);
	if (answer->error && !v->code) {
		v->code = -answer->error;
		v->index = index;
	}
	if (nlh->nlmsg_seq == b->last->nlmsg_seq)
		v->done = true;
}

static int read_answers(const struct batch *b, int sock, struct verdict *v, struct err *e)
{
	_Alignas(struct nlmsghdr) uint8_t buf[8192];
	const struct nlmsghdr *nlh;
	ssize_t n;
	int left;

	while (!v->done) {
		n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		/* no answer left, yet none to the last message: the batch was not taken up at all */
		if (n < 0 && errno == EAGAIN && v->code)
			return 0;
		if (n < 0)
			return err_errno(e, "read the answer to a transaction");
		left = (int)n;
		for (nlh = (const struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left))
			judge(b, nlh, v);
	}
	return 0;
}

int batch_commit(struct batch *b, int sock, const void **ret_tag, struct err *e)
{
	struct verdict v = {.done = false};
	const int on = 1;
	int r;

	*ret_tag = NULL;
	if (b->failed)
		return err_code(e, -b->failed, "prepare a transaction");
	if (!b->last)
		return err_set(e, EINVAL, "an empty transaction");
	b->last->nlmsg_flags |= NLM_F_ACK;
	b->len += nftnl_batch_end((char *)b->buf + b->len, b->first_seq + b->n)->nlmsg_len;
	/* answers need not repeat what they answer */
	setsockopt(sock, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	r = send_all(b, sock, e);
	if (r < 0)
		return r;
	r = read_answers(b, sock, &v, e);
	if (r < 0)
		return r;
	if (!v.code)
		return 0;
	*ret_tag = b->tags[v.index];
	return err_set(e, v.code, "%s", strerrordesc_np(v.code));
}
