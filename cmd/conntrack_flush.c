/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack flush: ends the sessions that match */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/conntrack.h"
#include "cmd/out.h"
#include "nat/ct_delete.h"
#include "nat/ct_stats.h"

struct flushing {
	int sock; /* beside the dump's */
	uint64_t n;
};

static int on_entry(struct ct_view *v, const struct tenant *t, const struct ct_entry *ct, void *arg,
		    struct err *e)
{
	struct flushing *f = arg;
	int r = ct_delete(f->sock, ct, e);

	(void)v;
	(void)t;
	f->n += r > 0;
	return r < 0 ? r : 0;
}

static int flush_all(struct flushing *f, struct err *e)
{
	struct ct_count count;
	int r = ct_count(f->sock, &count, e);

	if (r < 0 || !count.sessions)
		return r;
	f->n = count.sessions;
	return ct_flush(f->sock, e);
}

static int flush_tenant(struct ct_view *v, const struct tenant *t, uint64_t *ret, struct err *e)
{
	_cleanup_close_ int sock = ct_view_socket(v, t, e);
	struct flushing f = {sock, 0};
	int r;

	if (sock < 0)
		return sock;
	if (!ct_filter_empty(&v->filter))
		r = ct_view_each(v, t, on_entry, &f, e);
	else if ((r = flush_all(&f, e)) < 0)
		err_wrap(e, "tenant %s", t->name);
	*ret = f.n;
	return r;
}

static void report(const struct ct_view *v, const struct tenant *t, uint64_t n)
{
	if (v->c->json)
		out_json(v->c, json_pack("{s:s, s:s, s:s, s:I}", "lab", v->l->t->name, "tenant",
					 t->name, "netns", t->netns, "ended", (json_int_t)n));
	else if (n && !v->c->quiet)
		printf("%s: %" PRIu64 " session%s ended\n", t->name, n, out_plural(n));
}

int conntrack_flush(struct ct_view *v)
{
	uint64_t n, all = 0;

	for (size_t i = 0; i < v->n_tenants; i++) {
		n = 0;
		if (flush_tenant(v, v->tenants[i], &n, &v->c->err) < 0) {
			if (n)
				report(v, v->tenants[i], n);
			return cmd_fail(v->c);
		}
		report(v, v->tenants[i], n);
		all += n;
	}
	if (!all && !v->c->json && !v->c->quiet)
		puts("no session to end");
	ct_view_notes(v, "left alone");
	return STATUS_DONE;
}
