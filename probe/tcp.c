/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP connection is opened, and closed as soon as it stands.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ns.h"
#include "probe/method.h"

#define TYPE (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

static int tcp_open(struct worker *w, struct err *e)
{
	int fd = socket(w->p->target.addr.family, TYPE, IPPROTO_TCP);

	return fd < 0 ? err_errno(e, "open a TCP socket") : fd;
}

/* the kernel's own measure of the handshake, if it was done at the first SYN: it does
 * not contain the time until we got round to look at this socket among a thousand */
static double handshake_ms(const struct worker *w)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	double elapsed = worker_elapsed_ms(w);

	if (getsockopt(w->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    info.tcpi_total_retrans == 0 && info.tcpi_rtt > 0 && info.tcpi_rtt / 1e3 < elapsed)
		return info.tcpi_rtt / 1e3;
	return elapsed;
}

static enum outcome connected(struct worker *w)
{
	char target[IP_ENDPOINT_STRLEN];

	w->p->rtt_ms = handshake_ms(w);
	snprintf(w->p->message, sizeof(w->p->message), "connected to %s in %.2f ms",
		 ip_endpoint_format(&w->p->target, target), w->p->rtt_ms);
	return OUTCOME_ANSWERED;
}

static enum outcome tcp_start(struct worker *w)
{
	struct err e = ERR_INIT;
	int r;

	/* a socket that has tried to connect once is not used again */
	if (w->p->attempts > 1) {
		close(w->fd);
		w->on_device = w->on_source = false;
		w->fd = ns_socket(w->p->ns_fd, w->p->target.addr.family, TYPE, IPPROTO_TCP, &e);
		if (w->fd < 0) {
			worker_broken(w, "%s", e.msg);
			return OUTCOME_FAILED;
		}
	}
	r = worker_attach(w);
	if (r == 0)
		return connected(w);
	if (r == -EINPROGRESS)
		return OUTCOME_WAITING;
	if (r != -ENOTCONN)
		worker_refused(w, "connect to", -r);
	return OUTCOME_FAILED;
}

static enum outcome tcp_ready(struct worker *w)
{
	int code = 0;
	socklen_t len = sizeof(code);
	char target[IP_ENDPOINT_STRLEN];

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		code = errno;
	if (!code)
		return connected(w);
	/* whatever it is, it came back for what was sent */
	worker_why(w, "connect to %s: %s", ip_endpoint_format(&w->p->target, target),
		   strerrordesc_np(code));
	return OUTCOME_FAILED;
}

const struct method method_tcp = {
	.open = tcp_open,
	.start = tcp_start,
	.ready = tcp_ready,
	.events = EV_WRITE,
};
