/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out the difference between a file and what runs: unit by unit, each whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/proc.h"
#include "lab/ceilings.h"
#include "lab/change.h"
#include "lab/change_core.h"
#include "lab/keys.h"
#include "lab/lease.h"
#include "lab/preflight.h"

struct changer {
	const struct lab_file *f;
	struct comparison *c;
	struct journal *j;
	const struct apply_hooks *hooks;
	struct apply_timing *timing;
	struct apply_report *report;
	struct err first; /* of units that failed */
};

/* --- putting a unit back ---------------------------------------------------------------------- */

/* the namespaces that the operations of @unit in @from are about, in @p */
static void mark_namespaces(const struct plan *from, const char *unit, const struct plan *p,
			    bool *marked)
{
	for (size_t i = 0; i < from->n_ops; i++) {
		const struct op *op = &from->ops[i];
		size_t used[2] = {op->ns, op->ns};

		if (strcmp(from->ns[op->unit].subject, unit))
			continue;
		if (op->kind == OP_VETH)
			used[1] = op->veth.peer_ns;
		if (op->kind == OP_TUNNEL)
			used[1] = op->tunnel->birth;
		for (size_t u = 0; u < 2; u++) {
			const char *name = from->ns[used[u]].name;

			for (size_t k = 0; k < p->n_ns; k++)
				if (name && p->ns[k].name ? !strcmp(p->ns[k].name, name)
							  : name == p->ns[k].name)
					marked[k] = true;
		}
	}
}

/* what there is of @unit becomes what @former says */
static int put_back_to(struct changer *ch, const char *unit, const struct topology *former,
		       enum backend backend, struct err *e)
{
	const struct apply_hooks quiet = {.note = ch->hooks->note, .arg = ch->hooks->arg};
	struct apply_timing timing = {0};
	struct comparison *c = ch->c;
	const struct plan *had[] = {c->want};
	struct plan *want = NULL;
	struct difference d = {0};
	struct observed seen = {0};
	_cleanup_free_ bool *marked = NULL;
	int r = change_build(c, former, c->lab.meta.host, backend, &want, e);

	if (r < 0)
		return r;
	marked = calloc(want->n_ns + 1, sizeof(*marked));
	if (!marked) {
		plan_free(want);
		return err_code(e, ENOMEM, "put %s back", unit);
	}
	mark_namespaces(want, unit, want, marked);
	mark_namespaces(c->want, unit, want, marked);
	r = observe(want, ch->j, &c->lab.store, marked, &seen, e);
	if (!r) {
		const struct diff_input in = {.want = want,
					      .had = had,
					      .n_had = 1,
					      .seen = &seen,
					      .journal = ch->j,
					      .only_unit = unit};

		r = diff_plans(&in, &d, e);
		if (!r && d.plan->n_ops)
			r = apply_plan(d.plan, ch->j, &c->lab.store, &quiet, &timing, e);
		if (!r)
			difference_clear(&d);
		observed_free(&seen);
	}
	plan_free(want);
	return r;
}

/* as the file before says; or, where that one failed as well, the one before that */
static int put_back(struct changer *ch, const char *unit, struct err *e)
{
	const struct comparison *c = ch->c;
	int r = -ENOENT;

	/* the same file: what there is becomes whole, if it can */
	if (c->unchanged)
		return put_back_to(ch, unit, ch->f->t, c->backend, e);
	for (size_t i = 0; i < c->n_formers && r < 0; i++)
		r = put_back_to(ch, unit, c->formers[i].file.t, c->formers[i].plan->backend, e);
	return r;
}

static void unit_failed(struct changer *ch, const char *unit, const struct err *why)
{
	struct err undo_why = ERR_INIT;
	char text[2 * sizeof(why->msg)];
	int r = put_back(ch, unit, &undo_why);

	if (!ch->report->n_failed++)
		ch->first = *why;
	if (r < 0)
		snprintf(text, sizeof(text), "%s: neither as it was nor as wanted: %.400s",
			 why->msg, undo_why.msg);
	else
		snprintf(text, sizeof(text), "%s; %s is left as it was", why->msg, unit);
	if (ch->hooks->failed)
		ch->hooks->failed(text, ch->hooks->arg);
}

/* --- unit by unit ---------------------------------------------------------------------------------- */

/* the first operation after the unit of operation @at */
static size_t after_unit(const struct plan *p, size_t at)
{
	size_t unit = p->ops[at].unit;

	while (at < p->n_ops && p->ops[at].unit == unit)
		at++;
	return at;
}

static size_t count_units(const struct plan *p, size_t end)
{
	size_t n = 0;

	for (size_t at = 0; at < end; at = after_unit(p, at))
		n++;
	return n;
}

/* a host or a segment that could not be changed: what stands on it is not tried */
static bool others_stand_on(const struct plan *p, size_t unit)
{
	return unit < p->n_ns &&
	       (p->ns[unit].kind == UNIT_NETWORKS || p->ns[unit].kind == UNIT_GATEWAY);
}

static size_t begin_of(const struct plan *p, size_t at)
{
	size_t unit = p->ops[at].unit;

	while (at > 0 && p->ops[at - 1].unit == unit)
		at--;
	return at;
}

/* which failed has been said; what the command ends with */
static int said(const struct changer *ch, bool interrupted, size_t units, struct err *e)
{
	const struct apply_report *r = ch->report;
	int code = interrupted ? EINTR : ch->first.code;

	err_set(e, code, "%s%zu of %zu unit%s changed", interrupted ? "interrupted: " : "",
		r->n_units, units, units == 1 ? "" : "s");
	err_hint(e, "`warren plan` shows what is left, `warren apply` goes on");
	return err_kind_set(e, ch->first.kind);
}

static int change_units(struct changer *ch, struct err *e)
{
	const struct plan *p = ch->c->diff.plan;
	size_t at = 0, from = 0;

	while (at < p->n_ops) {
		struct err why = ERR_INIT;
		size_t unit;
		int r = apply_from(p, &at, ch->j, &ch->c->lab.store, ch->hooks, ch->timing, &why);

		if (!r)
			break;
		unit = p->ops[at].unit;
		unit_failed(ch, p->ns[unit].subject, &why);
		ch->report->n_units += count_units(p, begin_of(p, at)) - count_units(p, from);
		from = at = after_unit(p, at);
		if (r == -EINTR || others_stand_on(p, unit))
			return said(ch, r == -EINTR, count_units(p, p->n_ops), e);
	}
	ch->report->n_units += count_units(p, p->n_ops) - count_units(p, from);
	return ch->report->n_failed ? said(ch, false, count_units(p, p->n_ops), e) : 0;
}

/* --- the record -------------------------------------------------------------------------------------- */

static int save(struct changer *ch, struct err *e)
{
	const struct lab_file *f = ch->f;
	struct lab_meta m = ch->c->lab.meta;
	_cleanup_free_ char *peers = keys_remember(f->t), *leases = leases_write(f->t);
	int r;

	if (!peers || !leases)
		return err_code(e, ENOMEM, "keys");
	m.file = f->path;
	m.dir = f->dir;
	m.backend = (char *)backend_name(ch->c->backend);
	r = store_save(&ch->c->lab.store, f->text, f->len, &m, e);
	if (!r)
		r = store_save_leases(&ch->c->lab.store, leases, e);
	return !r ? store_save_peers(&ch->c->lab.store, peers, strlen(peers), e) : r;
}

/* tunnels' processes that have ended: their records say nothing any more */
static int drop_dead(struct changer *ch, struct err *e)
{
	size_t n;
	const struct record *recs = journal_records(ch->j, &n);
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		const struct proc_id id = {.pid = (pid_t)recs[i].index, .start = recs[i].number};

		if (recs[i].live && recs[i].kind == REC_PROCESS && !proc_alive(&id))
			r = journal_drop(ch->j, recs[i].id, e);
	}
	return r;
}

static int change(struct changer *ch, struct err *e)
{
	const struct store *s = &ch->c->lab.store;
	int r = store_put_aside(s, e);

	if (!r)
		r = save(ch, e);
	if (!r)
		r = journal_set_state(ch->j, LAB_CHANGING, e);
	if (!r)
		r = fault_point("change", e);
	if (r < 0)
		return err_wrap(e, "lab %s", s->name);
	r = change_units(ch, e);
	if (r < 0)
		return r;
	r = drop_dead(ch, e);
	if (!r)
		r = journal_set_state(ch->j, LAB_UP, e);
	if (!r)
		r = store_drop_formers(s, e);
	if (!r)
		r = journal_compact(ch->j, e);
	return r < 0 ? err_wrap(e, "lab %s", s->name) : 0;
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static int bring_up(const struct lab_file *f, const struct change_options *o,
		    const struct apply_hooks *hooks, struct apply_timing *timing,
		    struct apply_report *ret, struct err *e)
{
	const struct up_options up = {.host = o->host,
				      .backend = o->has_backend ? o->backend : BACKEND_AUTO};
	enum up_result result;

	ret->was_down = true;
	return lab_up(f, &up, hooks, timing, &result, e);
}

/* under the lock */
static int apply_running(struct changer *ch, const struct change_options *o, struct err *e)
{
	struct comparison *c = ch->c;
	struct demand demand;
	char path[256];
	int r = journal_open(store_path(&c->lab.store, "journal", path, sizeof(path)), true, &ch->j,
			     e);

	if (!r)
		r = change_compare(c, ch->f, o, ch->j, KEYS_MAKE, e);
	demand_of(ch->f->t, c->host, c->backend, &demand);
	if (!r)
		r = ceilings_check("/proc", &demand, ch->hooks->note, ch->hooks->arg, e);
	if (r < 0)
		return r;
	ch->report->n_changes = c->diff.n_changes;
	ch->timing->observing = c->observing;
	ch->timing->comparing = c->comparing;
	ch->timing->observed = c->want->n_ns;
	if (!c->diff.plan->n_ops && !c->file_only && c->n_formers <= 1 &&
	    journal_state(ch->j) == LAB_UP)
		return 0;
	return change(ch, e);
}

int lab_apply(const struct lab_file *f, const struct change_options *o,
	      const struct apply_hooks *hooks, struct apply_timing *timing,
	      struct apply_report *ret, struct err *e)
{
	struct comparison c = {.lab.store.lock_fd = -1};
	struct changer ch = {.f = f, .c = &c, .hooks = hooks, .timing = timing, .report = ret};
	struct store lock;
	int r = preflight_privilege(e);

	*ret = (struct apply_report){0};
	if (r < 0)
		return r;
	store_init(&lock, f->t->name);
	r = store_lock(&lock, false, e);
	if (r == -ENOENT) {
		*e = (struct err)ERR_INIT;
		return bring_up(f, o, hooks, timing, ret, e);
	}
	if (!r)
		r = change_open(&c, f, o, e);
	if (!r && !c.is_up) {
		/* being made or removed by somebody who was killed: up begins anew */
		store_unlock(&lock);
		comparison_clear(&c);
		return bring_up(f, o, hooks, timing, ret, e);
	}
	if (!r)
		r = apply_running(&ch, o, e);
	journal_close(ch.j);
	comparison_clear(&c);
	store_unlock(&lock);
	return r;
}
