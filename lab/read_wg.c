/* SPDX-License-Identifier: GPL-2.0-or-later */
/* a host's tunnels, and the peers of tunnels and tenants */
#include <string.h>

#include "base/cleanup.h"
#include "lab/names.h"
#include "lab/read.h"

#define TUNNEL_MTU_MIN 496 /* 576, the least of a network, less 80 */

/* --- peers ----------------------------------------------------------------------------- */

struct peering {
	struct peer p;
	size_t index;      /* of the tunnel or tenant */
	bool said_allowed; /* allowed_ips are there, or something was wrong with them */
	struct peer **list;
	size_t *n;
	size_t without_allowed; /* peers so far that have none; last one: */
	size_t last_without;
};

static void peer_reference(struct load *ld, const struct node *n, struct peering *pr,
			   enum ref_kind kind)
{
	const char *text = read_text(ld, n, EXPAND_NAME);
	const char *slash = text ? strchr(text, '/') : NULL;

	pr->p.ref = kind == REF_PEER_HOST ? PEER_BY_HOST : PEER_BY_TENANT;
	if (!text)
		return;
	if (!slash || slash == text || !slash[1])
		diag(ld, src_of(n), "`%s` has to be %s, not `%s`", ld->key,
		     kind == REF_PEER_HOST ? "HOST/INTERFACE" : "HOST/TENANT", show(text).s);
	else
		ref_add(ld, kind, src_of(n), text, pr->index, *pr->n);
}

static void peer_host(struct load *ld, const struct node *n, void *obj)
{
	peer_reference(ld, n, obj, REF_PEER_HOST);
}

static void peer_tenant(struct load *ld, const struct node *n, void *obj)
{
	peer_reference(ld, n, obj, REF_PEER_TENANT);
}

static void peer_public_key(struct load *ld, const struct node *n, void *obj)
{
	read_key(ld, n, &((struct peering *)obj)->p.public_key);
}

static void peer_name(struct load *ld, const struct node *n, void *obj)
{
	((struct peering *)obj)->p.name = read_words(ld, n, EXPAND_NAME);
}

static void peer_preshared_key(struct load *ld, const struct node *n, void *obj)
{
	read_key(ld, n, &((struct peering *)obj)->p.preshared_key);
}

static void peer_preshared_key_file(struct load *ld, const struct node *n, void *obj)
{
	((struct peering *)obj)->p.preshared_key_file = read_path(ld, n);
}

static void peer_endpoint(struct load *ld, const struct node *n, void *obj)
{
	struct peer *p = &((struct peering *)obj)->p;
	const char *text = read_text(ld, n, EXPAND_VALUE);
	size_t name_len = 0;

	if (!text)
		return;
	if (ip_host_port_parse(text, &p->endpoint, &name_len) < 0) {
		diag(ld, src_of(n),
		     "`endpoint` has to be HOST:PORT such as 192.0.2.1:51820 or "
		     "\"[2001:db8::1]:51820\", not `%s`",
		     show(text).s);
		return;
	}
	p->endpoint_name = name_len ? arena_strndup(ld->out, text, name_len) : NULL;
	p->has_endpoint = !name_len || p->endpoint_name;
	if (!p->has_endpoint)
		too_big(ld, src_of(n));
}

static void peer_allowed_ips(struct load *ld, const struct node *n, void *obj)
{
	struct peering *pr = obj;
	size_t errors = ld->errors;

	read_prefixes(ld, n, PREFIX_NETWORK, &pr->p.allowed_ips);
	pr->said_allowed = pr->p.allowed_ips.n || ld->errors > errors;
}

static void peer_keepalive(struct load *ld, const struct node *n, void *obj)
{
	uint32_t v = 0;

	if (n->kind == NODE_SCALAR && strcmp(n->text, "off") == 0)
		return;
	if (read_u32(ld, n, 0, UINT16_MAX, &v))
		((struct peering *)obj)->p.persistent_keepalive = (uint16_t)v;
}

enum { SEEN_HOST = 1, SEEN_TENANT = 2, SEEN_KEY = 4, SEEN_PSK = 8, SEEN_PSK_FILE = 16 };

static void read_peer(struct load *ld, const struct node *n, void *obj)
{
	static const struct field fields[] = {
		/* the first five in the order of SEEN_… */
		{"host", peer_host, OPTIONAL},
		{"tenant", peer_tenant, OPTIONAL},
		{"public_key", peer_public_key, OPTIONAL},
		{"preshared_key", peer_preshared_key, OPTIONAL},
		{"preshared_key_file", peer_preshared_key_file, OPTIONAL},
		{"name", peer_name, OPTIONAL},
		{"endpoint", peer_endpoint, OPTIONAL},
		{"allowed_ips", peer_allowed_ips, OPTIONAL},
		{"persistent_keepalive", peer_keepalive, OPTIONAL},
	};
	struct peering *pr = obj;
	struct peer *v;
	uint64_t seen;

	pr->p = (struct peer){.src = src_of(n)};
	pr->said_allowed = false;
	seen = read_map(ld, n, "a peer", fields, ARRAY_SIZE(fields), pr);
	if (__builtin_popcountll(seen & (SEEN_HOST | SEEN_TENANT | SEEN_KEY)) != 1)
		diag(ld, pr->p.src, "a peer needs one of `host`, `tenant` and `public_key`%s",
		     seen & (SEEN_HOST | SEEN_TENANT | SEEN_KEY) ? ", and no more than one" : "");
	if ((seen & SEEN_PSK) && (seen & SEEN_PSK_FILE))
		diag(ld, pr->p.src, "both `preshared_key` and `preshared_key_file` (take one out)");
	v = grow(ld, pr->p.src, *pr->list, *pr->n, sizeof(*v));
	if (!v)
		return;
	*pr->list = v;
	if (!pr->said_allowed && ld->tenant == NOT_A_TENANT) {
		diag(ld, pr->p.src, "a peer needs `allowed_ips` (what is sent to it)");
	} else if (!pr->said_allowed) {
		pr->without_allowed++;
		pr->last_without = *pr->n;
	}
	(*pr->list)[(*pr->n)++] = pr->p;
}

/* the only peer of a tenant gets everything */
static void allow_all(struct load *ld, struct peer *p)
{
	const struct ip_prefix all[] = {{.addr.family = AF_INET}, {.addr.family = AF_INET6}};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		prefix_add(ld, &p->allowed_ips, p->src, &all[i]);
}

void read_peers(struct load *ld, const struct node *n, size_t index, struct peer **ret,
		size_t *ret_n)
{
	struct peering pr = {.index = index, .list = ret, .n = ret_n};

	read_list(ld, n, read_peer, &pr);
	if (pr.without_allowed && *ret_n == 1)
		allow_all(ld, &(*ret)[0]);
	else if (pr.without_allowed)
		diag(ld, (*ret)[pr.last_without].src,
		     "a tenant's peer without `allowed_ips` gets everything, which overlaps with the "
		     "tenant's other peers (give each its `allowed_ips`)");
}

/* --- tunnels --------------------------------------------------------------------------- */

struct tunneling {
	struct tunnel tun;
	size_t index; /* that it will have in its host */
};

static void tunnel_private_key(struct load *ld, const struct node *n, void *obj)
{
	read_key(ld, n, &((struct tunneling *)obj)->tun.private_key);
}

static void tunnel_private_key_file(struct load *ld, const struct node *n, void *obj)
{
	((struct tunneling *)obj)->tun.private_key_file = read_path(ld, n);
}

static void tunnel_listen_port(struct load *ld, const struct node *n, void *obj)
{
	struct tunneling *tg = obj;

	tg->tun.has_listen_port = read_port(ld, n, &tg->tun.listen_port);
	if (tg->tun.has_listen_port)
		ref_add(ld, REF_PORT, src_of(n), NULL, tg->index, 0);
}

static void tunnel_addresses(struct load *ld, const struct node *n, void *obj)
{
	read_prefixes(ld, n, PREFIX_ANY, &((struct tunneling *)obj)->tun.addresses);
}

static void tunnel_mtu(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, TUNNEL_MTU_MIN, UINT16_MAX, &((struct tunneling *)obj)->tun.mtu);
}

static void tunnel_fwmark(struct load *ld, const struct node *n, void *obj)
{
	read_u32(ld, n, 0, UINT32_MAX, &((struct tunneling *)obj)->tun.fwmark);
}

static void tunnel_peers(struct load *ld, const struct node *n, void *obj)
{
	struct tunneling *tg = obj;

	read_peers(ld, n, tg->index, &tg->tun.peers, &tg->tun.n_peers);
}

static void read_tunnel(struct load *ld, const char *name, const struct node *key,
			const struct node *value, void *obj)
{
	static const struct field fields[] = {
		{"private_key", tunnel_private_key, OPTIONAL},
		{"private_key_file", tunnel_private_key_file, OPTIONAL},
		{"listen_port", tunnel_listen_port, OPTIONAL},
		{"addresses", tunnel_addresses, OPTIONAL},
		{"mtu", tunnel_mtu, OPTIONAL},
		{"fwmark", tunnel_fwmark, OPTIONAL},
		{"peers", tunnel_peers, OPTIONAL},
	};
	struct host *h = obj;
	struct tunneling tg = {.tun = {.src = src_of(key), .ifname.full = name},
			       .index = h->n_tunnels};
	struct tunnel *v;
	uint64_t seen;

	if (!name_is_interface(name))
		diag(ld, tg.tun.src, "bad interface name `%s` (no blanks, `/`, `:` or `%%`)",
		     show(name).s);
	seen = read_map(ld, value, "a tunnel", fields, ARRAY_SIZE(fields), &tg);
	if ((seen & 3) == 3)
		diag(ld, tg.tun.src, "both `private_key` and `private_key_file` (take one out)");
	v = grow(ld, tg.tun.src, h->tunnels, h->n_tunnels, sizeof(*v));
	if (!v)
		return;
	h->tunnels = v;
	h->tunnels[h->n_tunnels++] = tg.tun;
}

void read_wireguard(struct load *ld, const struct node *n, void *obj)
{
	read_named(ld, n, read_tunnel, obj);
}
