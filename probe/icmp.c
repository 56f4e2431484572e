/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP echo over IPv4 (RFC 792) and IPv6 (RFC 4443).
 *
 * Theory of operation.  A raw socket hears the answers to everybody's echo requests
 * in its namespace; a thousand probes at once would fill each other's receive buffers.
 * So the socket is connected, which makes the kernel offer it only what comes from the
 * target, an ICMP filter lets in echo replies only, a packet filter those with our id
 * only, and a reply counts with the attempt's sequence number and our random cookie.  Error messages arrive by the socket's error queue
 * (IP_RECVERR), with the quoted request and who sent them, whoever that was.
 * Without CAP_NET_RAW a ping socket does the same; its id is the kernel's choice.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/icmp_text.h"
#include "probe/method.h"

#define PAYLOAD_LEN 56 /* as ping's */
#define PACKET_LEN  (8 + PAYLOAD_LEN)

/* echo request and reply: the same eight bytes for both families */
struct echo {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t id, seq; /* network byte order */
	uint8_t payload[PAYLOAD_LEN];
};
_Static_assert(sizeof(struct echo) == PACKET_LEN, "no padding");

static bool is_v6(const struct worker *w)
{
	return w->p->target.addr.family == AF_INET6;
}

static int set_flag(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on));
}

/* lets in what carries our id.  IPv4's raw sockets see the IP header, IPv6's do not. */
static int filter_id(const struct worker *w, int fd)
{
	struct sock_filter code[] = {
		is_v6(w) ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0)
			 : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, offsetof(struct echo, id)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, w->id, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int set_options(const struct worker *w, int fd)
{
	struct icmp_filter v4 = {.data = ~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter v6;

	if (set_flag(fd, SOL_SOCKET, SO_TIMESTAMPNS) < 0 || (w->raw && filter_id(w, fd) < 0))
		return -errno;
	if (is_v6(w)) {
		ICMP6_FILTER_SETBLOCKALL(&v6);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
		if (w->raw && setsockopt(fd, SOL_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6)) < 0)
			return -errno;
		if (set_flag(fd, SOL_IPV6, IPV6_RECVERR) < 0 ||
		    set_flag(fd, SOL_IPV6, IPV6_RECVHOPLIMIT) < 0)
			return -errno;
		return 0;
	}
	if (w->raw && setsockopt(fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4)) < 0)
		return -errno;
	if (set_flag(fd, SOL_IP, IP_RECVERR) < 0 || set_flag(fd, SOL_IP, IP_RECVTTL) < 0)
		return -errno;
	return 0;
}

static int icmp_open(struct worker *w, struct err *e)
{
	int family = w->p->target.addr.family;
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int flags = SOCK_CLOEXEC | SOCK_NONBLOCK, r;
	int fd = socket(family, SOCK_RAW | flags, protocol);

	w->raw = fd >= 0;
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (fd < 0)
		return err_errno(e, "open an ICMP socket");
	r = set_options(w, fd);
	if (r < 0) {
		close(fd);
		return err_code(e, -r, "set up an ICMP socket");
	}
	return fd;
}

/* RFC 1071.  For ICMPv6 and ping sockets the kernel fills it in. */
static uint16_t checksum(const struct echo *echo)
{
	const uint8_t *bytes = (const uint8_t *)echo;
	uint32_t sum = 0;

	for (size_t i = 0; i < PACKET_LEN; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* is this (the start of) our request or the reply to it? */
static bool is_ours(const struct worker *w, const struct echo *echo, size_t len, uint8_t type,
		    uint16_t *ret_seq)
{
	if (len < 8 || echo->type != type || echo->code)
		return false;
	if (w->raw && echo->id != htons(w->id))
		return false;
	/* an error message need not quote more than the header */
	if (len >= 8 + COOKIE_LEN && memcmp(echo->payload, w->cookie, COOKIE_LEN) != 0)
		return false;
	*ret_seq = ntohs(echo->seq);
	return true;
}

static void explain_error(struct worker *w, const struct sock_extended_err *see, uint16_t seq)
{
	struct ip_endpoint from;
	char text[ICMP_TEXT_LEN], addr[INET6_ADDRSTRLEN];

	if (see->ee_origin != SO_EE_ORIGIN_ICMP && see->ee_origin != SO_EE_ORIGIN_ICMP6) {
		worker_why(w, "icmp_seq=%u %s", seq, strerrordesc_np((int)see->ee_errno));
		return;
	}
	icmp_text(see->ee_origin == SO_EE_ORIGIN_ICMP6, see->ee_type, see->ee_code, see->ee_info,
		  text);
	if (ip_from_sockaddr(SO_EE_OFFENDER(see), &from) < 0)
		worker_why(w, "icmp_seq=%u %s", seq, text);
	else
		worker_why(w, "From %s icmp_seq=%u %s", ip_addr_format(&from.addr, addr), seq,
			   text);
}

/*
 * Reads one message of the error queue.  Returns false when there is none.
 * An error about an earlier attempt explains, but does not end the present one.
 */
static bool read_error(struct worker *w, enum outcome *outcome)
{
	struct echo echo;
	union {
		struct cmsghdr align;
		char buf[512];
	} control;
	struct iovec iov = {.iov_base = &echo, .iov_len = sizeof(echo)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(w->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	uint16_t seq;

	if (len < 0)
		return false;
	if (!is_ours(w, &echo, (size_t)len, is_v6(w) ? ICMP6_ECHO_REQUEST : ICMP_ECHO, &seq))
		return true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
			explain_error(w, (void *)CMSG_DATA(c), seq);
			if (seq == (uint16_t)w->p->attempts)
				*outcome = OUTCOME_FAILED;
		}
	return true;
}

static enum outcome icmp_start(struct worker *w)
{
	struct echo echo = {.type = is_v6(w) ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
			    .id = htons(w->id),
			    .seq = htons((uint16_t)w->p->attempts)};
	enum outcome ignored;
	bool stale = false;
	int r;

	for (size_t i = 0; i < PAYLOAD_LEN; i++)
		echo.payload[i] = (uint8_t)i;
	memcpy(echo.payload, w->cookie, COOKIE_LEN);
	if (!is_v6(w) && w->raw)
		echo.checksum = checksum(&echo);
	/* again for a retry: the route may have come.  Not disconnected before: that takes a raw
	 * socket out of the kernel's table for good, and what is still on its way is lost. */
	r = worker_attach(w);
	if (r < 0) {
		if (r != -ENOTCONN)
			worker_refused(w, "send to", -r);
		return OUTCOME_FAILED;
	}
	clock_gettime(CLOCK_REALTIME, &w->sent);
	if (send(w->fd, &echo, sizeof(echo), 0) >= 0)
		return OUTCOME_WAITING;
	r = errno;
	/* it may have been an earlier attempt's error that was reported and thereby cleared */
	while (read_error(w, &ignored))
		stale = true;
	if (stale && send(w->fd, &echo, sizeof(echo), 0) >= 0)
		return OUTCOME_WAITING;
	if (stale)
		r = errno;
	worker_refused(w, "send to", r);
	return OUTCOME_FAILED;
}

/* from the send to the kernel's receive timestamp, unless the wall clock was set meanwhile */
static double rtt_ms(const struct worker *w, const struct timespec *received)
{
	double elapsed = worker_elapsed_ms(w), rtt;

	rtt = (double)(received->tv_sec - w->sent.tv_sec) * 1e3 +
	      (double)(received->tv_nsec - w->sent.tv_nsec) / 1e6;
	return received->tv_sec && rtt > 0 && rtt < elapsed ? rtt : elapsed;
}

static enum outcome answered(struct worker *w, struct msghdr *msg, size_t len)
{
	struct timespec received = {0};
	char from[INET6_ADDRSTRLEN];
	int ttl = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&received, CMSG_DATA(c), sizeof(received));
		else if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_TTL) ||
			 (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	}
	w->p->rtt_ms = rtt_ms(w, &received);
	snprintf(w->p->message, sizeof(w->p->message),
		 "%zu bytes from %s: icmp_seq=%u ttl=%d time=%.2f ms", len,
		 ip_addr_format(&w->p->target.addr, from), w->p->attempts, ttl, w->p->rtt_ms);
	return OUTCOME_ANSWERED;
}

/* Reads one packet.  Returns false when there is none. */
static bool read_reply(struct worker *w, enum outcome *outcome)
{
	union {
		struct echo echo;
		uint8_t bytes[60 + PACKET_LEN]; /* the longest IPv4 header */
	} packet;
	union {
		struct cmsghdr align;
		char buf[512];
	} control;
	struct iovec iov = {.iov_base = &packet, .iov_len = sizeof(packet)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(w->fd, &msg, MSG_DONTWAIT);
	size_t skip = 0, len;
	struct echo echo;
	uint16_t seq;

	if (got < 0)
		return false;
	if (w->raw && !is_v6(w))
		skip = (size_t)(packet.bytes[0] & 0xf) * 4;
	if ((size_t)got < skip + PACKET_LEN)
		return true;
	len = (size_t)got - skip;
	memcpy(&echo, packet.bytes + skip, sizeof(echo));
	if (is_ours(w, &echo, len, is_v6(w) ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY, &seq) &&
	    seq == (uint16_t)w->p->attempts)
		*outcome = answered(w, &msg, len);
	return true;
}

static enum outcome icmp_ready(struct worker *w)
{
	enum outcome outcome = OUTCOME_WAITING;

	while (outcome != OUTCOME_ANSWERED && read_reply(w, &outcome))
		;
	while (outcome == OUTCOME_WAITING && read_error(w, &outcome))
		;
	return outcome;
}

const struct method method_icmp = {
	.open = icmp_open,
	.start = icmp_start,
	.ready = icmp_ready,
	.events = EV_READ,
};
