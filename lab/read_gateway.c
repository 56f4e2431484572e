/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the concentrator: its pools and its tenants */
#include <string.h>

#include "base/cleanup.h"
#include "lab/names.h"
#include "lab/read.h"

#define TUNNEL_MTU_MIN 496 /* 576, the least of a network, less 80 */
#define LABEL_MAX      256 /* bytes */

struct gatewaying {
	struct gateway g;
	struct pool pool;
};

/* --- tenants --------------------------------------------------------------------------- */

static void tenant_listen_port(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	if (read_port(ld, n, &t->listen_port))
		ref_add(ld, REF_PORT, src_of(n), NULL, 0, 0);
}

static void tenant_napt_addresses(struct load *ld, const struct node *n, void *obj)
{
	read_prefixes(ld, n, PREFIX_ANY, &((struct tenant *)obj)->napt_addresses);
}

static void tenant_peers(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	read_peers(ld, n, ld->tenant, &t->peers, &t->n_peers);
}

static void tenant_private_key(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	t->has_own_key = true;
	read_key(ld, n, &t->private_key);
}

static void tenant_private_key_file(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	t->has_own_key = true;
	t->private_key_file = read_path(ld, n);
}

static void tenant_routes(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;

	read_routes(ld, n, &t->routes, &t->n_routes);
}

static void tenant_dns_server(struct load *ld, const struct node *n, void *obj)
{
	struct tenant *t = obj;
	struct ip_addr a, *v;

	if (!read_address(ld, n, &a))
		return;
	v = grow(ld, src_of(n), t->dns, t->n_dns, sizeof(*v));
	if (!v)
		return;
	t->dns = v;
	t->dns[t->n_dns++] = a;
}

static void tenant_dns(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, tenant_dns_server, obj);
}

static void tenant_label(struct load *ld, const char *name, const struct node *key,
			 const struct node *value, void *obj)
{
	struct tenant *t = obj;
	struct label l = {.key = name, .value = read_words(ld, value, EXPAND_VALUE)}, *v;

	if (!l.value)
		return;
	if (!*name || strlen(name) > LABEL_MAX || strlen(l.value) > LABEL_MAX) {
		diag(ld, src_of(key), "a label has to have 1 to %d bytes on both sides", LABEL_MAX);
		return;
	}
	v = grow(ld, src_of(key), t->labels, t->n_labels, sizeof(*v));
	if (!v)
		return;
	t->labels = v;
	t->labels[t->n_labels++] = l;
}

static void tenant_labels(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, tenant_label, obj);
}

static void tenant_netns(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	if (name && !name_is_netns(name))
		diag(ld, src_of(n), "bad name `%s` (letters, digits, `.`, `_` and `-`, 64 at most)",
		     show(name).s);
	((struct tenant *)obj)->netns = name;
}

/* in what topology_print() writes: the number that the tenant had in its range */
static void tenant_number(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 0, UINT32_MAX, &((struct tenant *)obj)->number);
}

static void tenant_interfaces(struct load *ld, struct tenant *t)
{
	/* a name that is too long has been refused: cut, it fits an alternative name all the same */
	t->tunnel_if.full = arena_printf(ld->out, "wg-%.*s", NETNS_NAME_MAX, t->name);
	t->outside_if.full = arena_printf(ld->out, "eth-%.*s-nsB", NETNS_NAME_MAX, t->name);
	t->bridge_if.full = arena_printf(ld->out, "eth-%.*s-nsA", NETNS_NAME_MAX, t->name);
	if (!t->tunnel_if.full || !t->outside_if.full || !t->bridge_if.full)
		too_big(ld, t->src);
}

void read_tenant(struct load *ld, const char *name, const struct node *key,
		 const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"private_key", tenant_private_key, OPTIONAL},
		{"private_key_file", tenant_private_key_file, OPTIONAL},
		{"listen_port", tenant_listen_port, OPTIONAL},
		{"napt_addresses", tenant_napt_addresses, OPTIONAL},
		{"peers", tenant_peers, OPTIONAL},
		{"routes", tenant_routes, OPTIONAL},
		{"forwards", read_forwards, OPTIONAL},
		{"limits", read_limits, OPTIONAL},
		{"napt", read_tenant_napt, OPTIONAL},
		{"dns", tenant_dns, OPTIONAL},
		{"labels", tenant_labels, OPTIONAL},
		{"netns", tenant_netns, OPTIONAL},
		{"number", tenant_number, OPTIONAL},
	};
	struct gateway *g = obj;
	struct tenant t = {.src = src_of(key), .name = name, .netns = name}, *v;
	uint64_t seen;

	if (!name_is_netns(name))
		diag(ld, t.src, "bad name `%s` (letters, digits, `.`, `_` and `-`, 64 at most)",
		     show(name).s);
	t.number = strchr(key->text, '{') && ld->scope.set && ld->scope.n <= UINT32_MAX
			   ? (uint32_t)ld->scope.n
		   : ld->filed ? 0 /* its place comes and goes with others */
			       : (uint32_t)g->n_tenants;
	ld->tenant = g->n_tenants;
	seen = read_map(ld, value, "a tenant", fields, ARRAY_SIZE(fields), &t);
	ld->tenant = NOT_A_TENANT;
	if ((seen & 3) == 3)
		diag(ld, t.src, "both `private_key` and `private_key_file` (take one out)");
	if (!t.netns)
		t.netns = name;
	tenant_interfaces(ld, &t);
	v = grow(ld, t.src, g->tenants, g->n_tenants, sizeof(*v));
	if (!v)
		return;
	g->tenants = v;
	g->tenants[g->n_tenants++] = t;
}

/* --- pools ----------------------------------------------------------------------------- */

static void pool_ports(struct load *ld, const struct node *n, void *obj)
{
	struct pool *p = &((struct gatewaying *)obj)->pool;

	p->src_ports = src_of(n);
	p->has_ports = read_ports(ld, n, &p->port_first, &p->port_last);
}

/* "A-B" */
static bool parse_range(const char *text, struct ip_range *ret)
{
	const char *dash = strchr(text, '-');
	char first[INET6_ADDRSTRLEN];

	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	return ip_addr_parse(first, &ret->first) == 0 && ip_addr_parse(dash + 1, &ret->last) == 0 &&
	       ret->first.family == ret->last.family && ip_addr_cmp(&ret->first, &ret->last) <= 0;
}

struct ip_range prefix_range(const struct ip_prefix *p)
{
	struct ip_prefix net = ip_prefix_network(p);
	struct ip_range r = {.first = net.addr, .last = net.addr};

	for (unsigned int bit = p->len; bit < ip_addr_bits(&net.addr); bit++)
		r.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return r;
}

static void pool_range(struct load *ld, const struct node *n, void *obj)
{
	struct pool *pool = &((struct gatewaying *)obj)->pool;
	const char *text = read_text(ld, n, EXPAND_VALUE);
	struct ip_range r, *v;
	struct ip_prefix p;

	if (!text)
		return;
	if (!parse_range(text, &r)) {
		if (ip_prefix_parse(text, &p) < 0 || ip_prefix_has_host_bits(&p)) {
			diag(ld, src_of(n),
			     "`%s` is not a pool of addresses (write 192.0.2.0/24 or "
			     "192.0.2.10-192.0.2.99)",
			     show(text).s);
			return;
		}
		r = prefix_range(&p);
	}
	r.src = src_of(n);
	v = grow(ld, r.src, pool->addresses, pool->n_addresses, sizeof(*v));
	if (!v)
		return;
	pool->addresses = v;
	pool->addresses[pool->n_addresses++] = r;
}

static void pool_addresses(struct load *ld, const struct node *n, void *obj)
{
	read_list(ld, n, pool_range, obj);
}

static void gateway_pools(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"listen_port", pool_ports, OPTIONAL},
		{"napt_addresses", pool_addresses, OPTIONAL},
	};

	read_map(ld, n, "`pools`", fields, ARRAY_SIZE(fields), obj);
}

/* --- the gateway ------------------------------------------------------------------------ */

static void gateway_bridge(struct load *ld, const struct node *n, void *obj)
{
	const char *name = read_text(ld, n, EXPAND_NAME);

	(void)obj;
	if (name)
		ref_add(ld, REF_BRIDGE, src_of(n), name, 0, 0);
}

static void gateway_private_key(struct load *ld, const struct node *n, void *obj)
{
	read_key(ld, n, &((struct gatewaying *)obj)->g.private_key);
}

static void gateway_private_key_file(struct load *ld, const struct node *n, void *obj)
{
	((struct gatewaying *)obj)->g.private_key_file = read_path(ld, n);
}

static void gateway_mtu(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, TUNNEL_MTU_MIN, UINT16_MAX, &((struct gatewaying *)obj)->g.mtu);
}

static void gateway_tenants(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_tenant, &((struct gatewaying *)obj)->g);
}

void read_gateway(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		{"private_key", gateway_private_key, OPTIONAL},
		{"private_key_file", gateway_private_key_file, OPTIONAL},
		{"bridge", gateway_bridge, NEEDED},
		{"mtu", gateway_mtu, OPTIONAL},
		{"pools", gateway_pools, OPTIONAL},
		{"tenants", gateway_tenants, OPTIONAL},
	};
	struct gatewaying gw = {.g = {.src = src_of(n), .bridge = SIZE_MAX}, .pool.host = ld->host};
	struct pool *pools;
	struct gateway *g;
	uint64_t seen = read_map(ld, n, "a gateway", fields, ARRAY_SIZE(fields), &gw);

	if ((seen & 3) == 3)
		diag(ld, gw.g.src, "both `private_key` and `private_key_file` (take one out)");
	g = ld->stop ? NULL : arena_alloc(ld->out, sizeof(*g));
	pools = grow(ld, gw.g.src, ld->pools, ld->n_pools, sizeof(*pools));
	if (!g || !pools) {
		too_big(ld, gw.g.src);
		return;
	}
	ld->pools = pools;
	gw.pool.n_inline = gw.g.n_tenants;
	ld->pools[ld->n_pools++] = gw.pool;
	*g = gw.g;
	((struct host *)obj)->gateway = g;
}
