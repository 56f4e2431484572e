/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference in links, addresses and routes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/diff_build.h"

#define DEFAULT_MTU 1500

/* a wanted link that is there and stays */
static const struct link_seen *staying(const struct diff *d, size_t ns, const char *name)
{
	return diff_is_gone(d, ns, name) ? NULL : seen_link(d->in->seen, ns, name);
}

/* it is to be made: say so, unless that goes without saying */
static void make(struct diff *d, const struct op *op)
{
	const bool is_link = op->kind == OP_BRIDGE || op->kind == OP_VETH;
	const struct plan *p = d->in->want;
	struct change *c;

	diff_emit(d, op, STAGE_MAKE);
	if (d->is_new[op->unit] || d->is_new[op->ns])
		return;
	/* what hangs on a link that is made again comes with it */
	if (!is_link && op->ifname && diff_is_gone(d, op->ns, op->ifname) && diff_had(d, p, op))
		return;
	c = diff_say(d, diff_had(d, p, op) ? '~' : '+', op->unit, diff_words(d, p, op));
	if (c->sign == '~')
		c->because = "it is missing";
}

static int is_taken(const struct diff *d, const struct op *op, const char *what, struct err *e)
{
	err_set(e, EEXIST, "%s: interface %s is there already, and is no %s",
		d->in->want->ns[op->unit].subject, op->ifname, what);
	err_hint(e, "remove or rename it, or give another name in the file");
	return err_kind_set(e, ERR_CANNOT);
}

/* below this the kernel takes IPv6 off a link; what it puts there afterwards knows nothing of before */
#define IPV6_MIN_MTU 1280

void diff_mtu(struct diff *d, const struct op *op, size_t ns, const char *ifname,
	      const struct link_seen *l, uint32_t mtu)
{
	struct op change = {.kind = OP_MTU, .ns = ns, .unit = op->unit, .ifname = ifname};
	struct change *c;

	change.index = l->index;
	change.mtu = mtu ? mtu : DEFAULT_MTU;
	if (l->mtu == change.mtu)
		return;
	diff_emit(d, &change, STAGE_MAKE);
	if (l->mtu < IPV6_MIN_MTU && change.mtu >= IPV6_MIN_MTU &&
	    table_add_str(&d->ipv6_anew, diff_printf(d, "%zu %s", ns, ifname), 0, NULL) < 0)
		d->no_memory = true;
	c = diff_say(d, '~', op->unit, diff_printf(d, "mtu of %s", ifname));
	c->from = diff_printf(d, "%u", l->mtu);
	c->to = diff_printf(d, "%u", change.mtu);
}

bool diff_is_ipv6_anew(const struct diff *d, size_t ns, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "%zu %s", ns, name);
	return d->ipv6_anew.n && table_get_str(&d->ipv6_anew, key, NULL);
}

static int diff_bridge(struct diff *d, const struct op *op, struct err *e)
{
	const struct link_seen *l = seen_link(d->in->seen, op->ns, op->ifname);

	if (!l) {
		/* its number is new: what hangs on it is to be made, its ports put on it again */
		diff_link_goes(d, op->ns, op->ifname);
		make(d, op);
		return 0;
	}
	if (strcmp(l->kind, "bridge"))
		return is_taken(d, op, "bridge", e);
	diff_mtu(d, op, op->ns, op->ifname, l, op->bridge.mtu);
	return 0;
}

/* one end of a pair whose other end is not where it belongs */
static int clear_end(struct diff *d, const struct op *op, size_t ns, const char *name,
		     struct err *e)
{
	const struct link_seen *l = seen_link(d->in->seen, ns, name);
	struct op del = {.kind = OP_LINK_DEL, .ns = ns, .unit = op->unit, .ifname = name};

	diff_link_goes(d, ns, name);
	if (!l)
		return 0;
	if (strcmp(l->kind, "veth"))
		return is_taken(d, op, "veth", e);
	del.index = l->index;
	diff_emit(d, &del, STAGE_CLEAR);
	return 0;
}

static int diff_veth(struct diff *d, const struct op *op, struct err *e)
{
	const struct link_seen *a = seen_link(d->in->seen, op->ns, op->ifname);
	const struct link_seen *b = seen_link(d->in->seen, op->veth.peer_ns, op->veth.peer);
	int r;

	if (a && b && a->peer == b->index && b->peer == a->index) {
		diff_mtu(d, op, op->ns, op->ifname, a, op->veth.mtu);
		diff_mtu(d, op, op->veth.peer_ns, op->veth.peer, b, op->veth.mtu);
		return 0;
	}
	r = clear_end(d, op, op->ns, op->ifname, e);
	if (!r)
		r = clear_end(d, op, op->veth.peer_ns, op->veth.peer, e);
	if (!r)
		make(d, op);
	return r;
}

static struct op *drifted(struct diff *d, const struct op *op, const char *object,
			  const char *because)
{
	struct op *o = diff_emit(d, op, STAGE_MAKE);

	if (!d->is_new[op->unit] && !d->is_new[op->ns])
		diff_say(d, '~', op->unit, object)->because = because;
	return o;
}

static void diff_port(struct diff *d, const struct op *op)
{
	const struct link_seen *l = staying(d, op->ns, op->ifname);
	struct op *o = NULL;

	if (!l)
		diff_emit(d, op, STAGE_MAKE); /* with the link itself */
	else if (diff_is_gone(d, op->ns, op->port.bridge) || l->master != op->port.bridge_index)
		(o = drifted(d, op, op->ifname,
			     diff_printf(d, "it is not on bridge %s", op->port.bridge)))
			->port.move = l->master && l->up;
	else if (l->isolated != op->port.isolated)
		o = drifted(d, op, op->ifname,
			    op->port.isolated ? "it is not isolated" : "it is isolated");
	else if (!l->up)
		o = drifted(d, op, op->ifname, "it is down");
	else if (diff_is_ipv6_anew(d, op->ns, op->ifname))
		o = diff_emit(d, op, STAGE_MAKE); /* which takes the link-local address off */
	if (o)
		o->port.there = true;
}

/* tunnels are born without a link-local address, kernel's and userspace's alike */
static bool is_tunnel(const struct link_seen *l)
{
	return !strcmp(l->kind, "tun") || !strcmp(l->kind, "wireguard");
}

/* by way of the setting: that makes the address, or leaves it out, at once */
static void set_autoconf(struct diff *d, const struct op *op, bool on)
{
	struct op set = {.kind = OP_SYSCTL, .ns = op->ns, .unit = op->unit};

	set.sysctl.key = diff_printf(d, "net/ipv6/conf/%s/addr_gen_mode", op->ifname);
	set.sysctl.value = on ? "0" : "1";
	diff_emit(d, &set, STAGE_MAKE);
}

static void diff_autoconf(struct diff *d, const struct op *op, const struct link_seen *l)
{
	const bool on = op->up.ipv6 && !is_tunnel(l);
	struct change *c;

	if (diff_is_ipv6_anew(d, op->ns, op->ifname) && !on)
		set_autoconf(d, op, on);
	if (!l->inet6 || l->loopback || on != l->no_autoconf || is_tunnel(l))
		return;
	set_autoconf(d, op, on);
	c = diff_say(d, '~', op->unit, diff_printf(d, "link-local IPv6 address of %s", op->ifname));
	c->from = on ? "off" : "on";
	c->to = on ? "on" : "off";
}

static void diff_up(struct diff *d, const struct op *op)
{
	const struct link_seen *l = staying(d, op->ns, op->ifname);

	if (!l)
		diff_emit(d, op, STAGE_MAKE);
	else if (!l->up)
		drifted(d, op, op->ifname, "it is down");
	else
		diff_autoconf(d, op, l);
}

/* an IPv6 address cannot be on a link twice: one of another length makes way */
static void clear_address(struct diff *d, const struct op *op, const struct link_seen *l)
{
	for (size_t i = 0; i < l->n_addresses; i++) {
		struct op del = *op;

		if (op->address.addr.family != AF_INET6 ||
		    ip_addr_cmp(&l->addresses[i].addr, &op->address.addr))
			continue;
		del.kind = OP_ADDRESS_DEL;
		del.address = l->addresses[i];
		diff_emit(d, &del, STAGE_CLEAR);
	}
}

static void diff_address(struct diff *d, const struct op *op)
{
	const struct link_seen *l = staying(d, op->ns, op->ifname);

	if (l && link_has_address(l, &op->address))
		return;
	/* on the machine's own links it is the machine's */
	if (l && (d->in->want->ns[op->ns].name || op->index >= d->in->want->first_index))
		clear_address(d, op, l);
	make(d, op);
}

/* the kernel gives IPv6 routes without a metric one of 1024 */
uint32_t diff_metric(const struct route_spec *r)
{
	uint32_t usual = r->to.addr.family == AF_INET6 ? 1024 : 0;

	return r->has_metric && r->metric ? r->metric : usual;
}

static bool same_target(const struct route_spec *a, const struct route_spec *b)
{
	return a->table == b->table && a->to.len == b->to.len &&
	       !ip_addr_cmp(&a->to.addr, &b->to.addr) && diff_metric(a) == diff_metric(b);
}

static bool same_way(const struct route_spec *want, const struct route_spec *is)
{
	return want->has_via == is->has_via &&
	       (!want->has_via || !ip_addr_cmp(&want->via, &is->via)) &&
	       (!want->index || want->index == is->index);
}

/* does it leave by a link that goes? */
static bool goes_with_link(const struct diff *d, size_t ns, const struct route_spec *is)
{
	const struct links_seen *links = &diff_ns(d, ns)->net.links;

	for (size_t i = 0; d->gone_links.n && i < links->n; i++)
		if (links->v[i].index == is->index)
			return diff_is_gone(d, ns, links->v[i].name);
	return false;
}

/* the link whose network the next hop is on; 0: none of those that the file gives an address */
static uint32_t link_towards(const struct diff *d, const struct op *op)
{
	const struct plan *p = d->in->want;
	const struct op *best = NULL;

	for (size_t i = d->first_address[op->ns]; i < p->n_ops; i = d->next_address[i]) {
		const struct op *a = &p->ops[i];

		if (ip_prefix_contains(&a->address, &op->route.via) &&
		    (!best || a->address.len > best->address.len))
			best = a;
	}
	return best ? best->index : 0;
}

static void diff_route(struct diff *d, const struct op *wanted)
{
	const struct netns_seen *net = &diff_ns(d, wanted->ns)->net;
	const struct route_spec *other = NULL;
	char via[INET6_ADDRSTRLEN];
	struct op route = *wanted, *op = &route;
	struct change *c;

	/* else the kernel would choose, and perhaps a link that is to go */
	if (!op->ifname && op->route.has_via)
		op->route.index = link_towards(d, op);
	for (size_t i = 0; i < net->n_routes && !d->is_new[op->ns]; i++) {
		const struct route_spec *is = &net->routes[i];

		if (!same_target(&op->route, is) || goes_with_link(d, op->ns, is))
			continue;
		if (same_way(&op->route, is))
			return;
		other = is;
	}
	if (!other) {
		make(d, op);
		return;
	}
	diff_emit(d, op, STAGE_MAKE)->replace_route = true;
	c = diff_say(d, '~', op->unit, diff_words(d, d->in->want, op));
	c->because =
		other->has_via && (!op->route.has_via || ip_addr_cmp(&other->via, &op->route.via))
			? diff_printf(d, "it goes by %s", ip_addr_format(&other->via, via))
			: "it goes another way";
}

/* --- what goes with an address -------------------------------------------------------------- */

static bool has_wanted_ipv4(const struct diff *d, size_t ns, const char *ifname)
{
	const struct plan *p = d->in->want;

	for (size_t i = d->first_address[ns]; i < p->n_ops; i = d->next_address[i])
		if (p->ops[i].address.addr.family == AF_INET && !strcmp(p->ops[i].ifname, ifname))
			return true;
	return false;
}

/* with the last IPv4 address of a link the kernel removes the IPv4 routes that leave by it */
void diff_address_goes(struct diff *d, const struct op *del)
{
	if (del->address.addr.family == AF_INET && !has_wanted_ipv4(d, del->ns, del->ifname) &&
	    table_add_str(&d->bare_links, diff_printf(d, "%zu %s", del->ns, del->ifname), 0, NULL) <
		    0)
		d->no_memory = true;
}

void diff_routes_end(struct diff *d)
{
	const struct plan *p = d->in->want;
	char key[64];

	for (size_t i = 0; d->bare_links.n && i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind != OP_ROUTE || !op->ifname || op->route.to.addr.family != AF_INET)
			continue;
		snprintf(key, sizeof(key), "%zu %s", op->ns, op->ifname);
		if (table_get_str(&d->bare_links, key, NULL))
			diff_emit(d, op, STAGE_END)->replace_route = true;
	}
}

int diff_link_op(struct diff *d, const struct op *op, struct err *e)
{
	switch (op->kind) {
	case OP_BRIDGE:
		return diff_bridge(d, op, e);
	case OP_VETH:
		return diff_veth(d, op, e);
	case OP_PORT:
		diff_port(d, op);
		return 0;
	case OP_ADDRESS:
		diff_address(d, op);
		return 0;
	case OP_LINK_UP:
		diff_up(d, op);
		return 0;
	case OP_ROUTE:
		diff_route(d, op);
		return 0;
	default:
		return err_set(e, EINVAL, "not an operation that is compared");
	}
}
