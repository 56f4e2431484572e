/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: does it answer, from inside that namespace?
 *
 * Theory of operation.  Each probe opens its socket inside its namespace (by a helper
 * thread, base/ns.h) and is then served, with all the others, by one event loop in the
 * calling thread.  An attempt ends with an answer or its timeout; the next attempt starts
 * when the former one's timeout has passed or it has failed for good, up to retries.
 */
#ifndef WARREN_PROBE_PROBE_H
#define WARREN_PROBE_PROBE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum probe_method { PROBE_ICMP, PROBE_TCP };

struct probe {
	/* what to do */
	enum probe_method method;
	int ns_fd;                 /* open namespace; -1: the caller's */
	struct ip_endpoint target; /* port: tcp only */
	bool has_source;
	struct ip_addr source;   /* address to bind to */
	const char *interface;   /* interface to bind to; NULL: none */
	unsigned int retries;    /* attempts after the first */
	unsigned int timeout_ms; /* of one attempt, milliseconds */
	/* what came of it, filled in by probe_run() */
	bool ok;
	/* not ok, and the last attempt sent nothing: the namespace, the socket, the source or the
	 * interface is not there, and message says so.  That is no silence: whoever expects one has
	 * not seen it.  No route, and a filter that refuses to send, are the network's own answer:
	 * a plain failure. */
	bool broken;
	unsigned int attempts; /* made, from 1; 0: broken before the first */
	double rtt_ms;         /* of the attempt that was answered, milliseconds */
	char message
		[160]; /* "64 bytes from 100.64.0.10: icmp_seq=1 ttl=63 time=0.52 ms", or why not */
};

/*
 * probe_raise_limits - let this process have the descriptors of @n probes, each in a namespace
 * of its own.  probe_run() does it by itself; who opens many namespaces before does it earlier.
 */
void probe_raise_limits(size_t n);

/*
 * probe_run - do all @n probes at the same time; returns when each has its result.
 * @stop: polled; when it becomes true the run ends early with -EINTR (NULL: never).
 * @done: called as each probe ends (NULL: not wanted).
 * A probe that is not answered is a result (ok = false), not an error; -errno is returned only
 * where the run itself broke (no memory, no event loop).  ICMP: RFC 792, RFC 4443.
 */
int probe_run(struct probe *probes, size_t n, volatile const sig_atomic_t *stop,
	      void (*done)(const struct probe *p, void *arg), void *arg, struct err *e);

#endif
