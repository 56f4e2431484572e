/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/ct_events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/nl.h"
#include "base/ns.h"
#include "nat/kernel.h"

#define BUFFER_SIZE    8192
#define DATAGRAMS_ONCE 1024 /* then the caller has its turn */

struct ct_events {
	int sock;
	struct chan *rtnl; /* of the same namespace */
	int buffer;
};

/* --- making ---------------------------------------------------------------------------- */

static int join_groups(int sock, struct err *e)
{
	static const int groups[] = {NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
				     NFNLGRP_CONNTRACK_DESTROY};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (setsockopt(sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return err_errno(e, "listen to conntrack events");
	return 0;
}

/* runs in a helper thread, which takes the new namespace with it; the sockets keep it */
static int open_here(void *arg, struct err *e)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	struct ct_events *ev = arg;
	const int yes = 1;

	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(e, "make a network namespace to listen in");
	ev->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (ev->sock < 0 || bind(ev->sock, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return err_errno(e, "open a socket for conntrack events");
	if (setsockopt(ev->sock, SOL_SOCKET, SO_RCVBUFFORCE, &ev->buffer, sizeof(ev->buffer)) < 0 &&
	    setsockopt(ev->sock, SOL_SOCKET, SO_RCVBUF, &ev->buffer, sizeof(ev->buffer)) < 0)
		return err_errno(e, "set the buffer for conntrack events");
	if (setsockopt(ev->sock, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &yes, sizeof(yes)) < 0)
		return err_errno(e, "listen to other namespaces");
	if (join_groups(ev->sock, e) < 0)
		return -e->code;
	return chan_open_here(NETLINK_ROUTE, &ev->rtnl, e);
}

int ct_events_open(int buffer, struct ct_events **ret, struct err *e)
{
	struct ct_events *ev = calloc(1, sizeof(*ev));
	int r;

	if (!ev)
		return err_code(e, ENOMEM, "listen to conntrack events");
	*ev = (struct ct_events){.sock = -1, .buffer = buffer};
	r = ns_run(-1, open_here, ev, e);
	if (r < 0) {
		ct_events_close(ev);
		return err_kind_set(e, ERR_CANNOT);
	}
	*ret = ev;
	return 0;
}

void ct_events_close(struct ct_events *ev)
{
	if (!ev)
		return;
	chan_close(ev->rtnl);
	if (ev->sock >= 0)
		close(ev->sock);
	free(ev);
}

int ct_events_fd(const struct ct_events *ev)
{
	return ev->sock;
}

/* a number for @ns_fd in the socket's namespace: rtnl_net_newid() in net/core/net_namespace.c */
static int give_number(const struct ct_events *ev, int ns_fd, int nsid, struct err *e)
{
	struct rtgenmsg gen = {.rtgen_family = AF_UNSPEC};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNSID, 0);

	if (msg && (nlmsg_append(msg, &gen, sizeof(gen), NLMSG_ALIGNTO) < 0 ||
		    nla_put_s32(msg, NETNSA_NSID, nsid) < 0 ||
		    nla_put_u32(msg, NETNSA_FD, (uint32_t)ns_fd) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return chan_do(ev->rtnl, msg, e);
}

int ct_events_add(struct ct_events *ev, int ns_fd, int nsid, struct err *e)
{
	_cleanup_close_ int woken = -1;

	if (give_number(ev, ns_fd, nsid, e) < 0)
		return err_wrap(e, "number the namespace");
	woken = ns_socket(ns_fd, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, e);
	return woken < 0 ? woken : join_groups(woken, e);
}

/* --- reading ----------------------------------------------------------------------------- */

struct reading {
	int (*fn)(int nsid, enum ct_event kind, const struct ct_entry *ct, void *arg,
		  struct err *e);
	void *arg;
	struct err *e;
};

/* the number of the namespace that the datagram is from; -1: the socket's own */
static int number_of(struct msghdr *msg)
{
	int nsid = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
	return nsid;
}

static int on_message(const struct reading *g, int nsid, const struct nlmsghdr *nlh)
{
	const size_t header = MNL_ALIGN(sizeof(struct nfgenmsg));
	const bool destroy = (nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE;
	struct ct_entry ct;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < header ||
	    ct_parse(mnl_nlmsg_get_payload_offset(nlh, header),
		     mnl_nlmsg_get_payload_len(nlh) - header, &ct) < 0)
		return 0;
	return g->fn(nsid,
		     destroy                           ? CT_DESTROY
		     : nlh->nlmsg_flags & NLM_F_CREATE ? CT_NEW
						       : CT_UPDATE,
		     &ct, g->arg, g->e);
}

/* 1: read one; 0: there is none; or -errno */
static int read_datagram(const struct ct_events *ev, const struct reading *g)
{
	_Alignas(struct nlmsghdr) char buf[BUFFER_SIZE];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(ev->sock, &msg, 0);
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	int left = (int)n, nsid, r = 0;

	if (n < 0)
		return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -errno;
	nsid = number_of(&msg);
	for (; mnl_nlmsg_ok(nlh, left) && r >= 0 && nsid >= 0; nlh = mnl_nlmsg_next(nlh, &left))
		r = on_message(g, nsid, nlh);
	return r < 0 ? r : 1;
}

int ct_events_read(struct ct_events *ev,
		   int (*fn)(int nsid, enum ct_event kind, const struct ct_entry *ct, void *arg,
			     struct err *e),
		   void *arg, bool *ret_lost, struct err *e)
{
	const struct reading g = {fn, arg, e};
	bool lost = false;
	int r = 1;

	/* once some are lost, the kernel sends no more until all is read: netlink_rcv_wake() */
	for (int i = 0; r > 0 && (lost || i < DATAGRAMS_ONCE); i++) {
		r = read_datagram(ev, &g);
		if (r != -ENOBUFS)
			continue;
		*ret_lost = lost = true;
		r = 1;
	}
	if (r < 0 && !e->code)
		return err_code(e, -r, "read conntrack events");
	return r < 0 ? r : 0;
}
