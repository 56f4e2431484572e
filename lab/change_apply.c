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

/* --- unit by unit ---------------------------------------------------------------------------------- */

/* the first operation after the unit of operation @at, or @end */
static size_t after_unit(const struct plan *p, size_t at, size_t end)
{
	size_t unit = p->ops[at].unit;

	while (at < end && p->ops[at].unit == unit)
		at++;
	return at;
}

/* a host or a segment that could not be changed: what stands on it is not tried */
static bool others_stand_on(const struct plan *p, size_t unit)
{
	return p->ns[unit].kind == UNIT_NETWORKS || p->ns[unit].kind == UNIT_GATEWAY;
}

/* counts the units of the plan, and those that were changed */
static size_t count_units(struct changer *ch, size_t done)
{
	const struct plan *p = ch->c->diff.plan;
	size_t total = 0;

	ch->report->n_units = 0;
	for (size_t at = 0; at < ch->n_ops; at = after_unit(p, at, ch->n_ops)) {
		const size_t unit = p->ops[at].unit;

		if (at >= ch->c->diff.first_late && ch->counted[unit])
			continue;
		ch->counted[unit] = true;
		total++;
		ch->report->n_units += at < done && !ch->failed[unit];
	}
	return total;
}

/* which failed has been said; what the command ends with */
static int said(struct changer *ch, bool interrupted, size_t done, struct err *e)
{
	const size_t units = count_units(ch, done);
	int code = interrupted ? EINTR : ch->first.code;

	if (!code)
		return 0;
	err_set(e, code, "%s%zu of %zu unit%s changed", interrupted ? "interrupted: " : "",
		ch->report->n_units, units, units == 1 ? "" : "s");
	err_hint(e, "`warren plan` shows what is left, `warren apply` goes on");
	return err_kind_set(e, ch->first.kind);
}

static int change_units(struct changer *ch, struct err *e)
{
	struct plan *p = ch->c->diff.plan;
	const size_t first_late = ch->c->diff.first_late;
	size_t at = 0;

	ch->n_ops = p->n_ops;
	ch->failed = calloc(p->n_ns + 1, sizeof(*ch->failed));
	ch->counted = calloc(p->n_ns + 1, sizeof(*ch->counted));
	if (!ch->failed || !ch->counted)
		return err_code(e, ENOMEM, "change");
	while (at < p->n_ops) {
		struct err why = ERR_INIT;
		size_t unit;
		bool stop;
		int r = apply_from(p, &at, ch->j, &ch->c->lab.store, ch->hooks, ch->timing, &why);

		if (!r)
			break;
		unit = p->ops[at].unit;
		stop = r == -EINTR || at >= first_late || others_stand_on(p, unit);
		change_failed(ch, at, stop, &why);
		if (stop)
			return said(ch, r == -EINTR, at, e);
		at = after_unit(p, at, p->n_ops);
		/* who was put back may need what would go now */
		p->n_ops = first_late;
	}
	return said(ch, false, p->n_ops, e);
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

/* who only mends what is there needs no more of the machine than it has */
static bool makes_more(const struct plan *p)
{
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->ops[i].kind == OP_NETNS || p->ops[i].kind == OP_TUNNEL_START)
			return true;
	return false;
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
	if (!r && c->n_formers > 1)
		r = change_measure(c, ch->j, e);
	demand_of(ch->f->t, c->host, c->backend, &demand);
	if (!r && makes_more(c->diff.plan))
		r = ceilings_check("/proc", &demand, ch->hooks->note, ch->hooks->arg, e);
	if (r < 0)
		return r;
	ch->report->n_changes = c->diff.n_changes;
	ch->report->is_narrow = c->is_narrow;
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
	free(ch.failed);
	free(ch.counted);
	return r;
}
