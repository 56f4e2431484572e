/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.  A unit that could not be changed becomes what the former file says, by the same
 * means as everything: the difference from what is there then.  After an apply that was cut short there
 * are several such files, and a unit goes back to the one that it was like.  A unit may have let go of a port that
 * another one took; so when it goes back, the other goes back with it, and when nobody will have a turn
 * any more, both do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/change_core.h"
#include "lab/diff_units.h"

/* --- putting a unit back ---------------------------------------------------------------------- */

/* what there is of @unit becomes what @former says; those of @together, by subject, are looked at */
static int put_back_to(struct changer *ch, size_t unit, const struct table *together,
		       const struct topology *former, enum backend backend, struct err *e)
{
	const struct apply_hooks quiet = {.note = ch->hooks->note, .arg = ch->hooks->arg};
	struct apply_timing timing = {0};
	struct comparison *c = ch->c;
	const struct plan *had[] = {c->want}, *p = c->diff.plan;
	struct plan *want = NULL;
	struct difference d = {0};
	struct observed seen = {0};
	struct table only = TABLE_INIT;
	_cleanup_free_ bool *marked = NULL;
	int r = change_build(c, former, c->lab.meta.host, backend, &want, e);

	if (r < 0)
		return r;
	marked = calloc(want->n_ns + 1, sizeof(*marked));
	if (!marked || table_add_str(&only, p->ns[unit].subject, 0, NULL) < 0)
		r = err_code(e, ENOMEM, "put %s back", p->ns[unit].subject);
	if (!r)
		r = units_namespaces(want, together, want, marked, e);
	if (!r)
		r = units_namespaces(c->want, together, want, marked, e);
	if (!r)
		r = observe(want, ch->j, &c->lab.store, marked, &seen, e);
	if (!r) {
		const struct diff_input in = {.want = want,
					      .had = had,
					      .n_had = 1,
					      .seen = &seen,
					      .journal = ch->j,
					      .only = &only};

		r = diff_plans(&in, &d, e);
		if (!r && d.plan->n_ops)
			r = apply_plan(d.plan, ch->j, &c->lab.store, &quiet, &timing, e);
		difference_clear(&d);
		observed_free(&seen);
	}
	plan_free(want);
	table_free(&only);
	return r;
}

int change_measure(struct comparison *c, const struct journal *j, struct err *e)
{
	_cleanup_free_ const struct plan **had = calloc(c->n_formers, sizeof(const struct plan *));
	int r = 0;

	if (!had)
		return err_code(e, ENOMEM, "compare");
	for (size_t i = 0; i < c->n_formers && !r; i++) {
		struct former *f = &c->formers[i];
		struct diff_input in = {.want = f->plan,
					.had = had,
					.n_had = c->n_formers,
					.seen = &f->seen,
					.journal = j};
		struct err why = ERR_INIT;

		for (size_t k = 0; k < c->n_formers; k++)
			had[k] = k == i ? c->want : c->formers[k].plan;
		r = observe(f->plan, j, &c->lab.store, NULL, &f->seen, e);
		/* something else is in its place: it was not like this one */
		if (!r && diff_plans(&in, &f->lacks, &why) < 0)
			f->lacks = (struct difference){0};
	}
	return r;
}

static size_t lacks_of(const struct former *f, const char *unit)
{
	size_t n = 0;

	for (size_t i = 0; i < f->lacks.n_changes; i++)
		n += !strcmp(f->lacks.plan->ns[f->lacks.changes[i].unit].subject, unit);
	return f->lacks.plan ? n : SIZE_MAX;
}

/* the former file that a unit was most like; where there is one only, that */
static size_t former_of(const struct comparison *c, const char *unit)
{
	size_t best = 0;

	for (size_t i = 1; i < c->n_formers; i++)
		if (lacks_of(&c->formers[i], unit) < lacks_of(&c->formers[best], unit))
			best = i;
	return best;
}

/* as the file says that it was like; or, where that failed as well, another one before */
static int put_back(struct changer *ch, size_t unit, const struct table *together, struct err *e)
{
	const struct comparison *c = ch->c;
	const size_t first = former_of(c, c->diff.plan->ns[unit].subject);
	int r;

	/* the same file: what there is becomes whole, if it can */
	if (c->unchanged)
		return put_back_to(ch, unit, together, ch->f->t, c->backend, e);
	r = put_back_to(ch, unit, together, c->formers[first].file.t,
			c->formers[first].plan->backend, e);
	for (size_t i = 0; i < c->n_formers && r < 0; i++)
		if (i != first)
			r = put_back_to(ch, unit, together, c->formers[i].file.t,
					c->formers[i].plan->backend, e);
	return r;
}

/* --- who goes back --------------------------------------------------------------------------------- */

/* did this operation, in the turn of one unit, take the port of another?  That one is *@ret. */
static bool takes_port(const struct op *op, size_t *ret)
{
	*ret = op->ns;
	return op->kind == OP_TUNNEL_SET && op->change && op->change->release_port &&
	       op->unit != op->ns;
}

static bool has_turn_after(const struct plan *p, size_t unit, size_t at)
{
	for (size_t i = at; i < p->n_ops; i++)
		if (p->ops[i].unit == unit)
			return true;
	return false;
}

/* all that go back with what is in @together: until there is none more */
static void find_others(const struct changer *ch, size_t at, bool stop, bool *together)
{
	const struct plan *p = ch->c->diff.plan;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i <= at; i++) {
			const size_t taker = p->ops[i].unit;
			size_t holder;

			if (!takes_port(&p->ops[i], &holder))
				continue;
			/* without a port, and nobody gives it another; or it wants its own again */
			if (!together[holder] && stop && has_turn_after(p, holder, at))
				more = together[holder] = true;
			if (together[holder] && !together[taker])
				more = together[taker] = true;
		}
	}
}

/* the subjects of those in @together */
static int subjects_of(const struct plan *p, const bool *together, struct table *ret)
{
	for (size_t u = 0; u < p->n_ns; u++)
		if (together[u] && table_add_str(ret, p->ns[u].subject, 0, NULL) < 0)
			return -ENOMEM;
	return 0;
}

static void tell(struct changer *ch, size_t unit, const char *text)
{
	if (!ch->failed[unit])
		ch->report->n_failed++;
	ch->failed[unit] = true;
	if (ch->hooks->failed)
		ch->hooks->failed(text, ch->hooks->arg);
}

/* a unit whose removal failed is whole again: its link is not to go either */
static void keep_links(struct plan *p, size_t unit)
{
	for (size_t i = 0; i < p->n_ops; i++) {
		struct op *op = &p->ops[i];
		size_t n = 0;

		if (op->kind != OP_LINKS_DEL)
			continue;
		for (size_t k = 0; k < op->links.n; k++) {
			if (op->links.units[k] == unit)
				continue;
			op->links.units[n] = op->links.units[k];
			op->links.indices[n++] = op->links.indices[k];
		}
		op->links.n = n;
	}
}

void change_failed(struct changer *ch, size_t at, bool stop, const struct err *why)
{
	struct plan *p = ch->c->diff.plan;
	const size_t unit = p->ops[at].unit;
	_cleanup_free_ bool *together = calloc(p->n_ns + 1, sizeof(*together));
	struct table subjects = TABLE_INIT;
	char text[2 * sizeof(why->msg)];

	if (!ch->first.code)
		ch->first = *why;
	if (at >= ch->c->diff.first_late) {
		snprintf(text, sizeof(text), "%s; it is not needed any more", why->msg);
		tell(ch, unit, text);
		return;
	}
	if (together) {
		together[unit] = true;
		find_others(ch, at, stop, together);
	}
	if (!together || subjects_of(p, together, &subjects) < 0) {
		snprintf(text, sizeof(text), "%s: neither as it was nor as wanted: no memory",
			 why->msg);
		keep_links(p, unit);
		tell(ch, unit, text);
		table_free(&subjects);
		return;
	}
	for (size_t u = 0; u < p->n_ns; u++) {
		const char *subject = p->ns[u].subject;
		struct err undo_why = ERR_INIT;

		if (!together[u])
			continue;
		if (put_back(ch, u, &subjects, &undo_why) < 0)
			snprintf(text, sizeof(text), "%s: neither as it was nor as wanted: %.400s",
				 u == unit ? why->msg : subject, undo_why.msg);
		else if (u == unit)
			snprintf(text, sizeof(text), "%s; %s is left as it was", why->msg, subject);
		else
			snprintf(text, sizeof(text),
				 "%s: a port of it is not free: it is left as it was", subject);
		keep_links(p, u);
		tell(ch, u, text);
	}
	table_free(&subjects);
}
