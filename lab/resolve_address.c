/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addresses: each where it belongs, and only once */
#include <arpa/inet.h>
#include <stdio.h>

#include "lab/resolve.h"

const struct ip_prefix *prefix_around(const struct prefix_list *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n && i < PREFIXES_MAX; i++)
		if (ip_prefix_contains(&list->v[i], a))
			return &list->v[i];
	return NULL;
}

/* IPv4's all-ones and all-zeros addresses (RFC 1122), IPv6's anycast address of routers */
bool is_reserved_address(const struct ip_prefix *net, const struct ip_addr *a)
{
	struct ip_prefix n = ip_prefix_network(net);
	uint32_t host;

	if (net->len + 1U >= ip_addr_bits(&net->addr)) /* /31, /32: RFC 3021 */
		return false;
	if (ip_addr_cmp(&n.addr, a) == 0)
		return true;
	if (a->family != AF_INET)
		return false;
	host = net->len ? 0xffffffff >> net->len : 0xffffffff;
	return (ntohl(a->v4.s_addr) & host) == host;
}

struct hint known_prefixes(const struct prefix_list *list, int family)
{
	struct hint h = {.s = ""};
	char buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < list->n && !h.s[0]; i++) {
		struct ip_prefix net = ip_prefix_network(&list->v[i]);

		if (net.addr.family == family)
			snprintf(h.s, sizeof(h.s), " (take one of %s)",
				 ip_prefix_format(&net, buf));
	}
	if (!h.s[0])
		snprintf(h.s, sizeof(h.s), " (it has no IPv%d)", family == AF_INET ? 4 : 6);
	return h;
}

static void limit_prefixes(struct load *ld, const struct prefix_list *list, const char *what)
{
	if (list->n > PREFIXES_MAX)
		diag(ld, list->src[PREFIXES_MAX], "%s has more than %d prefixes", what,
		     PREFIXES_MAX);
}

/* --- networks and bridges ------------------------------------------------------------------ */

static void check_network(struct resolving *r, const struct network *net)
{
	const struct prefix_list *list = &net->prefixes;
	char a[IP_PREFIX_STRLEN], b[IP_PREFIX_STRLEN];

	limit_prefixes(r->ld, list, "a network");
	for (size_t i = 1; i < list->n && i < PREFIXES_MAX; i++)
		for (size_t k = 0; k < i; k++)
			if (ip_prefix_overlap(&list->v[i], &list->v[k]))
				diag(r->ld, list->src[i], "prefix %s overlaps with %s",
				     ip_prefix_format(&list->v[i], a),
				     ip_prefix_format(&list->v[k], b));
}

static void claim(struct resolving *r, enum space space, size_t a, size_t b,
		  const struct ip_addr *addr, const struct src *src, const char *on)
{
	char text[INET6_ADDRSTRLEN];
	size_t old;

	if (!index_add(r, space, a, b, addr->bytes, ip_addr_size(addr), src_value(src), &old))
		diag(r->ld, *src, "address %s is used twice on %s (%s has it)",
		     ip_addr_format(addr, text), show(on).s, where(r->ld, *src, src_from(old)).s);
}

static void check_attachment(struct resolving *r, const struct attachment *a)
{
	const struct network *net;
	char buf[INET6_ADDRSTRLEN];

	if (a->network == NOT_FOUND)
		return;
	net = &r->t->networks[a->network];
	for (size_t i = 0; i < a->addresses.n; i++) {
		const struct ip_addr *addr = &a->addresses.v[i].addr;
		const struct ip_prefix *p = prefix_around(&net->prefixes, addr);

		ip_addr_format(addr, buf);
		if (!p && net->prefixes.n)
			diag(r->ld, a->addresses.src[i], "%s is outside network `%s`%s", buf,
			     show(net->name).s, known_prefixes(&net->prefixes, addr->family).s);
		else if (p && is_reserved_address(p, addr))
			diag(r->ld, a->addresses.src[i],
			     "%s is the address of network `%s` itself or its broadcast address",
			     buf, show(net->name).s);
		claim(r, SPACE_SEGMENT, a->network, 0, addr, &a->addresses.src[i], net->name);
	}
}

static void check_bridge(struct resolving *r, size_t host, size_t index)
{
	const struct bridge *b = &r->t->hosts[host].bridges[index];
	char buf[INET6_ADDRSTRLEN];

	limit_prefixes(r->ld, &b->addresses, "a bridge");
	for (size_t i = 0; i < b->addresses.n; i++) {
		const struct ip_prefix *p = &b->addresses.v[i];

		if (is_reserved_address(p, &p->addr))
			diag(r->ld, b->addresses.src[i],
			     "%s is a network's own or broadcast address (take another)",
			     ip_addr_format(&p->addr, buf));
		claim(r, SPACE_ON_BRIDGE, host, index, &p->addr, &b->addresses.src[i],
		      b->ifname.full);
	}
}

static void check_napt_addresses(struct resolving *r, size_t host, const struct bridge *b,
				 struct tenant *t)
{
	size_t bridge = r->t->hosts[host].gateway->bridge;
	char buf[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < t->napt_addresses.n; i++) {
		struct ip_prefix *p = &t->napt_addresses.v[i];
		struct src src = t->napt_addresses.src[i];
		const struct ip_prefix *around = prefix_around(&b->addresses, &p->addr);

		ip_addr_format(&p->addr, buf);
		if (!around) {
			diag(r->ld, src, "%s is outside bridge `%s`%s", buf, show(b->ifname.full).s,
			     known_prefixes(&b->addresses, p->addr.family).s);
		} else {
			p->len = around->len;
			if (is_reserved_address(around, &p->addr))
				diag(r->ld, src,
				     "%s is the network's own or broadcast address on bridge `%s`",
				     buf, show(b->ifname.full).s);
		}
		claim(r, SPACE_ON_BRIDGE, host, bridge, &p->addr, &t->napt_addresses.src[i],
		      b->ifname.full);
	}
}

static void check_tunnel_addresses(struct resolving *r, const struct tunnel *tun)
{
	const struct prefix_list *list = &tun->addresses;
	char buf[INET6_ADDRSTRLEN];

	limit_prefixes(r->ld, list, "a tunnel");
	for (size_t i = 1; i < list->n && i < PREFIXES_MAX; i++)
		for (size_t k = 0; k < i; k++)
			if (ip_addr_cmp(&list->v[i].addr, &list->v[k].addr) == 0)
				diag(r->ld, list->src[i],
				     "address %s is given twice (take one out)",
				     ip_addr_format(&list->v[i].addr, buf));
}

void resolve_addresses(struct resolving *r)
{
	struct topology *t = r->t;

	for (size_t i = 0; i < t->n_networks; i++)
		check_network(r, &t->networks[i]);
	for (size_t i = 0; i < t->n_hosts && !r->ld->stop; i++) {
		struct host *h = &t->hosts[i];
		struct gateway *g = h->gateway;

		for (size_t k = 0; k < h->n_attachments; k++)
			check_attachment(r, &h->attachments[k]);
		for (size_t k = 0; k < h->n_bridges; k++)
			check_bridge(r, i, k);
		for (size_t k = 0; k < h->n_tunnels; k++)
			check_tunnel_addresses(r, &h->tunnels[k]);
		for (size_t k = 0; g && g->bridge != NOT_FOUND && k < g->n_tenants; k++)
			check_napt_addresses(r, i, &h->bridges[g->bridge], &g->tenants[k]);
	}
}
