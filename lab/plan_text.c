/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations in words. */
#include <assert.h>

#include "base/cleanup.h"
#include "lab/plan.h"

static const char *const kind_names[] = {
	[OP_NETNS] = "namespace",
	[OP_SYSCTL] = "sysctl",
	[OP_BRIDGE] = "bridge",
	[OP_VETH] = "veth",
	[OP_PORT] = "port",
	[OP_ADDRESS] = "address",
	[OP_LINK_UP] = "up",
	[OP_ROUTE] = "route",
	[OP_TUNNEL_START] = "tunnel-process",
	[OP_TUNNEL] = "tunnel",
	[OP_TUNNEL_SET] = "tunnel-settings",
	[OP_NAPT] = "napt",
	[OP_FILE] = "file",
	[OP_RUN] = "program",
	[OP_MTU] = "mtu",
	[OP_LINK_DEL] = "link-removed",
	[OP_LINKS_DEL] = "links-removed",
	[OP_ADDRESS_DEL] = "address-removed",
	[OP_ROUTE_DEL] = "route-removed",
	[OP_NAPT_DEL] = "napt-removed",
	[OP_UNDO] = "removed",
};
static_assert(ARRAY_SIZE(kind_names) == OP_KINDS, "a name for every kind of operation");

const char *op_kind_name(enum op_kind kind)
{
	return kind_names[kind];
}

static void describe_route(const struct op *op, FILE *out)
{
	char to[IP_PREFIX_STRLEN], via[INET6_ADDRSTRLEN];

	fprintf(out, "route %s",
		op->route.to.len ? ip_prefix_format(&op->route.to, to) : "default");
	if (op->route.has_via)
		fprintf(out, " via %s", ip_addr_format(&op->route.via, via));
	if (op->ifname)
		fprintf(out, " dev %s", op->ifname);
	if (op->route.has_metric)
		fprintf(out, " metric %u", op->route.metric);
	if (op->route.table != 254)
		fprintf(out, " table %u", op->route.table);
}

static void describe_tunnel_set(const struct plan_tunnel *k, const struct tunnel_change *change,
				FILE *out)
{
	size_t n = k->tenant ? k->tenant->n_peers : k->tunnel->n_peers;

	if (change) {
		fprintf(out, "change of WireGuard settings of %s", k->ifname->name);
		return;
	}
	fprintf(out, "WireGuard settings of %s: ", k->ifname->name);
	if (k->tenant || k->tunnel->has_listen_port)
		fprintf(out, "port %d, ",
			k->tenant ? k->tenant->listen_port : k->tunnel->listen_port);
	fprintf(out, "%zu %s", n, n == 1 ? "peer" : "peers");
}

void op_describe(const struct plan *p, const struct op *op, FILE *out)
{
	char prefix[IP_PREFIX_STRLEN];

	switch (op->kind) {
	case OP_NETNS:
		fprintf(out, "namespace %s", p->ns[op->ns].name);
		break;
	case OP_SYSCTL:
		fprintf(out, "sysctl %s = %s", op->sysctl.key,
			op->sysctl.value ? op->sysctl.value : "as in a new namespace");
		break;
	case OP_BRIDGE:
		fprintf(out, "bridge %s", op->ifname);
		break;
	case OP_VETH:
		fprintf(out, "veth %s - %s in %s", op->ifname, op->veth.peer,
			p->ns[op->veth.peer_ns].subject);
		break;
	case OP_PORT:
		fprintf(out, "%s on bridge %s%s", op->ifname, op->port.bridge,
			op->port.isolated ? ", isolated" : "");
		break;
	case OP_ADDRESS:
		fprintf(out, "address %s on %s", ip_prefix_format(&op->address, prefix),
			op->ifname);
		break;
	case OP_LINK_UP:
		fprintf(out, "%s up", op->ifname);
		break;
	case OP_ROUTE:
		describe_route(op, out);
		break;
	case OP_TUNNEL_START:
		fprintf(out, "wireguard-go for %s in %s", op->ifname,
			p->ns[op->tunnel->home].subject);
		break;
	case OP_TUNNEL:
		fprintf(out, "WireGuard interface %s, its socket in %s", op->ifname,
			p->ns[op->tunnel->birth].subject);
		break;
	case OP_TUNNEL_SET:
		describe_tunnel_set(op->tunnel, op->change, out);
		break;
	case OP_NAPT:
		fprintf(out, "NAPT rules");
		break;
	case OP_FILE:
		fprintf(out, "file %s", op->file.path);
		break;
	case OP_RUN:
		fprintf(out, "program %s",
			op->run->argv[1] && op->run->argv[2] ? op->run->argv[2] : op->run->argv[0]);
		break;
	case OP_MTU:
		fprintf(out, "mtu %u of %s", op->mtu, op->ifname);
		break;
	case OP_LINK_DEL:
		fprintf(out, "removing %s", op->ifname);
		break;
	case OP_LINKS_DEL:
		fprintf(out, "removing %zu links", op->links.n);
		break;
	case OP_ADDRESS_DEL:
		fprintf(out, "removing address %s from %s", ip_prefix_format(&op->address, prefix),
			op->ifname);
		break;
	case OP_ROUTE_DEL:
		fprintf(out, "removing ");
		describe_route(op, out);
		break;
	case OP_NAPT_DEL:
		fprintf(out, "removing the NAPT rules");
		break;
	case OP_UNDO:
		fprintf(out, "removing %s", op->undo.what);
		break;
	case OP_KINDS:
		break;
	}
}
