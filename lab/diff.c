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
	return d->in->only_unit && strcmp(d->in->only_unit, p->ns[unit].subject);
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
	char text[IP_PREFIX_STRLEN], mark[128];

	switch (op->kind) {
	case OP_SYSCTL:
		snprintf(buf, size, "%s %s %s", kind, ns, op->sysctl.key);
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
		char *kept = arena_strdup(d->arena, op_key(p, &p->ops[i], key, sizeof(key)));

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

/* --- numbers ----------------------------------------------------------------------------------------- */

struct numbers {
	struct diff *d;
	struct table known; /* "NS IF" */
	uint32_t *next;     /* per namespace */
};

static int number_link(struct numbers *n, size_t ns, const char *name, uint32_t index)
{
	const char *key = diff_printf(n->d, "%zu %s", ns, name);

	return table_set(&n->known, key, strlen(key), index) < 0 ? -ENOMEM : 0;
}

static uint32_t number_of(const struct numbers *n, size_t ns, const char *name, uint32_t otherwise)
{
	char key[64];
	size_t index;

	snprintf(key, sizeof(key), "%zu %s", ns, name);
	return table_get_str(&n->known, key, &index) ? (uint32_t)index : otherwise;
}

/* the number of a link that the plan makes: the one it has, or the next; free in @other as well */
static uint32_t choose_number(struct numbers *n, size_t ns, const char *name, size_t other)
{
	const struct link_seen *l = seen_link(n->d->in->seen, ns, name);
	uint32_t index = l ? l->index : n->next[ns] > n->next[other] ? n->next[ns] : n->next[other];

	if (!l)
		n->next[ns] = n->next[other] = index + 1;
	if (number_link(n, ns, name, index) < 0)
		n->d->no_memory = true;
	return index;
}

static void first_numbers(struct numbers *n)
{
	const struct plan *p = n->d->in->want;

	for (size_t i = 0; i < p->n_ns; i++) {
		const struct links_seen *l = &diff_ns(n->d, i)->net.links;

		n->next[i] = PLAN_FIRST_INDEX;
		if (!p->ns[i].name && p->first_index > n->next[i])
			n->next[i] = p->first_index;
		for (size_t k = 0; k < l->n; k++)
			if (l->v[k].index >= n->next[i])
				n->next[i] = l->v[k].index + 1;
	}
}

static void number_op(struct numbers *n, struct op *op)
{
	struct plan *p = n->d->in->want;

	switch (op->kind) {
	case OP_BRIDGE:
		op->index = choose_number(n, op->ns, op->ifname, op->ns);
		break;
	case OP_VETH:
		op->index = choose_number(n, op->ns, op->ifname, op->ns);
		op->veth.peer_index =
			choose_number(n, op->veth.peer_ns, op->veth.peer, op->veth.peer_ns);
		break;
	case OP_TUNNEL:
		p->tunnels[op->tunnel->number]->index =
			choose_number(n, op->ns, op->ifname, op->tunnel->birth);
		op->index = op->tunnel->index;
		break;
	case OP_PORT:
		op->port.bridge_index =
			number_of(n, op->ns, op->port.bridge, op->port.bridge_index);
		op->index = number_of(n, op->ns, op->ifname, op->index);
		break;
	default:
		if (op->ifname)
			op->index = number_of(n, op->ns, op->ifname, op->index);
		if (op->kind == OP_ROUTE)
			op->route.index = op->index;
	}
}

/* --- tenants' bridges ------------------------------------------------------------------------ */

/* how many ports of tenants a bridge has, and may have */
struct room {
	const char *bridge;
	size_t used, planned;
};

struct rooms {
	struct room *v;
	size_t n;
};

static struct room *room_of(const struct rooms *r, const char *bridge)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].bridge, bridge))
			return &r->v[i];
	return NULL;
}

static const char *name_of_link(const struct diff *d, size_t ns, uint32_t index)
{
	const struct links_seen *l = &diff_ns(d, ns)->net.links;

	for (size_t i = 0; index && i < l->n; i++)
		if (l->v[i].index == index && !strcmp(l->v[i].kind, "bridge"))
			return l->v[i].name;
	return NULL;
}

/* the bridge of @ns where a port of a tenant is now, if it is one of those it may be on */
static struct room *room_now(const struct diff *d, const struct rooms *r, const struct op *op)
{
	const struct link_seen *l = seen_link(d->in->seen, op->ns, op->ifname);
	const char *bridge = l ? name_of_link(d, op->ns, l->master) : NULL;

	return bridge ? room_of(r, bridge) : NULL;
}

/*
 * A plan fills the bridges of a gateway in the order of its tenants.  Those that are on one of them
 * stay there; those that come take the places that are free.
 */
static int settle_ports(struct diff *d, size_t ns)
{
	struct plan *p = d->in->want;
	struct rooms r = {0};
	size_t most = 0;

	for (size_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];
		struct room *room, *grown;

		if (op->kind != OP_PORT || op->ns != ns || !op->port.pooled)
			continue;
		room = room_of(&r, op->port.bridge);
		if (!room) {
			grown = arena_grow(d->arena, r.v, r.n, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			r.v = grown;
			room = &r.v[r.n++];
			room->bridge = op->port.bridge;
		}
		if (++room->planned > most)
			most = room->planned;
	}
	for (size_t pass = 0; pass < 2 && r.n > 1; pass++) {
		for (size_t i = 0; i < p->n_ops; i++) {
			struct op *op = &p->ops[i];
			struct room *room;

			if (op->kind != OP_PORT || op->ns != ns || !op->port.pooled)
				continue;
			room = room_now(d, &r, op);
			if ((room != NULL) != (pass == 0))
				continue;
			for (size_t k = 0; !room && k < r.n; k++)
				if (r.v[k].used < (k ? BRIDGE_UPLINKED : BRIDGE_TENANTS))
					room = &r.v[k];
			if (!room)
				continue;
			room->used++;
			op->port.bridge = room->bridge;
		}
	}
	return 0;
}

static int settle_all_ports(struct diff *d)
{
	int r = 0;

	for (size_t i = 0; i < d->in->want->n_ns && !r; i++)
		if (d->in->want->ns[i].kind == UNIT_GATEWAY && diff_ns(d, i)->ours)
			r = settle_ports(d, i);
	return r;
}

static int renumber(struct diff *d)
{
	struct plan *p = d->in->want;
	struct numbers n = {.d = d};

	n.next = arena_alloc(d->arena, (p->n_ns + 1) * sizeof(*n.next));
	if (!n.next)
		return -ENOMEM;
	first_numbers(&n);
	for (size_t i = 0; i < p->n_ops; i++)
		number_op(&n, &p->ops[i]);
	/* the start of a tunnel comes before its interface in the plan */
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->ops[i].kind == OP_TUNNEL_START)
			p->ops[i].index = p->ops[i].tunnel->index;
	table_free(&n.known);
	return d->no_memory ? -ENOMEM : 0;
}

/* --- what is wanted -------------------------------------------------------------------------------------- */

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
	diff_undo(d, op->ns, journal_find(&d->in->seen->netns, name), STAGE_CLEAR,
		  diff_printf(d, "what is left of namespace %s", name));
	diff_emit(d, op, STAGE_MAKE);
	d->is_new[op->ns] = true;
	c = diff_say(d, diff_had(d, p, op) ? '~' : '+', op->unit, NULL);
	if (c->sign == '~')
		c->because = diff_printf(d, "namespace %s is gone: made anew", name);
	return 0;
}

/* as the kernel prints them, with tabs, or as people write them */
static bool same_value(const char *a, const char *b)
{
	while (*a || *b) {
		size_t x = strspn(a, " \t\n"), y = strspn(b, " \t\n");

		if ((x || y) && (!x || !y) && a[x] && b[y])
			return false;
		a += x;
		b += y;
		if (*a != *b)
			return false;
		if (*a)
			a++, b++;
	}
	return true;
}

/* is each of the comma-separated @items among @list? */
static bool has_items(const char *list, const char *items)
{
	while (*items) {
		size_t len = strcspn(items, ",");
		const char *at = list;
		bool found = false;

		for (; *at && !found; at += strcspn(at, ","), at += *at == ',')
			found = strcspn(at, ",") == len && !strncmp(at, items, len);
		if (!found)
			return false;
		items += len;
		items += *items == ',';
	}
	return true;
}

/* is it about an interface, net.ipv4.conf.IF.…, that is made in the course of this? */
static bool is_of_new_link(const struct diff *d, const struct op *op)
{
	const char *conf = strstr(op->sysctl.key, "conf");

	return d->gone_links.n && conf && strncmp(conf + 5, "all", 3) &&
	       strncmp(conf + 5, "default", 7);
}

static void diff_sysctl(struct diff *d, const struct op *op, const struct op_seen *seen)
{
	const char *was = seen->value;
	struct change *c;

	if (was && !is_of_new_link(d, op) &&
	    (op->sysctl.append && d->in->want->ns[op->ns].name == NULL
		     ? has_items(was, op->sysctl.value)
		     : same_value(was, op->sysctl.value)))
		return;
	diff_emit(d, op, STAGE_MAKE);
	if (d->is_new[op->unit])
		return;
	c = diff_say(d, '~', op->unit, diff_printf(d, "sysctl %s", op->sysctl.key));
	c->from = was;
	c->to = op->sysctl.value;
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
		diff_sysctl(d, op, seen);
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
	int r = rank(d, a->op.unit) - rank(d, b->op.unit);

	if (!r && a->op.unit != b->op.unit)
		r = a->op.unit < b->op.unit ? -1 : 1;
	if (!r)
		r = (int)a->stage - (int)b->stage;
	return r ? r : a->seq < b->seq ? -1 : 1;
}

static int finish(struct diff *d)
{
	struct plan *p = d->p;

	if (d->no_memory)
		return -ENOMEM;
	if (d->n_ops)
		qsort_r(d->ops, d->n_ops, sizeof(*d->ops), by_turn, d);
	p->ops = arena_alloc(d->arena, (d->n_ops + 1) * sizeof(*p->ops));
	if (!p->ops)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_ops; i++) {
		struct op *op = &p->ops[i];

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

	if (!r)
		r = settle_all_ports(&d);
	if (!r)
		r = renumber(&d);
	if (r < 0)
		err_code(e, -r, "compare");
	for (size_t i = 0; i < in->want->n_ops && !r; i++)
		if (!diff_skips(&d, in->want, in->want->ops[i].unit))
			r = diff_op(&d, i, e);
	if (!r)
		diff_gone(&d);
	if (!r && (r = finish(&d)) < 0)
		err_code(e, -r, "compare");
	table_free(&d.want_keys);
	table_free(&d.had_keys);
	table_free(&d.gone_links);
	table_free(&d.wanted_ns);
	if (r < 0) {
		arena_free(d.arena);
		return r;
	}
	*ret = (struct difference){.plan = d.p, .changes = d.changes, .n_changes = d.n_changes};
	return 0;
}

void difference_clear(struct difference *d)
{
	plan_free(d->plan);
	*d = (struct difference){0};
}
