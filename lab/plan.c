/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_build.h"

/* kernels may put devices of their own (tunl0, sit0 …) into a new namespace: stay clear of them */
#define FIRST_INDEX 16

const char *plan_altname(const struct topology *t, const char *ifname,
			 char buf[static ALT_NAME_MAX + 1])
{
	snprintf(buf, ALT_NAME_MAX + 1, "warren.%s.%s", t->name, ifname);
	return buf;
}

/* --- building blocks ----------------------------------------------------------- */

static void needs(struct build *b, size_t ns)
{
	b->p->ns[ns].last_op = b->p->n_ops - 1;
}

struct op *build_op(struct build *b, enum op_kind kind, size_t ns)
{
	static struct op nowhere;
	struct op *ops = arena_grow(b->p->arena, b->p->ops, b->p->n_ops, sizeof(*ops));

	if (!ops) {
		b->no_memory = true;
		nowhere = (struct op){0};
		return &nowhere;
	}
	b->p->ops = ops;
	ops[b->p->n_ops] = (struct op){.kind = kind, .ns = ns};
	b->p->n_ops++;
	needs(b, ns);
	return &ops[b->p->n_ops - 1];
}

uint32_t build_index(struct build *b, size_t ns)
{
	return b->next_index[ns]++;
}

size_t build_ns(struct build *b, const char *name, const char *kind, const char *what)
{
	struct plan *p = b->p;
	struct plan_ns *ns = &p->ns[p->n_ns];

	ns->name = name;
	ns->subject = what ? arena_printf(p->arena, "%s %s", kind, what) : kind;
	b->no_memory |= !ns->subject;
	b->next_index[p->n_ns] = name ? FIRST_INDEX : b->o->first_index;
	return p->n_ns++;
}

void build_sysctl(struct build *b, size_t ns, const char *key, const char *value)
{
	struct op *op = build_op(b, OP_SYSCTL, ns);

	op->sysctl.key = key;
	op->sysctl.value = value;
	b->no_memory |= !key || !value;
}

void build_link_up(struct build *b, size_t ns, const char *ifname, uint32_t index, uint32_t mtu,
		   bool ipv6)
{
	struct op *op = build_op(b, OP_LINK_UP, ns);

	op->ifname = ifname;
	op->index = index;
	op->up.mtu = mtu;
	op->up.ipv6 = ipv6;
}

void build_lo_up(struct build *b, size_t ns)
{
	build_link_up(b, ns, "lo", 1, 0, true);
}

void build_addresses(struct build *b, size_t ns, const char *ifname, uint32_t index,
		     const struct prefix_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct op *op = build_op(b, OP_ADDRESS, ns);

		op->ifname = ifname;
		op->index = index;
		op->address = list->v[i];
	}
}

void build_veth(struct build *b, const struct veth_ends *v)
{
	struct op *op = build_op(b, OP_VETH, v->ns);

	op->ifname = v->ifname->name;
	op->index = v->index;
	op->veth.full = v->ifname->full;
	op->veth.peer_ns = v->peer_ns;
	op->veth.peer = v->peer->name;
	op->veth.peer_full = v->peer->full;
	op->veth.peer_index = v->peer_index;
	op->veth.mtu = v->mtu;
	needs(b, v->peer_ns);
}

void build_port(struct build *b, size_t ns, const struct known_if *port,
		const struct known_if *bridge, bool isolated)
{
	struct op *op = build_op(b, OP_PORT, ns);

	op->ifname = port->name;
	op->index = port->index;
	op->port.bridge = bridge->name;
	op->port.bridge_index = bridge->index;
	op->port.isolated = isolated;
}

struct op *build_route(struct build *b, size_t ns, const char *dev, uint32_t index,
		       const struct ip_prefix *to)
{
	struct op *op = build_op(b, OP_ROUTE, ns);

	op->ifname = dev;
	op->index = index;
	op->route.to = *to;
	op->route.index = index;
	op->route.table = 254;
	return op;
}

struct plan_tunnel *build_tunnel(struct build *b, const struct ifname *ifname, size_t home,
				 size_t birth, uint32_t mtu)
{
	struct plan *p = b->p;
	struct plan_tunnel **list, *k = arena_alloc(p->arena, sizeof(*k));

	list = arena_grow(p->arena, p->tunnels, p->n_tunnels, sizeof(struct plan_tunnel *));
	if (!k || !list) {
		static struct plan_tunnel nowhere;

		b->no_memory = true;
		return &nowhere;
	}
	p->tunnels = list;
	list[p->n_tunnels++] = k;
	*k = (struct plan_tunnel){.number = p->n_tunnels - 1,
				  .ifname = ifname,
				  .home = home,
				  .birth = birth,
				  .mtu = mtu};
	return k;
}

static struct op *tunnel_op(struct build *b, enum op_kind kind, const struct plan_tunnel *k)
{
	struct op *op = build_op(b, kind, k->home);

	op->ifname = k->ifname->name;
	op->index = k->index;
	op->tunnel = k;
	return op;
}

void build_tunnel_start(struct build *b, const struct plan_tunnel *k)
{
	if (b->o->backend != BACKEND_USERSPACE)
		return;
	tunnel_op(b, OP_TUNNEL_START, k);
	needs(b, k->birth);
}

void build_tunnel_up(struct build *b, const struct plan_tunnel *k, bool ipv6)
{
	tunnel_op(b, OP_TUNNEL, k);
	needs(b, k->birth);
	build_link_up(b, k->home, k->ifname->name, k->index, 0, ipv6);
}

/*
 * Keys and peers come when packets can flow: a peer with a keepalive shakes hands at once, and
 * tries again five seconds later only.  The namespaces are opened once more for it.
 */
static void build_tunnels_set(struct build *b)
{
	for (size_t i = 0; i < b->p->n_tunnels && !b->no_memory; i++) {
		const struct plan_tunnel *k = b->p->tunnels[i];
		size_t last = b->p->ns[k->home].last_op;

		tunnel_op(b, OP_TUNNEL_SET, k);
		b->p->ns[k->home].last_op = last;
	}
}

bool prefix_list_has_v6(const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].addr.family == AF_INET6)
			return true;
	return false;
}

/* --- networks ----------------------------------------------------------------------- */

/* one namespace of the lab's own holds a bridge for each segment */
static void build_networks(struct build *b)
{
	const struct topology *t = b->p->topology;

	b->networks_ns =
		build_ns(b, arena_printf(b->p->arena, "%s-networks", t->name), "networks", NULL);
	build_op(b, OP_NETNS, b->networks_ns);
	for (size_t i = 0; i < t->n_networks; i++) {
		struct ifname *name = arena_alloc(b->p->arena, sizeof(*name));
		struct op *op;

		if (!name) {
			b->no_memory = true;
			return;
		}
		/* the file's name may be too long for an interface, or look like a port's */
		name->full = t->networks[i].name;
		if (strlen(name->full) <= IF_NAME_MAX && name->full[0] != 'p')
			snprintf(name->name, sizeof(name->name), "%s", name->full);
		else
			snprintf(name->name, sizeof(name->name), "segment%zu", i % 10000000);
		op = build_op(b, OP_BRIDGE, b->networks_ns);
		op->ifname = name->name;
		op->index = build_index(b, b->networks_ns);
		op->bridge.full = name->full;
		op->bridge.mtu = t->networks[i].mtu;
		b->networks[i] = (struct known_if){name->name, op->index};
	}
}

static void raise_networks(struct build *b)
{
	const struct topology *t = b->p->topology;

	for (size_t i = 0; i < t->n_networks; i++)
		build_link_up(b, b->networks_ns, b->networks[i].name, b->networks[i].index, 0,
			      false);
}

/* --- the whole ----------------------------------------------------------------------- */

static size_t count_ns(const struct topology *t)
{
	size_t n = 1 + t->n_hosts;

	for (size_t i = 0; i < t->n_hosts; i++)
		n += t->hosts[i].gateway ? t->hosts[i].gateway->n_tenants : 0;
	return n;
}

static int build_window(struct build *b, size_t first, size_t end, struct err *e)
{
	int r = 0;

	for (size_t i = first; i < end && !r; i++)
		r = build_host(b, i, e);
	for (size_t i = first; i < end && !r; i++)
		build_host_rest(b, i);
	return r;
}

static int build_all(struct build *b, struct err *e)
{
	const struct topology *t = b->p->topology;
	const struct host *only = b->o->host;
	size_t first = only ? (size_t)(only - t->hosts) : 0;
	size_t end = only ? first + 1 : t->n_hosts;
	int r = 0;

	if (!only && t->n_networks)
		build_networks(b);
	for (size_t i = first; i < end && !r && !b->no_memory; i += TUNNEL_WINDOW)
		r = build_window(b, i, i + TUNNEL_WINDOW < end ? i + TUNNEL_WINDOW : end, e);
	if (!only && t->n_networks)
		raise_networks(b);
	build_tunnels_set(b);
	for (size_t i = first; i < end && !r; i++)
		build_host_runs(b, i);
	return r;
}

int plan_build(const struct topology *t, const struct plan_options *o, struct plan **ret,
	       struct err *e)
{
	struct arena *arena = arena_new(0);
	struct plan *p = arena ? arena_alloc(arena, sizeof(*p)) : NULL;
	struct build b = {.p = p, .o = o};
	size_t n = count_ns(t);
	int r;

	if (!p) {
		arena_free(arena);
		return err_code(e, ENOMEM, "plan");
	}
	*p = (struct plan){.arena = arena,
			   .topology = t,
			   .backend = o->backend,
			   .here = o->host != NULL,
			   .first_index = o->first_index};
	p->ns = arena_alloc(arena, n * sizeof(*p->ns));
	b.next_index = arena_alloc(arena, n * sizeof(*b.next_index));
	b.networks = arena_alloc(arena, (t->n_networks + 1) * sizeof(*b.networks));
	b.hosts = arena_alloc(arena, t->n_hosts * sizeof(*b.hosts));
	b.no_memory = !p->ns || !b.next_index || !b.networks || !b.hosts;
	r = b.no_memory ? -ENOMEM : build_all(&b, e);
	if (b.no_memory)
		r = err_code(e, ENOMEM, "plan");
	if (r < 0) {
		plan_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void plan_free(struct plan *p)
{
	if (p)
		arena_free(p->arena);
}
