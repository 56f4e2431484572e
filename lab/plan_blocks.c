/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a plan are made of: operations, namespaces, interface numbers. */
#include <stdlib.h>
#include <string.h>

#include "lab/names.h"
#include "lab/plan_build.h"

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
	ops[b->p->n_ops] = (struct op){.kind = kind, .ns = ns, .unit = b->unit};
	b->p->n_ops++;
	needs(b, ns);
	return &ops[b->p->n_ops - 1];
}

uint32_t build_index(struct build *b, size_t ns)
{
	return b->next_index[ns]++;
}

size_t build_ns(struct build *b, const char *name, enum unit_kind kind, const struct host *host,
		const struct tenant *tenant)
{
	const char *what = tenant ? tenant->name : host ? host->name : NULL;
	static const char *const words[] = {
		[UNIT_NETWORKS] = "networks",
		[UNIT_HOST] = "host",
		[UNIT_GATEWAY] = "host",
		[UNIT_TENANT] = "tenant",
	};
	struct plan *p = b->p;
	struct plan_ns *ns = &p->ns[p->n_ns];

	ns->name = name;
	ns->kind = kind;
	ns->host = host;
	ns->tenant = tenant;
	ns->subject = what ? arena_printf(p->arena, "%s %s", words[kind], what) : words[kind];
	b->no_memory |= !ns->subject;
	b->next_index[p->n_ns] = name ? PLAN_FIRST_INDEX : b->o->first_index;
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

void build_end_up(struct build *b, size_t ns, const struct ifname *end, uint32_t index, bool ipv6)
{
	build_link_up(b, ns, end->name, index, 0, ipv6);
	if (!b->no_memory)
		b->p->ops[b->p->n_ops - 1].up.full = end->full;
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

static bool segment_name_taken(struct build *b, const char *name)
{
	const struct topology *t = b->p->topology;

	for (size_t i = 0; i < t->n_networks; i++)
		if (!strcmp(t->networks[i].name, name))
			return true;
	return table_get_str(&b->port_names, name, NULL);
}

/* depends on @full alone, so that a link keeps its name when others come and go */
void build_segment_name(struct build *b, struct ifname *name, const char *full)
{
	unsigned int probe = 0;

	name->full = full;
	if (!full) {
		b->no_memory = true;
		return;
	}
	name_shorten(full, probe, name->name);
	while (full && segment_name_taken(b, name->name) && ++probe < 100) {
		/* one that fits has no other: a longer one has */
		if (strlen(full) <= IF_NAME_MAX)
			full = arena_printf(b->p->arena, "%s-warren-port", full);
		if (full)
			name_shorten(full, probe, name->name);
	}
	if (table_add_str(&b->port_names, name->name, 0, NULL) < 0)
		b->no_memory = true;
}

void build_veth(struct build *b, const struct veth_ends *v)
{
	struct op *op = build_op(b, OP_VETH, v->ns);

	op->ifname = v->ifname->name;
	op->index = v->index;
	op->veth.peer_ns = v->peer_ns;
	op->veth.peer = v->peer->name;
	op->veth.peer_index = v->peer_index;
	op->veth.mtu = v->mtu;
	needs(b, v->peer_ns);
}

void build_port(struct build *b, size_t ns, const struct ifname *port, uint32_t index,
		const struct known_if *bridge, bool isolated)
{
	struct op *op = build_op(b, OP_PORT, ns);

	op->ifname = port->name;
	op->index = index;
	op->port.full = port->full;
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

struct op *build_tunnel_op(struct build *b, enum op_kind kind, const struct plan_tunnel *k)
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
	build_tunnel_op(b, OP_TUNNEL_START, k);
	needs(b, k->birth);
}

void build_tunnel_up(struct build *b, const struct plan_tunnel *k, bool ipv6)
{
	build_tunnel_op(b, OP_TUNNEL, k);
	needs(b, k->birth);
	build_link_up(b, k->home, k->ifname->name, k->index, 0, ipv6);
}

bool prefix_list_has_v6(const struct prefix_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].addr.family == AF_INET6)
			return true;
	return false;
}

/* the host's interface called @name; one that we did not make has number 0 */
struct known_if build_find_if(const struct build *b, size_t h, const char *name)
{
	const struct build_host *bh = &b->hosts[h];

	for (size_t i = 0; i < bh->n_ifs; i++)
		if (!strcmp(bh->ifs[i].name, name))
			return bh->ifs[i];
	return (struct known_if){name, 0};
}
