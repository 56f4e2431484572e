/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between probe.c, which keeps the time, and the methods, which speak a protocol.
 * Private to this room.
 */
#ifndef WARREN_PROBE_METHOD_H
#define WARREN_PROBE_METHOD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "base/err.h"
#include "probe/probe.h"

struct event;
struct round;

#define COOKIE_LEN 16

/* one probe on its way */
struct worker {
	struct probe *p; /* borrowed */
	struct round *round;
	const struct method *method;
	int fd;                    /* owned; -1: none */
	struct event *io;          /* readiness of fd while an attempt runs */
	struct event *timer;       /* end of the attempt's time */
	bool over;                 /* the result is in */
	bool broken;               /* the present attempt sent nothing, see struct probe */
	bool on_device, on_source; /* what worker_attach() has done to fd already */
	struct timespec started;   /* of this attempt, CLOCK_MONOTONIC */
	char why[sizeof(((struct probe *)0)->message)]; /* what was heard instead of an answer */
	/* icmp */
	bool raw;                   /* a raw socket, not a ping socket */
	struct timespec sent;       /* CLOCK_REALTIME, the clock of receive timestamps */
	uint16_t id;                /* host byte order */
	uint8_t cookie[COOKIE_LEN]; /* starts the payload */
};

enum outcome { OUTCOME_WAITING, OUTCOME_ANSWERED, OUTCOME_FAILED };

struct method {
	/* open the socket; runs in a helper thread inside the probe's namespace */
	int (*open)(struct worker *w, struct err *e);
	/* begin attempt number w->p->attempts; failure is explained in w->why */
	enum outcome (*start)(struct worker *w);
	/* the socket is ready; an answer fills in rtt_ms and message */
	enum outcome (*ready)(struct worker *w);
	short events; /* EV_READ, EV_WRITE */
};

extern const struct method method_icmp, method_tcp;

/*
 * worker_attach - bind the socket to the probe's interface and source and connect it.
 * Called again for the same socket it does what failed the last time and connects anew.
 * Returns 0, or -errno (-EINPROGRESS for TCP); -ENOTCONN when it got no further than the bind,
 * which is explained already.
 */
int worker_attach(struct worker *w);

/* worker_elapsed_ms - since the attempt started. */
double worker_elapsed_ms(const struct worker *w);

/* worker_why - explain a failed attempt. */
void worker_why(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* worker_broken - explain an attempt that could not send anything, and mark it so. */
void worker_broken(struct worker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * worker_refused - explain that connect(2) or send(2), @what, ended with @code (positive): the
 * network's answer (no route, filtered, refused), or a broken attempt.
 */
void worker_refused(struct worker *w, const char *what, int code);

#endif
