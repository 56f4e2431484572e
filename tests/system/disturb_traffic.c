/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets of disturb_tool: clients and servers, UDP and TCP. */
#include <errno.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ns.h"
#include "netns/pin.h"
#include "tests/system/disturb.h"

#define PORT   7777
#define BUFFER (8 << 20) /* bytes a socket may hold: nothing is lost in this program */

/* --- sockets ------------------------------------------------------------------------------- */

static int open_socket(const char *netns, const struct ip_addr *a, uint16_t port, int type,
		       struct err *e)
{
	const struct ip_endpoint at = {.addr = *a, .port = port};
	const int one = 1, size = BUFFER;
	_cleanup_close_ int ns = netns_open(netns, e), fd = -1;
	struct sockaddr_storage sa;
	socklen_t len = ip_sockaddr(&at, &sa);

	if (ns < 0)
		return ns;
	fd = ns_socket(ns, a->family, type | SOCK_NONBLOCK, 0, e);
	if (fd < 0)
		return fd;
	if (type == SOCK_DGRAM &&
	    (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	     setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size))))
		return err_errno(e, "%s: buffers", netns);
	if (type == SOCK_STREAM && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return err_errno(e, "%s: TCP_NODELAY", netns);
	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? err_errno(e, "%s: bind", netns)
							 : steal_fd(&fd);
}

int watch(const struct tool *t, int fd, void *tag, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? err_errno(e, "epoll") : 0;
}

int open_flow(struct tool *t, struct flow *f, const struct ip_addr *server, struct err *e)
{
	const struct ip_endpoint to = {.addr = *server, .port = PORT};
	struct sockaddr_storage sa;
	socklen_t len = ip_sockaddr(&to, &sa);
	int r;

	f->udp = open_socket(f->netns, &f->source, 0, SOCK_DGRAM, e);
	if (f->udp < 0)
		return f->udp;
	f->tcp.fd = open_socket(f->netns, &f->source, 0, SOCK_STREAM, e);
	if (f->tcp.fd < 0)
		return f->tcp.fd;
	if (connect(f->udp, (struct sockaddr *)&sa, len) < 0 ||
	    (connect(f->tcp.fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS))
		return err_errno(e, "%s: connect", f->name);
	r = watch(t, f->udp, &f->udp, e);
	return !r ? watch(t, f->tcp.fd, &f->tcp, e) : r;
}

int open_server(struct tool *t, const char *netns, const struct ip_addr *a, struct err *e)
{
	int r;

	t->udp = open_socket(netns, a, PORT, SOCK_DGRAM, e);
	if (t->udp < 0)
		return t->udp;
	t->listener = open_socket(netns, a, PORT, SOCK_STREAM, e);
	if (t->listener < 0)
		return t->listener;
	if (listen(t->listener, 4096) < 0)
		return err_errno(e, "listen");
	r = watch(t, t->udp, &t->udp, e);
	return !r ? watch(t, t->listener, &t->listener, e) : r;
}

/* --- UDP ------------------------------------------------------------------------------------ */

int send_packet(struct tool *t, struct flow *f, struct err *e)
{
	struct message m = {.flow = (uint32_t)(f - t->flows),
			    .number = (uint32_t)f->n_packets,
			    .phase = (uint32_t)t->n_phases - 1,
			    .sent = clock_seconds()};

	if (f->n_packets == f->room) {
		size_t room = f->room ? 2 * f->room : 1024;
		struct packet *p = realloc(f->packets, room * sizeof(*p));

		if (!p)
			return err_code(e, ENOMEM, "packets");
		f->packets = p;
		f->room = room;
	}
	f->packets[f->n_packets++] = (struct packet){.phase = (uint8_t)m.phase};
	count_now(t, f)->sent++;
	/* an error may be that of an earlier packet, told by ICMP; a packet that is not sent is lost */
	if (send(f->udp, &m, sizeof(m), 0) < 0 && send(f->udp, &m, sizeof(m), 0) < 0)
		count_now(t, f)->send_errors++;
	return 0;
}

/* @arrived: of the packet, at the server or back; @top: the highest number up to now, and one */
static void note_arrival(struct flow *f, const struct message *m, uint8_t *arrived, uint32_t *top)
{
	struct count *c = &f->of[m->phase];

	if (*arrived)
		c->duplicated++;
	else if (m->number + 1 < *top)
		c->reordered++;
	*arrived = 1;
	if (m->number >= *top)
		*top = m->number + 1;
}

static struct flow *flow_of(struct tool *t, const struct message *m)
{
	return m->flow < t->n_flows && m->phase < t->n_phases ? &t->flows[m->flow] : NULL;
}

static void serve_udp(struct tool *t)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct message m;

	while (recvfrom(t->udp, &m, sizeof(m), 0, (struct sockaddr *)&sa, &len) == sizeof(m)) {
		struct flow *f = flow_of(t, &m);
		struct ip_endpoint from = {0};

		if (!f || m.number >= f->n_packets ||
		    ip_from_sockaddr((struct sockaddr *)&sa, &from) < 0)
			continue;
		note_arrival(f, &m, &f->packets[m.number].at_server, &f->top_up);
		/* another NAPT mapping: the session was another one */
		if (f->seen_as.port && (f->seen_as.port != from.port ||
					ip_addr_cmp(&f->seen_as.addr, &from.addr) != 0))
			f->of[m.phase].moved++;
		f->seen_as = from;
		(void)!sendto(t->udp, &m, sizeof(m), 0, (struct sockaddr *)&sa, len);
		len = sizeof(sa);
		t->last_came = clock_seconds();
	}
}

static void worst(double *worst_ms, double sent)
{
	double ms = (clock_seconds() - sent) * 1000;

	if (ms > *worst_ms)
		*worst_ms = ms;
}

static void hear_udp(struct tool *t, struct flow *f)
{
	struct message m;
	ssize_t n;

	/* an error that is told by ICMP is not the end */
	while ((n = recv(f->udp, &m, sizeof(m), 0)) >= 0 || errno != EAGAIN) {
		if (n != sizeof(m) || flow_of(t, &m) != f || m.number >= f->n_packets)
			continue;
		note_arrival(f, &m, &f->packets[m.number].back, &f->top_down);
		worst(&f->of[m.phase].worst_udp_ms, m.sent);
		f->heard_udp = true;
		t->last_came = clock_seconds();
	}
}

/* --- TCP ------------------------------------------------------------------------------------ */

static void break_tcp(struct tool *t, struct flow *f)
{
	if (!f->tcp_broken)
		count_now(t, f)->broken++;
	f->tcp_broken = true;
}

void send_record(struct tool *t, struct flow *f)
{
	struct message m = {.flow = (uint32_t)(f - t->flows),
			    .number = f->records,
			    .phase = (uint32_t)t->n_phases - 1,
			    .sent = clock_seconds()};
	ssize_t n;

	if (f->tcp_broken)
		return;
	n = send(f->tcp.fd, &m, sizeof(m), MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) /* not connected yet */
		return;
	if (n != sizeof(m)) {
		break_tcp(t, f);
		return;
	}
	f->records++;
	count_now(t, f)->records++;
	count_now(t, f)->records_lost++; /* until it is back */
}

/* the next whole record; 0: none yet, -1: the connection is over */
static int read_record(struct conn *c, struct message *ret)
{
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	c->n_in += (size_t)n;
	if (c->n_in < sizeof(*ret))
		return read_record(c, ret);
	c->n_in = 0;
	memcpy(ret, c->in, sizeof(*ret));
	return 1;
}

static void end_conn(const struct tool *t, const struct conn *c)
{
	epoll_ctl(t->epoll, EPOLL_CTL_DEL, c->fd, NULL);
}

static void serve_tcp(struct tool *t, struct conn *c)
{
	struct message m;
	int r;

	while ((r = read_record(c, &m)) > 0) {
		struct flow *f = flow_of(t, &m);

		if (!f)
			continue;
		f->server = c;
		if (m.number != c->next++ || send(c->fd, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
			break_tcp(t, f);
		t->last_came = clock_seconds();
	}
	if (r < 0)
		end_conn(t, c);
}

static void hear_tcp(struct tool *t, struct flow *f)
{
	struct message m;
	int r;

	while ((r = read_record(&f->tcp, &m)) > 0) {
		if (flow_of(t, &m) != f || m.number != f->tcp.next++) {
			break_tcp(t, f);
			continue;
		}
		f->of[m.phase].records_lost--;
		worst(&f->of[m.phase].worst_tcp_ms, m.sent);
		f->heard_tcp = true;
		t->last_came = clock_seconds();
	}
	if (r < 0) {
		break_tcp(t, f);
		end_conn(t, &f->tcp);
	}
}

static int accept_all(struct tool *t, struct err *e)
{
	int fd, r = 0;

	while (!r && (fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		const int one = 1;

		if (!c)
			return err_code(e, ENOMEM, "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->other = t->conns;
		t->conns = c;
		r = watch(t, fd, c, e);
	}
	return r;
}

/*
 * Segments that were sent again since the last time, and those of them of which the other side says
 * that it had them already (RFC 2883): those were late, and not lost.
 */
static void count_conn(struct conn *c, struct count *into)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (!c || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	into->retransmitted += info.tcpi_total_retrans - c->retransmitted;
	into->spurious += info.tcpi_dsack_dups - c->spurious;
	c->retransmitted = info.tcpi_total_retrans;
	c->spurious = info.tcpi_dsack_dups;
}

void count_segments(struct tool *t)
{
	for (size_t i = 0; i < t->n_flows; i++) {
		count_conn(&t->flows[i].tcp, count_now(t, &t->flows[i]));
		count_conn(t->flows[i].server, count_now(t, &t->flows[i]));
	}
}

/* --- whatever it is ------------------------------------------------------------------------- */

int receive(struct tool *t, void *tag, struct err *e)
{
	struct flow *first = t->flows, *end = first + t->n_flows;

	if (tag == &t->listener)
		return accept_all(t, e);
	if (tag == &t->udp) {
		serve_udp(t);
	} else if ((char *)tag >= (char *)first && (char *)tag < (char *)end) {
		struct flow *f = &first[((char *)tag - (char *)first) / (ptrdiff_t)sizeof(*f)];

		if (tag == &f->udp)
			hear_udp(t, f);
		else
			hear_tcp(t, f);
	} else {
		serve_tcp(t, tag);
	}
	return 0;
}

void close_all(struct tool *t)
{
	struct conn *other;

	for (struct conn *c = t->conns; c; c = other) {
		other = c->other;
		close(c->fd);
		free(c);
	}
	for (size_t i = 0; i < t->n_flows; i++)
		free(t->flows[i].packets);
	free(t->flows);
}
