/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/diff_build.h"

#define KEY_MAX 512 /* bytes of an object's key */

/* --- what the result is made of -------------------------------------------------------------- */

struct op *diff_emit(struct diff *d, const struct op *like, enum stage stage)
{
	static struct staged nowhere;
	struct staged *grown = arena_grow(d->arena, d->ops, d->n_ops, sizeof(*grown));

	if (!grown) {
		d->no_memory = true;
		return &nowhere.op;
	}
	d->ops = grown;
	grown[d->n_ops] = (struct staged){.op = *like, .stage = stage, .seq = d->n_ops};
	return &grown[d->n_ops++].op;
}

struct change *diff_say(struct diff *d, char sign, size_t unit, const char *object)
{
	static struct change nowhere;
	struct change *grown = arena_grow(d->arena, d->changes, d->n_changes, sizeof(*grown));

	if (!grown) {
		d->no_memory = true;
		return &nowhere;
	}
	d->changes = grown;
	grown[d->n_changes] = (struct change){.sign = sign, .unit = unit, .object = object};
	return &grown[d->n_changes++];
}

const char *diff_printf(struct diff *d, const char *fmt, ...)
{
	char text[1024];
	const char *kept;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kept = arena_strdup(d->arena, text);
	d->no_memory |= !kept;
	return kept ? kept : "";
}

const char *diff_words(struct diff *d, const struct plan *p, const struct op *op)
{
	_cleanup_free_ char *words = NULL;
	size_t len;
	FILE *f = open_memstream(&words, &len);

	if (f) {
		op_describe(p, op, f);
		fclose(f);
	}
	return diff_printf(d, "%s", words ? words : op_kind_name(op->kind));
}

bool diff_skips(const struct diff *d, const struct plan *p, size_t unit)
{
	return d->in->only && !table_get_str(d->in->only, p->ns[unit].subject, NULL);
}

const struct ns_seen *diff_ns(const struct diff *d, size_t ns)
{
	return &d->in->seen->ns[ns];
}

void diff_undo(struct diff *d, size_t ns, unsigned int record, enum stage stage, const char *what)
{
	const struct op op = {
		.kind = OP_UNDO, .ns = ns, .unit = ns, .undo = {.record = record, .what = what}};

	if (record)
		diff_emit(d, &op, stage);
}

/* --- keys --------------------------------------------------------------------------------------- */

static const char *ns_name(const struct plan *p, size_t ns)
{
	return p->ns[ns].name ? p->ns[ns].name : ".";
}

const char *op_key(const struct plan *p, const struct op *op, char *buf, size_t size)
{
	const char *kind = op_kind_name(op->kind), *ns = ns_name(p, op->ns);
	char text[IP_PREFIX_STRLEN], mark[128], path[KEY_MAX];

	switch (op->kind) {
	case OP_SYSCTL:
		snprintf(buf, size, "%s %s %s", kind, ns,
			 sysctl_setting(op->sysctl.key, path, sizeof(path)));
		break;
	case OP_VETH:
		snprintf(buf, size, "%s %s %s %s %s", kind, ns, op->ifname,
			 ns_name(p, op->veth.peer_ns), op->veth.peer);
		break;
	case OP_PORT:
		snprintf(buf, size, "%s %s %s %s", kind, ns, op->ifname, op->port.bridge);
		break;
	case OP_ADDRESS:
		snprintf(buf, size, "%s %s %s %s", kind, ns, op->ifname,
			 ip_prefix_format(&op->address, text));
		break;
	case OP_ROUTE:
		snprintf(buf, size, "%s %s %d %s %" PRIu32 " %" PRIu32, kind, ns,
			 op->route.to.addr.family, ip_prefix_format(&op->route.to, text),
			 op->route.has_metric ? op->route.metric : 0, op->route.table);
		break;
	case OP_TUNNEL:
		snprintf(buf, size, "%s %s %s %s", kind, ns, op->ifname,
			 ns_name(p, op->tunnel->birth));
		break;
	case OP_FILE:
		snprintf(buf, size, "%s %s", kind, op->file.path);
		break;
	case OP_RUN:
		snprintf(buf, size, "%s %s %s", kind, ns,
			 plan_run_mark(p->topology, 0, op->run, mark));
		break;
	default:
		snprintf(buf, size, "%s %s %s", kind, ns, op->ifname ? op->ifname : "");
	}
	return buf;
}

static int collect_keys(struct diff *d, struct table *t, const struct plan *p)
{
	char key[KEY_MAX];

	for (size_t i = 0; i < p->n_ops; i++) {
		char *kept;

		if (diff_skips(d, p, p->ops[i].unit))
			continue;
		kept = arena_strdup(d->arena, op_key(p, &p->ops[i], key, sizeof(key)));
		if (!kept || table_add_str(t, kept, i, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

bool diff_had(struct diff *d, const struct plan *p, const struct op *op)
{
	char key[KEY_MAX];

	if (d->in->unchanged)
		return true;
	return table_get_str(&d->had_keys, op_key(p, op, key, sizeof(key)), NULL);
}

/* --- links that go --------------------------------------------------------------------------------- */

void diff_link_goes(struct diff *d, size_t ns, const char *name)
{
	const char *key = diff_printf(d, "%zu %s", ns, name);

	if (table_add_str(&d->gone_links, key, 0, NULL) < 0)
		d->no_memory = true;
}

bool diff_is_gone(const struct diff *d, size_t ns, const char *name)
{
	char key[64];

	if (!d->gone_links.n)
		return false;
	snprintf(key, sizeof(key), "%zu %s", ns, name);
	return table_get_str(&d->gone_links, key, NULL);
}

/* --- what is wanted -------------------------------------------------------------------------------------- */

/* programs of a namespace that is gone keep what is left of it: they end with it */
static void end_programs(struct diff *d, const struct op *op, unsigned int netns)
{
	size_t n, len;
	const struct record *recs = journal_records(d->in->journal, &n);
	char mark[128];

	if (!netns)
		return;
	len = (size_t)snprintf(mark, sizeof(mark), "WARREN_RUN=%s.%" PRIu64 ".",
			       d->in->want->topology->name, recs[netns - 1].number);
	for (size_t i = 0; i < n; i++)
		if (recs[i].live && recs[i].kind == REC_PROGRAMS &&
		    !strncmp(recs[i].text, mark, len))
			diff_undo(d, op->ns, recs[i].id, STAGE_CLEAR, "what is left of a program");
}

static int diff_netns(struct diff *d, const struct op *op, struct err *e)
{
	const struct plan *p = d->in->want;
	const char *name = p->ns[op->ns].name;
	const struct ns_seen *seen = diff_ns(d, op->ns);
	struct change *c;

	if (seen->ours)
		return 0;
	if (seen->taken) {
		err_set(e, EEXIST, "%s: namespace %s is there already, and is not this lab's",
			p->ns[op->unit].subject, name);
		err_hint(e, "`ip netns del %s` if it is not needed", name);
		return err_kind_set(e, ERR_CANNOT);
	}
	/* one that is gone, or that was cut short in the making */
	end_programs(d, op, journal_find(&d->in->seen->netns, name));
	diff_undo(d, op->ns, journal_find(&d->in->seen->netns, name), STAGE_CLEAR,
		  diff_printf(d, "what is left of namespace %s", name));
	diff_emit(d, op, STAGE_MAKE);
	d->is_new[op->ns] = true;
	c = diff_say(d, diff_had(d, p, op) ? '~' : '+', op->unit, NULL);
	if (c->sign == '~')
		c->because = diff_printf(d, "namespace %s is gone: made anew", name);
	return 0;
}

static int diff_napt(struct diff *d, const struct op *op, const struct op_seen *seen, struct err *e)
{
	struct change *c;
	struct op *o;

	if (!d->is_new[op->ns] && seen->napt == NAT_STATE_SAME)
		return 0;
	if (!d->is_new[op->ns] && seen->napt == NAT_STATE_FOREIGN) {
		err_set(e, EEXIST, "%s: there is a table inet " NAT_TABLE " that is not this lab's",
			d->in->want->ns[op->unit].subject);
		err_hint(e, "`nft delete table inet " NAT_TABLE "` there, if it is not needed");
		return err_kind_set(e, ERR_CANNOT);
	}
	o = diff_emit(d, op, STAGE_MAKE);
	if (d->is_new[op->ns])
		return 0;
	o->napt.replace = seen->napt == NAT_STATE_DIFFERENT;
	c = diff_say(d, diff_had(d, d->in->want, op) ? '~' : '+', op->unit, "NAPT rules");
	if (c->sign == '~' && !o->napt.replace)
		c->because = "they are missing";
	return 0;
}

static void diff_file(struct diff *d, const struct op *op, const struct op_seen *seen)
{
	unsigned int record = journal_find(&d->in->seen->files, op->file.path);
	struct change *c;

	if (seen->there && seen->same)
		return;
	if (!seen->there)
		diff_undo(d, op->ns, record, STAGE_CLEAR,
			  diff_printf(d, "what is left of %s", op->file.path));
	diff_emit(d, op, STAGE_MAKE)->file.replace = seen->there;
	if (d->is_new[op->unit])
		return;
	c = diff_say(d, diff_had(d, d->in->want, op) ? '~' : '+', op->unit,
		     diff_printf(d, "file %s", op->file.path));
	if (c->sign == '~' && !seen->there)
		c->because = "it is missing";
}

static void diff_run(struct diff *d, const struct op *op, const struct op_seen *seen)
{
	const struct plan *p = d->in->want;
	char mark[128];
	struct change *c;

	if (seen->there && seen->same)
		return;
	if (seen->there)
		diff_undo(d, op->ns,
			  journal_find(&d->in->seen->programs,
				       plan_run_mark(p->topology, diff_ns(d, op->ns)->cookie,
						     op->run, mark)),
			  STAGE_CLEAR, "what is left of a program");
	diff_emit(d, op, STAGE_MAKE);
	if (d->is_new[op->unit])
		return;
	c = diff_say(d, seen->there ? '~' : '+', op->unit, diff_words(d, p, op));
	if (seen->there)
		c->because = "it has ended: started again";
}

static int diff_op(struct diff *d, size_t i, struct err *e)
{
	const struct op *op = &d->in->want->ops[i];
	const struct op_seen *seen = &d->in->seen->ops[i];

	switch (op->kind) {
	case OP_NETNS:
		return diff_netns(d, op, e);
	case OP_SYSCTL:
		diff_sysctl(d, i);
		return 0;
	case OP_NAPT:
		return diff_napt(d, op, seen, e);
	case OP_FILE:
		diff_file(d, op, seen);
		return 0;
	case OP_RUN:
		diff_run(d, op, seen);
		return 0;
	case OP_TUNNEL_START:
	case OP_TUNNEL:
		return diff_tunnel(d, op, e);
	case OP_TUNNEL_SET:
		diff_tunnel_set(d, op);
		return 0;
	default:
		return diff_link_op(d, op, e);
	}
}

/* --- the whole ------------------------------------------------------------------------------------------- */

/* units that go come first; the segments before what is on them, gateways before their tenants,
 * and hosts, which begin to talk when they are made, last */
static int rank(const struct diff *d, size_t unit)
{
	static const int ranks[] = {
		[UNIT_NETWORKS] = 1, [UNIT_GATEWAY] = 2, [UNIT_TENANT] = 3, [UNIT_HOST] = 4};

	return unit >= d->in->want->n_ns ? 0 : ranks[d->p->ns[unit].kind];
}

bool diff_is_before(const struct diff *d, size_t a, size_t b)
{
	int r = rank(d, a) - rank(d, b);

	return r ? r < 0 : a < b;
}

static int by_turn(const void *x, const void *y, void *arg)
{
	const struct staged *a = x, *b = y;
	const struct diff *d = arg;
	int r = (int)a->late - (int)b->late;

	if (!r)
		r = rank(d, a->op.unit) - rank(d, b->op.unit);
	if (!r && a->op.unit != b->op.unit)
		r = a->op.unit < b->op.unit ? -1 : 1;
	if (!r)
		r = (int)a->stage - (int)b->stage;
	return r ? r : a->seq < b->seq ? -1 : 1;
}

static int finish(struct diff *d, size_t *ret_first_late)
{
	struct plan *p = d->p;

	if (d->no_memory)
		return -ENOMEM;
	if (d->n_ops)
		qsort_r(d->ops, d->n_ops, sizeof(*d->ops), by_turn, d);
	p->ops = arena_alloc(d->arena, (d->n_ops + 1) * sizeof(*p->ops));
	if (!p->ops)
		return -ENOMEM;
	*ret_first_late = d->n_ops;
	for (size_t i = 0; i < d->n_ops; i++) {
		struct op *op = &p->ops[i];

		if (i < *ret_first_late && d->ops[i].late)
			*ret_first_late = i;
		*op = d->ops[i].op;
		p->ns[op->ns].last_op = i;
		if (op->kind == OP_VETH)
			p->ns[op->veth.peer_ns].last_op = i;
		if (op->kind == OP_TUNNEL_START || op->kind == OP_TUNNEL ||
		    op->kind == OP_TUNNEL_SET)
			p->ns[op->tunnel->birth].last_op = i;
	}
	p->n_ops = d->n_ops;
	return 0;
}

/* the result has the namespaces of what is wanted, and those that go */
static int begin(struct diff *d)
{
	const struct plan *want = d->in->want;
	size_t n_ns = want->n_ns;

	for (size_t i = 0; i < d->in->n_had; i++)
		n_ns += d->in->had[i]->n_ns;
	d->p = arena_alloc(d->arena, sizeof(*d->p));
	d->is_new = arena_alloc(d->arena, n_ns * sizeof(*d->is_new));
	d->anew = arena_alloc(d->arena, (want->n_tunnels + 1) * sizeof(*d->anew));
	d->far_ends = arena_alloc(d->arena, n_ns * sizeof(*d->far_ends));
	if (!d->p || !d->is_new || !d->anew || !d->far_ends)
		return -ENOMEM;
	*d->p = *want;
	d->p->arena = d->arena;
	d->p->by_units = true;
	d->p->ns = arena_alloc(d->arena, n_ns * sizeof(*d->p->ns));
	if (!d->p->ns)
		return -ENOMEM;
	for (size_t i = 0; i < want->n_ns; i++) {
		d->p->ns[i] = want->ns[i];
		d->p->ns[i].cookie = diff_ns(d, i)->ours ? diff_ns(d, i)->cookie : 0;
		if (want->ns[i].name && table_add_str(&d->wanted_ns, want->ns[i].name, i, NULL) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < d->in->n_had; i++)
		if (collect_keys(d, &d->had_keys, d->in->had[i]) < 0)
			return -ENOMEM;
	return d->in->n_had && !d->in->unchanged ? collect_keys(d, &d->want_keys, want) : 0;
}

int diff_plans(const struct diff_input *in, struct difference *ret, struct err *e)
{
	struct diff d = {.in = in, .arena = arena_new(0)};
	int r = d.arena ? begin(&d) : -ENOMEM;
	size_t first_late = 0;

	if (!r)
		r = diff_settle_ports(&d);
	if (!r)
		r = diff_renumber(&d);
	if (!r)
		r = diff_sysctls_begin(&d);
	if (r < 0)
		err_code(e, -r, "compare");
	for (size_t i = 0; i < in->want->n_ops && !r; i++)
		if (!diff_skips(&d, in->want, in->want->ops[i].unit))
			r = diff_op(&d, i, e);
	if (!r) {
		diff_gone(&d);
		diff_sysctls_end(&d);
	}
	if (!r && (r = finish(&d, &first_late)) < 0)
		err_code(e, -r, "compare");
	table_free(&d.want_keys);
	table_free(&d.had_keys);
	table_free(&d.gone_links);
	table_free(&d.ipv6_anew);
	table_free(&d.bare_links);
	table_free(&d.last_sysctls);
	table_free(&d.made_links);
	table_free(&d.wanted_ns);
	if (r < 0) {
		arena_free(d.arena);
		return r;
	}
	*ret = (struct difference){.plan = d.p,
				   .first_late = first_late,
				   .changes = d.changes,
				   .n_changes = d.n_changes};
	return 0;
}

void difference_clear(struct difference *d)
{
	plan_free(d->plan);
	*d = (struct difference){0};
}
