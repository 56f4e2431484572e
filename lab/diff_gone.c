/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference: what was wanted before, and is not any more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab/diff_build.h"

#define KEY_MAX 512

struct gone {
	struct diff *d;
	const struct plan *had;
	size_t *ns; /* of had.ns: its place in the result's */
	bool *unit_goes;
	bool *something; /* of a unit that goes: there is something of it */
};

/* takes away what a record says; false: there is no such record */
static bool undo(struct gone *g, size_t unit, unsigned int record, enum stage stage,
		 const char *what)
{
	diff_undo(g->d, unit, record, stage, what);
	return record != 0;
}

static const struct record *record_of(const struct diff *d, unsigned int id)
{
	size_t n;

	return &journal_records(d->in->journal, &n)[id - 1];
}

/* --- records ----------------------------------------------------------------------------------- */

static bool is_here(const struct gone *g, const struct op *op)
{
	return !g->had->ns[op->ns].name;
}

/* the live record of @kind with this text, or that begins with it and a blank; the last one */
static unsigned int find_record(const struct gone *g, enum record_kind kind, uint32_t index,
				const char *text)
{
	size_t n, len = text ? strlen(text) : 0;
	const struct record *recs = journal_records(g->d->in->journal, &n);

	for (size_t i = text ? n : 0; i-- > 0;)
		if (recs[i].live && recs[i].kind == kind && (!index || recs[i].index == index) &&
		    !strncmp(recs[i].text, text, len) &&
		    (!recs[i].text[len] || recs[i].text[len] == ' '))
			return recs[i].id;
	return 0;
}

/* what the machine had is in the first of the records, which is undone last */
static bool sysctl_goes_here(struct gone *g, const struct op *op, size_t unit)
{
	size_t n;
	const struct record *recs = journal_records(g->d->in->journal, &n);
	char want[KEY_MAX], key[KEY_MAX], is[KEY_MAX];
	bool found = false;

	for (size_t i = n; i-- > 0;) {
		if (!recs[i].live || recs[i].kind != REC_SYSCTL)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(recs[i].text, " "), recs[i].text);
		if (strcmp(sysctl_setting(op->sysctl.key, want, sizeof(want)),
			   sysctl_setting(key, is, sizeof(is))))
			continue;
		diff_undo(g->d, unit, recs[i].id, STAGE_CLEAR, diff_words(g->d, g->had, op));
		found = true;
	}
	return found;
}

/* --- tunnels, files, programs: recorded wherever they are ------------------------------------------- */

/*
 * These and the next say whether there is anything to be done: a file whose apply was cut short has
 * wanted what may never have come to be.
 */

/* before others are made, one of which may have its port */
static bool tunnel_goes(struct gone *g, const struct op *op, size_t unit, bool link_too)
{
	const struct plan_tunnel *k = op->tunnel;
	char process[160];
	bool is_there;

	snprintf(process, sizeof(process), TUNNEL_PROCESS "%s/%s", k->dir, k->ifname->name);
	is_there = undo(g, unit, journal_find(&g->d->in->seen->processes, process), STAGE_CLEAR,
			"its process");
	if (link_too) {
		const size_t ns = g->ns[op->ns];
		const struct link_seen *l = seen_link(g->d->in->seen, ns, op->ifname);
		struct op del = {.kind = OP_LINK_DEL, .ns = ns, .unit = unit, .ifname = op->ifname};

		diff_link_goes(g->d, ns, op->ifname);
		if (l) {
			del.index = l->index;
			diff_emit(g->d, &del, STAGE_CLEAR);
			is_there = true;
		}
	}
	return is_there;
}

static bool file_goes(struct gone *g, const struct op *op, size_t unit)
{
	const char *folder = diff_printf(
		g->d, "%.*s", (int)(strrchr(op->file.path, '/') - op->file.path), op->file.path);

	bool is_there = undo(g, unit, journal_find(&g->d->in->seen->files, op->file.path),
			     STAGE_TIDY, diff_printf(g->d, "file %s", op->file.path));

	return undo(g, unit, journal_find(&g->d->in->seen->folders, folder), STAGE_TIDY,
		    diff_printf(g->d, "folder %s", folder)) ||
	       is_there;
}

/* before another is started that may want its port */
static bool program_goes(struct gone *g, const struct op *op, size_t unit)
{
	const char *name = g->had->ns[op->ns].name;
	unsigned int id = name ? journal_find(&g->d->in->seen->netns, name) : 0;
	uint64_t cookie = id ? record_of(g->d, id)->number : 0;
	char mark[128];

	if (!name)
		cookie = diff_ns(g->d, g->ns[op->ns])->cookie;
	plan_run_mark(g->had->topology, cookie, op->run, mark);
	return undo(g, unit, journal_find(&g->d->in->seen->programs, mark), STAGE_CLEAR,
		    diff_words(g->d, g->had, op));
}

/* --- single things of a unit that stays ---------------------------------------------------------------- */

/* are ports of other units on it, until these have had their turn? */
static bool others_stand_on(const struct gone *g, const struct op *op, size_t unit)
{
	const struct plan *want = g->d->in->want;

	return unit < want->n_ns &&
	       (want->ns[unit].kind == UNIT_NETWORKS || want->ns[unit].kind == UNIT_GATEWAY) &&
	       (op->kind == OP_BRIDGE || op->ns == op->veth.peer_ns);
}

/* the end of a pair that is in a namespace that stays */
static bool link_goes(struct gone *g, const struct op *op, size_t unit)
{
	const size_t ns = g->ns[op->ns];
	const bool late = others_stand_on(g, op, unit);
	struct op del = {.kind = OP_LINK_DEL, .ns = ns, .unit = unit, .ifname = op->ifname};
	const struct link_seen *l;

	if (ns >= g->d->in->want->n_ns || diff_is_gone(g->d, ns, op->ifname))
		return true; /* with something else */
	l = seen_link(g->d->in->seen, ns, op->ifname);
	if (!l)
		return false;
	diff_link_goes(g->d, ns, op->ifname);
	del.index = l->index;
	diff_emit(g->d, &del, STAGE_TIDY);
	if (late && !g->d->no_memory)
		g->d->ops[g->d->n_ops - 1].late = true;
	return true;
}

/* unless it goes with its link */
static bool own_address_goes(struct gone *g, const struct op *op, size_t unit)
{
	const size_t ns = g->ns[op->ns];
	const struct link_seen *l = seen_link(g->d->in->seen, ns, op->ifname);
	struct op del = *op;

	if (!l || diff_is_gone(g->d, ns, op->ifname) || !link_has_address(l, &op->address))
		return false;
	del.kind = OP_ADDRESS_DEL;
	del.ns = ns;
	del.unit = unit;
	del.index = l->index;
	if (l->loopback || diff_makes_link(g->d, ns, op->ifname)) {
		diff_emit(g->d, &del, STAGE_TIDY);
		diff_address_goes(g->d, &del);
	}
	return true;
}

static bool has_route(const struct ns_seen *ns, const struct route_spec *r)
{
	for (size_t i = 0; i < ns->net.n_routes; i++) {
		const struct route_spec *is = &ns->net.routes[i];

		if (is->table == r->table && is->to.len == r->to.len &&
		    !ip_addr_cmp(&is->to.addr, &r->to.addr) && is->has_via == r->has_via &&
		    (!r->has_via || !ip_addr_cmp(&is->via, &r->via)) &&
		    (!r->index || is->index == r->index) && is->metric == diff_metric(r))
			return true;
	}
	return false;
}

static bool route_goes(struct gone *g, const struct op *op, size_t unit)
{
	const size_t ns = g->ns[op->ns];
	const struct link_seen *l = op->ifname ? seen_link(g->d->in->seen, ns, op->ifname) : NULL;
	struct op del = *op;

	if (op->ifname && (!l || diff_is_gone(g->d, ns, op->ifname)))
		return false;
	del.kind = OP_ROUTE_DEL;
	del.ns = ns;
	del.unit = unit;
	del.route.index = l ? l->index : 0;
	if (!has_route(diff_ns(g->d, ns), &del.route))
		return false;
	/* without a metric, any would do */
	del.route.metric = diff_metric(&op->route);
	del.route.has_metric = del.route.metric != 0;
	diff_emit(g->d, &del, STAGE_TIDY);
	return true;
}

/* is the tunnel wanted still, in another way?  Then it is made anew. */
static bool is_tunnel_wanted(const struct gone *g, const struct op *op)
{
	const struct plan *want = g->d->in->want;

	for (size_t i = 0; i < want->n_tunnels; i++)
		if (want->tunnels[i]->home == g->ns[op->ns] &&
		    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		    !strcmp(want->tunnels[i]->ifname->name, op->ifname))
			return true;
	return false;
}

static bool thing_goes(struct gone *g, const struct op *op, size_t unit)
{
	const size_t ns = g->ns[op->ns];
	bool said = true;

	switch (op->kind) {
	case OP_SYSCTL:
		said = diff_sysctl_goes(g->d, op, ns, unit);
		break;
	case OP_BRIDGE:
	case OP_VETH:
		said = link_goes(g, op, unit);
		break;
	case OP_ADDRESS:
		said = own_address_goes(g, op, unit);
		break;
	case OP_ROUTE:
		said = route_goes(g, op, unit);
		break;
	case OP_TUNNEL:
		if (is_tunnel_wanted(g, op))
			return false;
		said = tunnel_goes(g, op, unit, true);
		break;
	case OP_NAPT:
		diff_emit(g->d, &(struct op){.kind = OP_NAPT_DEL, .ns = ns, .unit = unit},
			  STAGE_TIDY);
		break;
	case OP_FILE:
		said = file_goes(g, op, unit);
		break;
	case OP_RUN:
		said = program_goes(g, op, unit);
		break;
	default:
		return false;
	}
	if (said)
		diff_say(g->d, '-', unit, diff_words(g->d, g->had, op));
	return said;
}

/* --- what is in the caller's own namespace -------------------------------------------------------------- */

/* a record of what was made beside what the machine had; what hangs on our own links has none */
static unsigned int record_here(const struct gone *g, const struct op *op,
				const struct link_seen *l)
{
	const uint32_t index = l ? l->index : 0;
	char text[IP_PREFIX_STRLEN];

	switch (op->kind) {
	case OP_BRIDGE:
	case OP_TUNNEL:
		return find_record(g, REC_LINK, index, op->ifname);
	case OP_ADDRESS:
		ip_prefix_format(&op->address, text);
		return l ? find_record(g, REC_ADDRESS, index, text) : 0;
	case OP_LINK_UP:
		return l ? find_record(g, REC_RAISED, index, op->ifname) : 0;
	case OP_ROUTE:
		return find_record(g, REC_ROUTE, index, ip_prefix_format(&op->route.to, text));
	case OP_NAPT:
		return find_record(g, REC_TABLE, 0, "");
	default:
		return 0;
	}
}

static bool recorded_goes(struct gone *g, const struct op *op, size_t unit,
			  const struct link_seen *l)
{
	unsigned int id = record_here(g, op, l);

	if (!id)
		return false;
	diff_undo(g->d, unit, id, op->kind == OP_TUNNEL ? STAGE_CLEAR : STAGE_TIDY,
		  diff_words(g->d, g->had, op));
	if (op->kind == OP_BRIDGE && others_stand_on(g, op, unit) && !g->d->no_memory)
		g->d->ops[g->d->n_ops - 1].late = true;
	return true;
}

static bool goes_here(struct gone *g, const struct op *op, size_t unit)
{
	const size_t ns = g->ns[op->ns];
	const struct link_seen *l = op->ifname ? seen_link(g->d->in->seen, ns, op->ifname) : NULL;
	const bool on_ours = l && l->index >= g->d->in->want->first_index;
	bool said = true;

	switch (op->kind) {
	case OP_SYSCTL:
		said = sysctl_goes_here(g, op, unit);
		break;
	case OP_RUN:
		said = program_goes(g, op, unit);
		break;
	case OP_TUNNEL:
		if (is_tunnel_wanted(g, op))
			return false;
		said = tunnel_goes(g, op, unit, false);
		said = recorded_goes(g, op, unit, l) || said;
		diff_link_goes(g->d, ns, op->ifname);
		break;
	case OP_ADDRESS:
		if (on_ours)
			said = own_address_goes(g, op, unit);
		else
			said = recorded_goes(g, op, unit, l);
		break;
	default:
		said = recorded_goes(g, op, unit, l);
	}
	if (said)
		diff_say(g->d, '-', unit, diff_words(g->d, g->had, op));
	return said;
}

/* --- whole units --------------------------------------------------------------------------------------- */

/*
 * The other end of a link of a namespace that goes: it would go with it, some time, but a link of the
 * same name may be wanted now.  All those of one namespace are removed together.
 */
static bool far_end_goes(struct gone *g, const struct op *op)
{
	struct diff *d = g->d;
	const size_t ns = g->ns[op->ns];
	const struct link_seen *l;
	struct op del = {.kind = OP_LINKS_DEL, .ns = ns, .unit = ns};
	uint32_t *grown;
	size_t *units;
	struct op *o;

	if (ns >= d->in->want->n_ns || diff_is_gone(d, ns, op->ifname))
		return false;
	l = seen_link(d->in->seen, ns, op->ifname);
	if (!l)
		return false;
	diff_link_goes(d, ns, op->ifname);
	if (!d->far_ends[ns]) {
		diff_emit(d, &del, STAGE_CLEAR);
		d->far_ends[ns] = d->n_ops;
	}
	o = d->no_memory ? &del : &d->ops[d->far_ends[ns] - 1].op;
	grown = arena_grow(d->arena, o->links.indices, o->links.n, sizeof(*grown));
	units = arena_grow(d->arena, o->links.units, o->links.n, sizeof(*units));
	if (!grown || !units) {
		d->no_memory = true;
		return false;
	}
	o->links.indices = grown;
	o->links.units = units;
	units[o->links.n] = g->ns[op->unit];
	grown[o->links.n++] = l->index;
	return true;
}

static bool unit_thing_goes(struct gone *g, const struct op *op, size_t unit)
{
	const char *name = g->had->ns[op->ns].name;

	switch (op->kind) {
	case OP_VETH:
		return far_end_goes(g, op);
	case OP_TUNNEL:
		return tunnel_goes(g, op, unit, false);
	case OP_FILE:
		return file_goes(g, op, unit);
	case OP_RUN:
		return program_goes(g, op, unit);
	case OP_NETNS:
		return undo(g, unit, journal_find(&g->d->in->seen->netns, name), STAGE_END,
			    diff_printf(g->d, "namespace %s", name));
	default:
		return false;
	}
}

/* --- the whole ------------------------------------------------------------------------------------------- */

/* where the namespaces of @had are in the result; those that go get a place at its end */
static bool place_namespaces(struct gone *g)
{
	struct diff *d = g->d;
	const struct plan *had = g->had;

	g->ns = arena_alloc(d->arena, (had->n_ns + 1) * sizeof(*g->ns));
	g->unit_goes = arena_alloc(d->arena, (had->n_ns + 1) * sizeof(*g->unit_goes));
	g->something = arena_alloc(d->arena, (had->n_ns + 1) * sizeof(*g->something));
	if (!g->ns || !g->unit_goes || !g->something) {
		d->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < had->n_ns; i++) {
		const char *name = had->ns[i].name;

		if (!name) {
			g->ns[i] = 0;
			continue;
		}
		if (table_get_str(&d->wanted_ns, name, &g->ns[i])) {
			g->unit_goes[i] = g->ns[i] >= d->in->want->n_ns;
			continue;
		}
		g->ns[i] = d->p->n_ns++;
		g->unit_goes[i] = true;
		d->p->ns[g->ns[i]] = had->ns[i];
		d->p->ns[g->ns[i]].cookie = 0;
		if (table_add_str(&d->wanted_ns, name, g->ns[i], NULL) < 0)
			d->no_memory = true;
	}
	return !d->no_memory;
}

static void gone_of(struct gone *g)
{
	struct diff *d = g->d;
	char key[KEY_MAX];

	if (!place_namespaces(g))
		return;
	/* in the reverse order of their making */
	for (size_t i = g->had->n_ops; i-- > 0;) {
		const struct op *op = &g->had->ops[i];
		size_t unit = g->ns[op->unit];
		bool done;

		if (diff_skips(d, g->had, op->unit) ||
		    table_get_str(&d->want_keys, op_key(g->had, op, key, sizeof(key)), NULL))
			continue;
		if (g->unit_goes[op->unit]) {
			done = unit_thing_goes(g, op, unit);
			g->something[op->unit] |= done;
			/* its namespace was made first */
			if (op->kind == OP_NETNS && g->something[op->unit])
				diff_say(d, '-', unit, NULL);
		} else {
			done = is_here(g, op) ? goes_here(g, op, unit) : thing_goes(g, op, unit);
		}
		/* once, where two former files have it; but one may be there as only one of them says */
		if (done && table_add_str(&d->want_keys, diff_printf(d, "%s", key), 0, NULL) < 0)
			d->no_memory = true;
	}
}

void diff_gone(struct diff *d)
{
	for (size_t i = 0; i < d->in->n_had && !d->no_memory; i++) {
		struct gone g = {.d = d, .had = d->in->had[i]};

		gone_of(&g);
	}
	diff_routes_end(d);
}
