/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the time of all probes: opens, starts, waits, tries again.
 */
#include "probe/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/ns.h"
#include "probe/method.h"

/* how often *stop is looked at, milliseconds */
#define STOP_POLL_MS 50

struct round {
	struct event_base *base;
	struct worker *workers;
	struct worker **by_ns; /* the workers, those of one namespace together */
	size_t n, running;
	volatile const sig_atomic_t *stop;
	void (*done)(const struct probe *p, void *arg);
	void *arg;
};

static const struct method *const methods[] = {
	[PROBE_ICMP] = &method_icmp,
	[PROBE_TCP] = &method_tcp,
};

double worker_elapsed_ms(const struct worker *w)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - w->started.tv_sec) * 1e3 +
	       (double)(now.tv_nsec - w->started.tv_nsec) / 1e6;
}

void worker_why(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
}

void worker_broken(struct worker *w, const char *fmt, ...)
{
	static const char prefix[] = "nothing was sent: ";
	size_t n = sizeof(prefix) - 1;
	va_list ap;

	w->broken = true;
	memcpy(w->why, prefix, n);
	va_start(ap, fmt);
	vsnprintf(w->why + n, sizeof(w->why) - n, fmt, ap);
	va_end(ap);
}

/* what the network says: no route, a filter or a prohibiting route, nobody listens */
static bool is_answer(int code)
{
	return code == ENETUNREACH || code == EHOSTUNREACH || code == EACCES || code == EPERM ||
	       code == ECONNREFUSED || code == ECONNRESET || code == ETIMEDOUT;
}

void worker_refused(struct worker *w, const char *what, int code)
{
	char target[IP_ENDPOINT_STRLEN];

	if (w->p->method == PROBE_TCP)
		ip_endpoint_format(&w->p->target, target);
	else
		ip_addr_format(&w->p->target.addr, target);
	if (is_answer(code))
		worker_why(w, "%s %s: %s", what, target, strerrordesc_np(code));
	else
		worker_broken(w, "%s %s: %s", what, target, strerrordesc_np(code));
}

/* to the probe's interface and source */
static int bind_socket(struct worker *w)
{
	const struct probe *p = w->p;
	struct ip_endpoint source = {.addr = p->source};
	struct sockaddr_storage sa;
	char text[INET6_ADDRSTRLEN];
	socklen_t len;

	if (p->interface && !w->on_device) {
		if (setsockopt(w->fd, SOL_SOCKET, SO_BINDTODEVICE, p->interface,
			       (socklen_t)strlen(p->interface)) < 0) {
			worker_broken(w, "bind to interface %s: %s", p->interface,
				      strerrordesc_np(errno));
			return -ENOTCONN;
		}
		w->on_device = true;
	}
	if (p->has_source && !w->on_source) {
		len = ip_sockaddr(&source, &sa);
		if (bind(w->fd, (struct sockaddr *)&sa, len) < 0) {
			worker_broken(w, "bind to %s: %s", ip_addr_format(&p->source, text),
				      strerrordesc_np(errno));
			return -ENOTCONN;
		}
		w->on_source = true;
	}
	return 0;
}

int worker_attach(struct worker *w)
{
	const struct probe *p = w->p;
	struct sockaddr_storage sa;
	socklen_t len;

	if (bind_socket(w) < 0)
		return -ENOTCONN;
	len = ip_sockaddr(&p->target, &sa);
	if (connect(w->fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return 0;
}

static void release(struct worker *w)
{
	if (w->io)
		event_free(w->io);
	if (w->timer)
		event_free(w->timer);
	w->io = w->timer = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static void finish(struct worker *w, bool ok)
{
	w->over = true;
	w->p->ok = ok;
	w->p->broken = !ok && w->broken;
	if (!ok)
		memcpy(w->p->message, w->why, sizeof(w->p->message));
	release(w);
	w->round->running--;
	if (w->round->done)
		w->round->done(w->p, w->round->arg);
}

static void start(struct worker *w);

/*
 * A failed attempt keeps the rest of its time: what is probed may be coming up, and
 * retries that are refused one after another within a millisecond would not wait for it.
 */
static void judge(struct worker *w, enum outcome outcome)
{
	if (outcome == OUTCOME_WAITING)
		return;
	if (outcome == OUTCOME_ANSWERED)
		finish(w, true);
	else if (w->p->attempts > w->p->retries)
		finish(w, false);
	else if (w->method->events & EV_WRITE && w->io)
		event_del(w->io); /* a failed connection stays writable */
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	judge(w, w->method->ready(w));
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	char target[INET6_ADDRSTRLEN];

	(void)fd;
	(void)what;
	if (w->p->attempts <= w->p->retries) {
		start(w);
		return;
	}
	if (!w->why[0])
		worker_why(w, "no answer from %s within %u ms",
			   ip_addr_format(&w->p->target.addr, target), w->p->timeout_ms);
	finish(w, false);
}

/* the next attempt: its clock runs first, so that whatever happens it comes to an end */
static void start(struct worker *w)
{
	struct timeval limit = {.tv_sec = w->p->timeout_ms / 1000,
				.tv_usec = (suseconds_t)(w->p->timeout_ms % 1000) * 1000};
	enum outcome outcome;

	if (w->io)
		event_free(w->io);
	w->io = NULL;
	w->p->attempts++;
	w->why[0] = '\0';
	w->broken = false;
	clock_gettime(CLOCK_MONOTONIC, &w->started);
	if (evtimer_add(w->timer, &limit) < 0) {
		worker_broken(w, "out of memory");
		finish(w, false);
		return;
	}
	outcome = w->method->start(w);
	if (outcome == OUTCOME_WAITING) {
		w->io = event_new(w->round->base, w->fd, w->method->events | EV_PERSIST, on_ready,
				  w);
		if (!w->io || event_add(w->io, NULL) < 0) {
			/* sent it was, but nobody will hear the answer */
			worker_why(w, "out of memory");
			w->broken = true;
			outcome = OUTCOME_FAILED;
		}
	}
	judge(w, outcome);
}

static int by_namespace(const void *a, const void *b)
{
	const struct worker *const *x = a, *const *y = b;

	return ((*x)->p->ns_fd > (*y)->p->ns_fd) - ((*x)->p->ns_fd < (*y)->p->ns_fd);
}

/*
 * Opens every socket, in one helper thread that goes from namespace to namespace.
 * Those of the caller's own (-1) come first, while the thread is still in it.
 */
static int open_all(void *arg, struct err *e)
{
	struct round *r = arg;
	struct err why = ERR_INIT;
	int here = -1, ret = 0;

	(void)e;
	for (size_t i = 0; i < r->n; i++) {
		struct worker *w = r->by_ns[i];

		if (w->p->ns_fd != here) {
			here = w->p->ns_fd;
			ret = ns_enter(here, &why);
		}
		if (ret >= 0)
			w->fd = w->method->open(w, &why);
		if (w->fd < 0)
			worker_broken(w, "%s", why.msg);
	}
	return 0;
}

/* each probe holds a descriptor, and so does its namespace */
void probe_raise_limits(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * n + 256) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* precise: timeouts are milliseconds and are measured; the environment has no say */
static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK |
						  EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static int prepare(struct round *r, struct probe *probes, struct err *e)
{
	r->workers = calloc(r->n, sizeof(*r->workers));
	r->by_ns = calloc(r->n, sizeof(struct worker *));
	if (!r->workers || !r->by_ns)
		return err_code(e, ENOMEM, "probe");
	for (size_t i = 0; i < r->n; i++) {
		struct worker *w = &r->workers[i];
		struct probe *p = &probes[i];

		w->p = p;
		w->round = r;
		w->method = methods[p->method];
		w->fd = -1;
		p->ok = p->broken = false;
		p->attempts = 0;
		p->rtt_ms = 0;
		p->message[0] = '\0';
		w->timer = evtimer_new(r->base, on_time, w);
		if (!w->timer)
			return err_code(e, ENOMEM, "probe");
		if (getrandom(w->cookie, sizeof(w->cookie), 0) != sizeof(w->cookie))
			return err_errno(e, "random numbers");
		r->by_ns[i] = w;
	}
	qsort(r->by_ns, r->n, sizeof(struct worker *), by_namespace);
	/* ids differ within the run, and likely from those of other programs */
	for (size_t i = 0; i < r->n; i++)
		r->workers[i].id =
			(uint16_t)(r->workers[0].cookie[0] << 8 | r->workers[0].cookie[1]) +
			(uint16_t)i;
	return 0;
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct round *r = arg;

	(void)fd;
	(void)what;
	if (*r->stop)
		event_base_loopbreak(r->base);
}

static int serve(struct round *r, struct err *e)
{
	struct timeval interval = {.tv_usec = STOP_POLL_MS * 1000};
	struct event *poll = NULL;
	int ret = 0;

	if (r->stop) {
		poll = event_new(r->base, -1, EV_PERSIST, on_poll, r);
		if (!poll || event_add(poll, &interval) < 0)
			ret = err_code(e, ENOMEM, "event loop");
	}
	r->running = r->n;
	for (size_t i = 0; i < r->n && ret == 0; i++) {
		struct worker *w = &r->workers[i];

		if (w->fd >= 0)
			start(w);
		else
			finish(w, false);
	}
	while (ret == 0 && r->running > 0) {
		if (r->stop && *r->stop)
			ret = err_code(e, EINTR, "probe");
		else if (event_base_loop(r->base, EVLOOP_ONCE) < 0)
			ret = err_set(e, EIO, "event loop failed");
	}
	if (poll)
		event_free(poll);
	return ret;
}

int probe_run(struct probe *probes, size_t n, volatile const sig_atomic_t *stop,
	      void (*done)(const struct probe *p, void *arg), void *arg, struct err *e)
{
	struct round r = {.n = n, .stop = stop, .done = done, .arg = arg};
	int ret;

	if (!n)
		return 0;
	probe_raise_limits(n);
	r.base = new_base();
	if (!r.base)
		return err_set(e, ENOMEM, "event loop: cannot be made");
	ret = prepare(&r, probes, e);
	if (ret == 0)
		ret = ns_run(-1, open_all, &r, e);
	if (ret == 0)
		ret = serve(&r, e);
	for (size_t i = 0; r.workers && i < n; i++)
		if (r.workers[i].p)
			release(&r.workers[i]);
	free(r.workers);
	free(r.by_ns);
	event_base_free(r.base);
	return ret;
}
