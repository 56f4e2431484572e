/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Before a difference is looked for: which bridges tenants are on, and what numbers links have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/diff_build.h"

/* --- numbers ----------------------------------------------------------------------------------------- */

struct numbers {
	struct diff *d;
	uint32_t *next; /* per namespace */
};

static int number_link(struct numbers *n, size_t ns, const char *name, uint32_t index)
{
	const char *key = diff_printf(n->d, "%zu %s", ns, name);

	return table_set(&n->d->made_links, key, strlen(key), index) < 0 ? -ENOMEM : 0;
}

static uint32_t number_of(const struct numbers *n, size_t ns, const char *name, uint32_t otherwise)
{
	char key[64];
	size_t index;

	snprintf(key, sizeof(key), "%zu %s", ns, name);
	return table_get_str(&n->d->made_links, key, &index) ? (uint32_t)index : otherwise;
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

int diff_settle_ports(struct diff *d)
{
	int r = 0;

	for (size_t i = 0; i < d->in->want->n_ns && !r; i++)
		if (d->in->want->ns[i].kind == UNIT_GATEWAY && diff_ns(d, i)->ours)
			r = settle_ports(d, i);
	return r;
}

bool diff_makes_link(const struct diff *d, size_t ns, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "%zu %s", ns, name);
	return table_get_str(&d->made_links, key, NULL);
}

static int list_addresses(struct diff *d)
{
	const struct plan *p = d->in->want;

	d->first_address = arena_alloc(d->arena, (p->n_ns + 1) * sizeof(*d->first_address));
	d->next_address = arena_alloc(d->arena, (p->n_ops + 1) * sizeof(*d->next_address));
	if (!d->first_address || !d->next_address)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_ns; i++)
		d->first_address[i] = p->n_ops;
	for (size_t i = p->n_ops; i-- > 0;) {
		if (p->ops[i].kind != OP_ADDRESS)
			continue;
		d->next_address[i] = d->first_address[p->ops[i].ns];
		d->first_address[p->ops[i].ns] = i;
	}
	return 0;
}

int diff_renumber(struct diff *d)
{
	struct plan *p = d->in->want;
	struct numbers n = {.d = d};

	n.next = arena_alloc(d->arena, (p->n_ns + 1) * sizeof(*n.next));
	if (!n.next)
		return -ENOMEM;
	first_numbers(&n);
	for (size_t i = 0; i < p->n_ops; i++) {
		const size_t unit = p->ops[i].unit;

		/* a tenant's links are nobody else's business */
		if (p->ns[unit].kind != UNIT_TENANT || !diff_skips(d, p, unit))
			number_op(&n, &p->ops[i]);
	}
	/* the start of a tunnel comes before its interface in the plan */
	for (size_t i = 0; i < p->n_ops; i++)
		if (p->ops[i].kind == OP_TUNNEL_START)
			p->ops[i].index = p->ops[i].tunnel->index;
	return d->no_memory ? -ENOMEM : list_addresses(d);
}
