/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/diff_units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/load.h"

/* one of the plans */
struct side {
	const struct plan *p;
	struct table by_subject;
	size_t *first, *next; /* per unit, per operation: a list; n_ops ends it */
};

/* --- what the file says of a unit -------------------------------------------------------------- */

static void write_key(FILE *out, const struct key *k)
{
	fwrite(&k->present, sizeof(k->present), 1, out);
	fwrite(k->bytes, 1, sizeof(k->bytes), out);
}

/* a reference to another tunnel says nothing of the key that it stands for */
static void write_keys(FILE *out, const struct key *own, const struct peer *peers, size_t n)
{
	write_key(out, own);
	for (size_t i = 0; i < n; i++) {
		write_key(out, &peers[i].public_key);
		write_key(out, &peers[i].preshared_key);
	}
}

static void write_unit(const struct plan *p, size_t unit, FILE *out)
{
	const struct host *h = p->ns[unit].host;
	const struct tenant *t = p->ns[unit].tenant;

	topology_print_part(p->topology, h, t, out);
	if (t)
		write_keys(out, &t->private_key, t->peers, t->n_peers);
	for (size_t i = 0; h && !t && i < h->n_tunnels; i++)
		write_keys(out, &h->tunnels[i].private_key, h->tunnels[i].peers,
			   h->tunnels[i].n_peers);
}

/* returns 1: the same; 0; -ENOMEM */
static int says_the_same(const struct plan *const p[2], const size_t unit[2])
{
	char *text[2] = {NULL, NULL};
	size_t len[2] = {0, 0};
	int r = 0;

	for (int i = 0; i < 2 && !r; i++) {
		FILE *f = open_memstream(&text[i], &len[i]);

		if (f)
			write_unit(p[i], unit[i], f);
		if (!f || fclose(f) != 0)
			r = -ENOMEM;
	}
	if (!r)
		r = len[0] == len[1] && !memcmp(text[0], text[1], len[0]);
	free(text[0]);
	free(text[1]);
	return r;
}

/* --- what is done for it ------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_ns(const struct plan *const p[2], size_t a, size_t b)
{
	return same_text(p[0]->ns[a].name, p[1]->ns[b].name);
}

/* Numbers of links are chosen anew each time; what is only the file's is looked at elsewhere. */
static bool is_alike(const struct plan *const p[2], const struct op *a, const struct op *b)
{
	if (a->kind != b->kind || !same_ns(p, a->ns, b->ns) || !same_text(a->ifname, b->ifname))
		return false;
	switch (a->kind) {
	case OP_SYSCTL:
		return !strcmp(a->sysctl.key, b->sysctl.key) &&
		       same_text(a->sysctl.value, b->sysctl.value);
	case OP_BRIDGE:
		return a->bridge.mtu == b->bridge.mtu;
	case OP_VETH:
		return a->veth.mtu == b->veth.mtu && !strcmp(a->veth.peer, b->veth.peer) &&
		       same_ns(p, a->veth.peer_ns, b->veth.peer_ns);
	case OP_PORT:
		return a->port.isolated == b->port.isolated &&
		       (a->port.pooled || !strcmp(a->port.bridge, b->port.bridge));
	case OP_ADDRESS:
		return a->address.len == b->address.len &&
		       !ip_addr_cmp(&a->address.addr, &b->address.addr);
	case OP_LINK_UP:
		return a->up.mtu == b->up.mtu && a->up.ipv6 == b->up.ipv6;
	case OP_TUNNEL_START:
	case OP_TUNNEL:
		return a->tunnel->mtu == b->tunnel->mtu &&
		       same_ns(p, a->tunnel->birth, b->tunnel->birth);
	case OP_FILE:
		return !strcmp(a->file.path, b->file.path) && !strcmp(a->file.text, b->file.text);
	default:
		return true;
	}
}

static bool does_the_same(const struct side s[2], const size_t unit[2])
{
	const struct plan *const p[2] = {s[0].p, s[1].p};
	size_t a = s[0].first[unit[0]], b = s[1].first[unit[1]];

	while (a < p[0]->n_ops && b < p[1]->n_ops && is_alike(p, &p[0]->ops[a], &p[1]->ops[b])) {
		a = s[0].next[a];
		b = s[1].next[b];
	}
	return a == p[0]->n_ops && b == p[1]->n_ops;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int index_units(struct side *s)
{
	const struct plan *p = s->p;

	s->first = calloc(p->n_ns + 1, sizeof(*s->first));
	s->next = calloc(p->n_ops + 1, sizeof(*s->next));
	if (!s->first || !s->next)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_ns; i++) {
		s->first[i] = p->n_ops;
		if (table_add_str(&s->by_subject, p->ns[i].subject, i, NULL) < 0)
			return -ENOMEM;
	}
	for (size_t i = p->n_ops; i-- > 0;) {
		s->next[i] = s->first[p->ops[i].unit];
		s->first[p->ops[i].unit] = i;
	}
	return 0;
}

/* one whose words count for other units as well */
static bool is_ground(const struct plan_ns *ns)
{
	return ns->kind == UNIT_NETWORKS || ns->kind == UNIT_GATEWAY;
}

static size_t count_bridges(const struct side *s, size_t unit)
{
	size_t n = 0;

	for (size_t i = s->first[unit]; i < s->p->n_ops; i = s->next[i])
		n += s->p->ops[i].kind == OP_BRIDGE;
	return n;
}

static int add_differing(const struct side *from, const struct side *to, struct table *ret,
			 bool *all)
{
	const struct plan *const p[2] = {from->p, to->p};
	const struct side s[2] = {*from, *to};

	for (size_t i = 0; i < from->p->n_ns; i++) {
		const struct plan_ns *ns = &from->p->ns[i];
		size_t both[2] = {i, 0};
		const bool is_there = table_get_str(&to->by_subject, ns->subject, &both[1]);
		const bool alike = is_there && does_the_same(s, both);
		const int same = alike || (is_there && is_ground(ns)) ? says_the_same(p, both) : 0;

		if (same < 0)
			return same;
		/* who was on the bridge that goes is found out by looking */
		*all |= is_ground(ns) &&
			(!same ||
			 (is_there && count_bridges(from, i) < count_bridges(to, both[1])));
		if (!(alike && same) && table_add_str(ret, ns->subject, 0, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* what is only in the second plan */
static int add_missing(const struct side *from, const struct side *to, struct table *ret)
{
	for (size_t i = 0; i < to->p->n_ns; i++)
		if (!table_get_str(&from->by_subject, to->p->ns[i].subject, NULL) &&
		    table_add_str(ret, to->p->ns[i].subject, 0, NULL) < 0)
			return -ENOMEM;
	return 0;
}

static void side_clear(struct side *s)
{
	table_free(&s->by_subject);
	free(s->first);
	free(s->next);
}

int units_differing(const struct plan *want, const struct plan *had, struct table *ret,
		    bool *ret_all, struct err *e)
{
	struct side from = {.p = want}, to = {.p = had};
	bool all = false;
	int r = index_units(&from);

	if (!r)
		r = index_units(&to);
	if (!r)
		r = add_differing(&from, &to, ret, &all);
	if (!r)
		r = add_missing(&from, &to, ret);
	side_clear(&from);
	side_clear(&to);
	if (r < 0)
		return err_code(e, -r, "compare");
	*ret_all = all;
	return 0;
}

/* --- where they act ---------------------------------------------------------------------------------- */

/* the other namespace that an operation is about, or the same */
static size_t other_ns(const struct op *op)
{
	if (op->kind == OP_VETH)
		return op->veth.peer_ns;
	return op->kind == OP_TUNNEL ? op->tunnel->birth : op->ns;
}

/* a namespace without a name is the caller's */
static const char *ns_name(const struct plan *p, size_t ns)
{
	return p->ns[ns].name ? p->ns[ns].name : "";
}

int units_namespaces(const struct plan *from, const struct table *units, const struct plan *p,
		     bool *marked, struct err *e)
{
	struct table names = TABLE_INIT;
	int r = 0;

	for (size_t i = 0; i < p->n_ns && r >= 0; i++)
		r = table_add_str(&names, ns_name(p, i), i, NULL);
	for (size_t i = 0; i < from->n_ops && r >= 0; i++) {
		const struct op *op = &from->ops[i];
		size_t at;

		if (!table_get_str(units, from->ns[op->unit].subject, NULL))
			continue;
		if (table_get_str(&names, ns_name(from, op->ns), &at))
			marked[at] = true;
		if (table_get_str(&names, ns_name(from, other_ns(op)), &at))
			marked[at] = true;
	}
	table_free(&names);
	return r < 0 ? err_code(e, -r, "compare") : 0;
}
