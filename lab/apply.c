/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  One helper thread carries the whole plan out, moving from
 * namespace to namespace with setns(); the main thread waits for it and takes the
 * signals.  Requests about links are queued as long as they go to one namespace
 * and sent together; everything else flushes the queue first, so that operations
 * happen in the order of the plan.  A namespace's socket is opened when it is made
 * and closed after the last operation that needs it: however many tenants, few
 * descriptors are open at a time.
 */
#include "lab/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/ns.h"
#include "lab/apply_ops.h"
#include "netns/pin.h"
#include "netns/sysctl.h"

static int dispatch(struct apply *a, const struct op *op, struct err *e)
{
	static int (*const how[OP_KINDS])(struct apply *, const struct op *, struct err *) = {
		[OP_NETNS] = apply_netns,
		[OP_SYSCTL] = apply_sysctl,
		[OP_TUNNEL_START] = apply_tunnel_start,
		[OP_TUNNEL] = apply_tunnel,
		[OP_TUNNEL_SET] = apply_tunnel_set,
		[OP_NAPT] = apply_napt,
		[OP_FILE] = apply_file,
		[OP_RUN] = apply_run,
		[OP_NAPT_DEL] = apply_napt_del,
		[OP_UNDO] = apply_undo,
	};

	return op_is_link(op) ? apply_link_op(a, op, e) : how[op->kind](a, op, e);
}

static void release_ns(struct apply *a, size_t ns)
{
	struct apply_ns *s = &a->ns[ns];

	chan_close(s->rtnl);
	s->rtnl = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* the op's namespaces that nothing needs any more */
static int release_done(struct apply *a, const struct op *op, struct err *e)
{
	size_t at = (size_t)(op - a->plan->ops);
	size_t used[2] = {op->ns, op->ns};
	int r = 0;

	if (op->kind == OP_VETH)
		used[1] = op->veth.peer_ns;
	if (op->kind == OP_TUNNEL_START || op->kind == OP_TUNNEL || op->kind == OP_TUNNEL_SET)
		used[1] = op->tunnel->birth;
	for (size_t i = 0; i < 2 && !r; i++) {
		if (a->plan->ns[used[i]].last_op > at || apply_is_here(a, used[i]) ||
		    a->ns[used[i]].fd < 0)
			continue;
		r = apply_flush(a, e);
		release_ns(a, used[i]);
	}
	return r;
}

static int apply_op(struct apply *a, const struct op *op, struct err *e)
{
	int r = fault_point(op_kind_name(op->kind), e);

	if (!r && a->hooks->stop && *a->hooks->stop)
		r = err_set(e, EINTR, "interrupted");
	/* requests of one namespace go together; anything else waits for them */
	if (!r && (!op_is_link(op) || a->pending != a->ns[op->ns].rtnl ||
		   (a->pending && chan_is_crowded(a->pending)))) {
		r = apply_flush(a, e);
		if (r < 0)
			return r;
	}
	if (!r)
		r = dispatch(a, op, e);
	if (r < 0)
		return apply_wrap(a, op, e);
	if (fault_active())
		r = apply_flush(a, e);
	return !r ? release_done(a, op, e) : r;
}

/* the end of a unit that is done whole, if @i is its last operation */
static int end_unit(struct apply *a, size_t i, struct err *e)
{
	const struct plan *p = a->plan;
	int r;

	if (!p->by_units || (i + 1 < p->n_ops && p->ops[i + 1].unit == p->ops[i].unit))
		return 0;
	r = apply_flush(a, e);
	if (!r && a->hooks->unit_done)
		a->hooks->unit_done(p, p->ops[i].unit, a->hooks->arg);
	return r;
}

static int apply_ops(struct apply *a, struct err *e)
{
	const struct plan *p = a->plan;
	double before = clock_seconds();
	int r = 0;

	for (size_t i = a->at; i < p->n_ops && !r; i++) {
		double after;

		a->at = i;
		r = apply_op(a, &p->ops[i], e);
		if (!r)
			r = end_unit(a, i, e);
		after = clock_seconds();
		a->timing->seconds[p->ops[i].kind] += after - before - a->charged;
		a->charged = 0;
		a->timing->count[p->ops[i].kind]++;
		before = after;
		if (!r && a->hooks->did)
			a->hooks->did(p, &p->ops[i], a->hooks->arg);
		if (!r && a->hooks->progress)
			a->hooks->progress(i + 1, p->n_ops, a->hooks->arg);
	}
	return !r ? apply_flush(a, e) : r;
}

/* the group that links of this lab in the caller's namespace have already, or 0 */
static uint32_t recorded_group(const struct apply *a)
{
	size_t n;
	const struct record *recs = journal_records(a->journal, &n);

	for (size_t i = 0; i < n; i++)
		if (recs[i].live && recs[i].kind == REC_GROUP)
			return recs[i].index;
	return 0;
}

/* host mode: namespace 0 is the one that we are in */
static int open_here(struct apply *a, struct err *e)
{
	struct apply_ns *s = &a->ns[0];
	int r;

	s->fd = ns_open_self(e);
	if (s->fd < 0)
		return s->fd;
	r = chan_open_here(NETLINK_ROUTE, &s->rtnl, e);
	if (!r)
		r = ns_cookie(chan_fd(s->rtnl), &s->cookie, e);
	/* one group for what goes when the tenants' namespaces go: removed in one request */
	a->group = recorded_group(a);
	if (r < 0 || a->group)
		return r;
	if (getrandom(&a->group, sizeof(a->group), 0) != sizeof(a->group))
		r = err_errno(e, "random numbers");
	a->group = (a->group & 0x7fffffff) | 0x40000000;
	return !r ? apply_record(a, REC_GROUP, s->cookie, a->group, "veth", e) : r;
}

static int apply_thread(void *arg, struct err *e)
{
	struct apply *a = arg;
	int r;

	a->here = ns_open_self(e);
	if (a->here < 0)
		return a->here;
	r = a->plan->here ? open_here(a, e) : 0;
	a->current = a->plan->here ? 0 : a->plan->n_ns;
	if (!r)
		r = apply_ops(a, e);
	undo_end(a->undo);
	close(a->here);
	sysctl_view_end();
	return r;
}

int apply_plan(const struct plan *plan, struct journal *j, const struct store *store,
	       const struct apply_hooks *hooks, struct apply_timing *timing, struct err *e)
{
	size_t at = 0;

	return apply_from(plan, &at, j, store, hooks, timing, e);
}

int apply_from(const struct plan *plan, size_t *at, struct journal *j, const struct store *store,
	       const struct apply_hooks *hooks, struct apply_timing *timing, struct err *e)
{
	struct apply a = {.plan = plan,
			  .journal = j,
			  .store = store,
			  .hooks = hooks,
			  .timing = timing,
			  .at = *at};
	int r;

	a.ns = calloc(plan->n_ns, sizeof(*a.ns));
	a.starting = calloc(plan->n_tunnels + 1, sizeof(struct wg_birth *));
	if (!a.ns || !a.starting) {
		free(a.ns);
		free(a.starting);
		return err_code(e, ENOMEM, "apply");
	}
	for (size_t i = 0; i < plan->n_ns; i++)
		a.ns[i] = (struct apply_ns){.fd = -1, .cookie = plan->ns[i].cookie};
	r = ns_run(-1, apply_thread, &a, e);
	*at = a.at;
	apply_tunnels_abandon(&a);
	for (size_t i = 0; i < plan->n_ns; i++)
		release_ns(&a, i);
	free(a.ns);
	free(a.starting);
	return r;
}
