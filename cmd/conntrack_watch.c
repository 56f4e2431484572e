/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack watch: sessions of all tenants as they begin, change and end */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "cmd/conntrack.h"
#include "cmd/out.h"
#include "nat/ct_events.h"

/* what conntrack -E writes before an entry; of the last it knows nothing */
static const char *const labels[] = {
	[CT_NEW] = "[NEW]", [CT_UPDATE] = "[UPDATE]", [CT_DESTROY] = "[DESTROY]", "[SYNC]"};
static const char *const words[] = {
	[CT_NEW] = "new", [CT_UPDATE] = "update", [CT_DESTROY] = "destroy", "sync"};

#define SYNC (CT_DESTROY + 1)

static json_int_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_event(const struct ct_view *v, const struct tenant *t, unsigned int kind,
			const struct ct_entry *ct)
{
	if (v->c->json) {
		json_t *o = ct_entry_json(v, t, ct);

		json_object_set_new(o, "event", json_string(words[kind]));
		json_object_set_new(o, "time_epoch_ms", json_integer(now_ms()));
		out_json(v->c, o);
		return;
	}
	printf("%s %9s ", t->name, labels[kind]);
	ct_print(ct, stdout);
	putchar('\n');
}

static int on_event(int nsid, enum ct_event kind, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	struct ct_view *v = arg;

	(void)e;
	if ((size_t)nsid < v->n_tenants && ct_filter_match(&v->filter, ct))
		print_event(v, v->tenants[nsid], kind, ct);
	return 0;
}

/* --- after a loss ------------------------------------------------------------------------ */

static int on_entry(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	(void)arg;
	(void)e;
	print_event(v, t, SYNC, ct);
	return 0;
}

static void say(const struct ct_view *v, const char *event)
{
	if (v->c->json)
		out_json(v->c, json_pack("{s:s, s:s, s:I}", "lab", v->l->t->name, "event", event,
					 "time_epoch_ms", now_ms()));
}

/* a listing takes the place of what was not heard; what happens meanwhile comes after it */
static int resync(struct ct_view *v, struct err *e)
{
	int r = 0;

	fprintf(stderr, "warren: note: events were lost; all sessions that there are now follow as "
			"[SYNC] (a larger --buffer-size loses fewer)\n");
	say(v, "lost");
	for (size_t i = 0; i < v->n_tenants && r >= 0; i++)
		r = ct_view_each(v, v->tenants[i], on_entry, NULL, e);
	if (r >= 0)
		say(v, "synced");
	return r;
}

/* --- watching ------------------------------------------------------------------------------ */

static int listen_to_all(struct ct_view *v, struct ct_events *ev, struct err *e)
{
	for (size_t i = 0; i < v->n_tenants; i++) {
		const struct tenant *t = v->tenants[i];
		const char *netns;
		_cleanup_close_ int ns = lab_ns_open(v->l, t->netns, &netns, e);

		if (ns < 0 || ct_events_add(ev, ns, (int)i, e) < 0)
			return err_wrap(e, "tenant %s", t->name);
	}
	if (!v->c->quiet)
		fprintf(stderr, "watching the sessions of %zu tenant%s of lab %s; Ctrl-C ends it\n",
			v->n_tenants, out_plural(v->n_tenants), v->l->t->name);
	return 0;
}

/* signals come in during ppoll() only, so none is missed between two looks at cmd_stop */
static int watch(struct ct_view *v, struct ct_events *ev, const sigset_t *open, struct err *e)
{
	struct pollfd p = {.fd = ct_events_fd(ev), .events = POLLIN};
	int r = 0;

	while (r >= 0 && !cmd_stop && !ferror(stdout)) {
		bool lost = false;

		if (ppoll(&p, 1, NULL, open) < 0) {
			if (errno != EINTR)
				return err_errno(e, "wait for conntrack events");
			continue;
		}
		r = ct_events_read(ev, on_event, v, &lost, e);
		if (r >= 0 && lost)
			r = resync(v, e);
		fflush(stdout);
	}
	return r;
}

int conntrack_watch(struct ct_view *v)
{
	struct err *e = &v->c->err;
	struct ct_events *ev = NULL;
	sigset_t stops, old;
	int r;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	sigprocmask(SIG_BLOCK, &stops, &old);
	cmd_catch_signals();
	r = ct_events_open(v->buffer, &ev, e);
	if (r >= 0)
		r = listen_to_all(v, ev, e);
	if (r >= 0)
		r = watch(v, ev, &old, e);
	ct_events_close(ev);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r < 0 ? cmd_fail(v->c) : STATUS_DONE;
}
