/* SPDX-License-Identifier: GPL-2.0-or-later */
/* networks, and hosts with what any host has; the rest of a host: lab/read_{wg,gateway,plain}.c */
#include <string.h>

#include "base/cleanup.h"
#include "lab/names.h"
#include "lab/read.h"

#define MTU_MIN 576
#define MTU_MAX 65535

static void check_netns_name(struct load *ld, const char *name, struct src src)
{
	if (!name_is_netns(name))
		diag(ld, src,
		     "bad name `%s` (letters, digits, `.`, `_` and `-`, 64 at most, beginning with "
		     "a letter or digit)",
		     show(name).s);
}

static bool check_interface_name(struct load *ld, const char *name, struct src src)
{
	if (name_is_interface(name))
		return true;
	diag(ld, src,
	     "bad interface name `%s` (no blanks, `/`, `:` or `%%`, 127 bytes at most, and not lo, "
	     "all or default)",
	     show(name).s);
	return false;
}

/* --- networks -------------------------------------------------------------------------- */

static void network_prefixes(struct load *ld, const struct node *n, void *obj)
{
	read_prefixes(ld, n, PREFIX_NETWORK, &((struct network *)obj)->prefixes);
}

static void network_mtu(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, MTU_MIN, MTU_MAX, &((struct network *)obj)->mtu);
}

static void read_network(struct load *ld, const char *name, const struct node *key,
			 const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"prefixes", network_prefixes, OPTIONAL},
		{"mtu", network_mtu, OPTIONAL},
	};
	struct topology *t = ld->t;
	struct network net = {.src = src_of(key), .name = name}, *v;

	(void)obj;
	check_netns_name(ld, name, net.src);
	read_map(ld, value, "a network", fields, ARRAY_SIZE(fields), &net);
	v = grow(ld, net.src, t->networks, t->n_networks, sizeof(*v));
	if (!v)
		return;
	t->networks = v;
	t->networks[t->n_networks++] = net;
}

void read_networks(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_network, obj);
}

/* --- a host's interfaces on segments ---------------------------------------------------- */

struct attaching {
	struct attachment a;
	size_t index; /* that it will have in its host */
};

static void attachment_interface(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	if (name && check_interface_name(ld, name, src_of(n)))
		((struct attaching *)obj)->a.ifname.full = name;
}

static void attachment_address(struct load *ld, const struct node *n, void *obj)
{
	struct attaching *at = obj;
	struct ip_prefix p;

	if (!read_prefix(ld, n, PREFIX_ANY, &p))
		return;
	if (n->kind == NODE_SCALAR && !strchr(n->text, '/'))
		ref_add(ld, REF_LENGTH, src_of(n), NULL, at->index, at->a.addresses.n);
	prefix_add(ld, &at->a.addresses, src_of(n), &p);
}

static void attachment_addresses(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, attachment_address, obj);
}

static void read_attachment(struct load *ld, const char *name, const struct node *key,
			    const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"interface", attachment_interface, OPTIONAL},
		{"addresses", attachment_addresses, OPTIONAL},
	};
	struct host *h = obj;
	struct attaching at = {.a = {.src = src_of(key)}, .index = h->n_attachments};
	struct attachment *v;

	ref_add(ld, REF_NETWORK, at.a.src, name, h->n_attachments, 0);
	ld->key = "networks";
	if (value->kind == NODE_LIST)
		attachment_addresses(ld, value, &at);
	else
		read_map(ld, value, "an interface", fields, ARRAY_SIZE(fields), &at);
	if (!at.a.ifname.full)
		at.a.ifname.full = arena_printf(ld->out, "eth%zu", h->n_attachments);
	if (!at.a.ifname.full)
		too_big(ld, at.a.src);
	v = grow(ld, at.a.src, h->attachments, h->n_attachments, sizeof(*v));
	if (!v)
		return;
	h->attachments = v;
	h->attachments[h->n_attachments++] = at.a;
}

static void host_networks(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_attachment, obj);
}

/* --- bridges --------------------------------------------------------------------------- */

static void bridge_addresses(struct load *ld, const struct node *n, void *obj)
{
	read_prefixes(ld, n, PREFIX_HOST, &((struct bridge *)obj)->addresses);
}

static void bridge_mtu(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, MTU_MIN, MTU_MAX, &((struct bridge *)obj)->mtu);
}

static void read_bridge(struct load *ld, const char *name, const struct node *key,
			const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"addresses", bridge_addresses, OPTIONAL},
		{"mtu", bridge_mtu, OPTIONAL},
	};
	struct host *h = obj;
	struct bridge b = {.src = src_of(key), .ifname.full = name}, *v;

	check_interface_name(ld, name, b.src);
	if (value->kind == NODE_LIST)
		bridge_addresses(ld, value, &b);
	else
		read_map(ld, value, "a bridge", fields, ARRAY_SIZE(fields), &b);
	v = grow(ld, b.src, h->bridges, h->n_bridges, sizeof(*v));
	if (!v)
		return;
	h->bridges = v;
	h->bridges[h->n_bridges++] = b;
}

static void host_bridges(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_bridge, obj);
}

/* --- hosts ----------------------------------------------------------------------------- */

static void host_netns(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	if (!name)
		return;
	check_netns_name(ld, name, src_of(n));
	((struct host *)obj)->netns = name;
}

static void host_routes(struct load *ld, const struct node *n, void *obj)
{
	struct host *h = obj;

	read_routes(ld, n, &h->routes, &h->n_routes);
}

static void host_forwarding(struct load *ld, const struct node *n, void *obj)
{
	read_bool(ld, n, &((struct host *)obj)->forwarding);
}

static void proxy_arp_interface(struct load *ld, const struct node *n, void *obj)
{
	struct string_list *list = obj;
	const char *name = read_text(ld, n, EXPAND_NAME);
	const char **v = name ? grow(ld, src_of(n), list->v, list->n, sizeof(*v)) : NULL;

	if (!v)
		return;
	list->v = v;
	ref_add(ld, REF_PROXY_ARP, src_of(n), name, list->n, 0);
	list->v[list->n++] = name;
}

static void host_proxy_arp(struct load *ld, const struct node *n, void *obj)
{
	struct host *h = obj;

	if (n->kind == NODE_LIST)
		read_list(ld, n, proxy_arp_interface, &h->proxy_arp_ifs);
	else
		read_bool(ld, n, &h->proxy_arp);
}

static void read_host(struct load *ld, const char *name, const struct node *key,
		      const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"netns", host_netns, OPTIONAL},         {"networks", host_networks, OPTIONAL},
		{"bridges", host_bridges, OPTIONAL},     {"routes", host_routes, OPTIONAL},
		{"proxy_arp", host_proxy_arp, OPTIONAL}, {"forwarding", host_forwarding, OPTIONAL},
		{"sysctls", read_sysctls, OPTIONAL},     {"wireguard", read_wireguard, OPTIONAL},
		{"napt", read_host_napt, OPTIONAL},      {"run", read_runs, OPTIONAL},
		{"gateway", read_gateway, OPTIONAL},
	};
	struct topology *t = ld->t;
	struct host h = {.src = src_of(key), .name = name, .netns = name}, *v;

	(void)obj;
	check_netns_name(ld, name, h.src);
	ld->host = t->n_hosts;
	read_map(ld, value, "a host", fields, ARRAY_SIZE(fields), &h);
	v = grow(ld, h.src, t->hosts, t->n_hosts, sizeof(*v));
	if (!v)
		return;
	t->hosts = v;
	t->hosts[t->n_hosts++] = h;
}

void read_hosts(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_host, obj);
}
