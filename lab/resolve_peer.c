/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peers that refer to each other; what they leave to be filled in; MTUs */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/resolve.h"
#include "wg/key.h"

#define DEFAULT_MTU  1500
#define WG_OVERHEAD  80      /* IPv6 40, UDP 8, WireGuard 32 */
#define LOOK_UPS_MAX 4000000 /* interfaces compared for all endpoints that are left out */

/* one end of a tunnel: a host's, or a tenant's */
struct end {
	size_t host, index;
	bool is_tenant;
};

static struct end end_of(const struct ref *ref)
{
	return (struct end){
		.host = ref->host,
		.index = ref->owner == NOT_A_TENANT ? ref->index : ref->owner,
		.is_tenant = ref->owner != NOT_A_TENANT,
	};
}

static struct peer *peers_of(const struct topology *t, const struct end *end, size_t *ret_n)
{
	const struct host *h = &t->hosts[end->host];

	*ret_n = end->is_tenant ? h->gateway->tenants[end->index].n_peers
				: h->tunnels[end->index].n_peers;
	return end->is_tenant ? h->gateway->tenants[end->index].peers
			      : h->tunnels[end->index].peers;
}

/* for the index: a number of the end within its host */
static size_t end_number(const struct end *end)
{
	return 2 * end->index + end->is_tenant;
}

/* --- MTU -------------------------------------------------------------------------------- */

static void fill_mtu(const struct topology *t, struct host *h)
{
	uint32_t least = 0;

	for (size_t i = 0; i < h->n_attachments; i++) {
		size_t net = h->attachments[i].network;
		uint32_t mtu = net == NOT_FOUND ? 0 : t->networks[net].mtu;

		mtu = mtu ? mtu : DEFAULT_MTU;
		least = !least || mtu < least ? mtu : least;
	}
	least = (least ? least : DEFAULT_MTU) - WG_OVERHEAD;
	for (size_t i = 0; i < h->n_tunnels; i++)
		if (!h->tunnels[i].mtu)
			h->tunnels[i].mtu = least;
	if (h->gateway && !h->gateway->mtu)
		h->gateway->mtu = least;
}

/* --- references ---------------------------------------------------------------------------- */

static size_t find_host(struct resolving *r, const struct ref *ref, const char *slash)
{
	const struct topology *t = r->t;
	size_t host = index_get(r, SPACE_HOST, 0, 0, ref->text, (size_t)(slash - ref->text));
	char name[NETNS_NAME_MAX + 2];

	if (host == NOT_FOUND) {
		snprintf(name, sizeof(name), "%.*s", (int)(slash - ref->text), ref->text);
		diag(r->ld, ref->src, "there is no host `%s`%s", show(name).s,
		     nearest(r->ld, name, t->hosts, t->n_hosts, sizeof(*t->hosts),
			     offsetof(struct host, name), " (add it to `hosts`)")
			     .s);
	}
	return host;
}

static size_t find_tunnel(struct resolving *r, const struct ref *ref, size_t host, const char *name)
{
	const struct host *h = &r->t->hosts[host];
	size_t i = index_find(r, SPACE_TUNNEL, host, 0, name);

	if (i != NOT_FOUND)
		return i;
	if (index_find(r, SPACE_TENANT, host, 0, name) != NOT_FOUND)
		diag(r->ld, ref->src, "`%s` is a tenant of host `%s` (write `tenant: %s`)",
		     show(name).s, show(h->name).s, show(ref->text).s);
	else
		diag(r->ld, ref->src, "host `%s` has no tunnel `%s`%s", show(h->name).s,
		     show(name).s,
		     nearest(r->ld, name, h->tunnels, h->n_tunnels, sizeof(*h->tunnels),
			     offsetof(struct tunnel, ifname.full), " (add it to its `wireguard`)")
			     .s);
	return NOT_FOUND;
}

static size_t find_tenant(struct resolving *r, const struct ref *ref, size_t host, const char *name)
{
	const struct host *h = &r->t->hosts[host];
	size_t i = index_find(r, SPACE_TENANT, host, 0, name);

	if (i != NOT_FOUND)
		return i;
	if (!h->gateway)
		diag(r->ld, ref->src, "host `%s` is not a gateway: it has no tenants%s",
		     show(h->name).s,
		     index_find(r, SPACE_TUNNEL, host, 0, name) == NOT_FOUND
			     ? ""
			     : " (write `host:` for its tunnel)");
	else
		diag(r->ld, ref->src, "gateway `%s` has no tenant `%s`%s", show(h->name).s,
		     show(name).s,
		     nearest(r->ld, name, h->gateway->tenants, h->gateway->n_tenants,
			     sizeof(*h->gateway->tenants), offsetof(struct tenant, name),
			     " (add it to its `tenants`)")
			     .s);
	return NOT_FOUND;
}

static bool has_family(const struct attachment *a, int family)
{
	for (size_t i = 0; i < a->addresses.n; i++)
		if (a->addresses.v[i].addr.family == family)
			return true;
	return false;
}

/* the first address of @theirs of a family that @mine has as well */
static const struct ip_addr *reachable(const struct attachment *mine,
				       const struct attachment *theirs)
{
	for (size_t i = 0; i < theirs->addresses.n; i++)
		if (has_family(mine, theirs->addresses.v[i].addr.family))
			return &theirs->addresses.v[i].addr;
	return NULL;
}

/* the first address of @other on a network that @host is on too; the fewer interfaces are tried */
static const struct ip_addr *shared_address(struct resolving *r, size_t host, size_t other)
{
	const struct host *mine = &r->t->hosts[host], *theirs = &r->t->hosts[other];
	bool walk_mine = mine->n_attachments < theirs->n_attachments;
	const struct host *walked = walk_mine ? mine : theirs;
	const struct ip_addr *best = NULL;
	size_t best_at = SIZE_MAX;

	for (size_t i = 0; i < walked->n_attachments; i++) {
		size_t net = walked->attachments[i].network;
		size_t k = index_get(r, SPACE_ATTACHED, walk_mine ? other : host, net, "", 0);
		size_t at = walk_mine ? k : i;
		const struct ip_addr *a;

		if (++r->ld->steps > 2 * (uint64_t)LOOK_UPS_MAX)
			too_big(r->ld, mine->src);
		if (net == NOT_FOUND || k == NOT_FOUND || at >= best_at || r->ld->stop)
			continue;
		a = reachable(&mine->attachments[walk_mine ? i : k], &theirs->attachments[at]);
		if (a) {
			best = a;
			best_at = at;
		}
	}
	return best;
}

static void fill_endpoint(struct resolving *r, size_t host, struct peer *p)
{
	const struct host *other = &r->t->hosts[p->ref_host];
	bool tenant = p->ref == PEER_BY_TENANT;
	const struct ip_addr *a;
	uint16_t port;

	if (!tenant && !other->tunnels[p->ref_index].has_listen_port)
		return;
	port = tenant ? other->gateway->tenants[p->ref_index].listen_port
		      : other->tunnels[p->ref_index].listen_port;
	a = shared_address(r, host, p->ref_host);
	if (!a)
		return;
	p->has_endpoint = true;
	p->endpoint = (struct ip_endpoint){.addr = *a, .port = port};
}

static void resolve_peer(struct resolving *r, const struct ref *ref)
{
	const char *slash = strchr(ref->text, '/');
	struct end own = end_of(ref);
	struct end other = {.is_tenant = ref->kind == REF_PEER_TENANT};
	size_t n;
	struct peer *p = &peers_of(r->t, &own, &n)[ref->sub];

	if (p->ref != (other.is_tenant ? PEER_BY_TENANT : PEER_BY_HOST))
		return; /* a peer with both, which has been refused */
	other.host = find_host(r, ref, slash);
	if (other.host == NOT_FOUND)
		return;
	other.index = other.is_tenant ? find_tenant(r, ref, other.host, slash + 1)
				      : find_tunnel(r, ref, other.host, slash + 1);
	if (other.index == NOT_FOUND)
		return;
	if (other.host == own.host && other.is_tenant == own.is_tenant && other.index == own.index)
		diag(r->ld, ref->src, "a tunnel cannot be its own peer");
	p->ref_host = other.host;
	p->ref_index = other.index;
	if (!index_add(r, SPACE_PEER, own.host, end_number(&own),
		       &(size_t[]){other.host, end_number(&other)}, 2 * sizeof(size_t), 0, NULL))
		diag(r->ld, ref->src, "`%s` is a peer of this tunnel already (take one out)",
		     show(ref->text).s);
	if (!p->has_endpoint)
		fill_endpoint(r, own.host, p);
}

/* --- what peers of one tunnel must not share -------------------------------------------------- */

static void check_allowed(struct resolving *r, const struct end *end, const struct peer *p)
{
	for (size_t i = 0; i < p->allowed_ips.n && !r->ld->stop; i++) {
		const struct ip_prefix *prefix = &p->allowed_ips.v[i];
		uint8_t key[17] = {prefix->len};
		char buf[IP_PREFIX_STRLEN];

		memcpy(key + 1, prefix->addr.bytes, ip_addr_size(&prefix->addr));
		if (!index_add(r, SPACE_ROUTED, end->host, end_number(end), key,
			       1 + ip_addr_size(&prefix->addr), 0, NULL))
			diag(r->ld, p->allowed_ips.src[i],
			     "%s is in `allowed_ips` of this tunnel twice (WireGuard sends to one "
			     "peer only)",
			     ip_prefix_format(prefix, buf));
	}
}

struct allowed {
	struct ip_prefix prefix;
	struct src src;
};

/* by address, the larger prefix first: what contains another then stands before it */
static int by_prefix(const void *a, const void *b)
{
	const struct allowed *x = a, *y = b;
	int order = ip_addr_cmp(&x->prefix.addr, &y->prefix.addr);

	return order ? order : x->prefix.len - y->prefix.len;
}

/*
 * Tenants may overlap with each other; inside one, an overlap is a slip of the pen more often
 * than a wish.  (A plain tunnel may have it: WireGuard sends to the longest prefix.)
 */
static void check_overlap(struct resolving *r, const struct peer *peers, size_t n)
{
	struct allowed *all;
	size_t count = 0, outer = 0;

	for (size_t i = 0; i < n; i++)
		count += peers[i].allowed_ips.n;
	all = arena_alloc(r->t->arena, (count + 1) * sizeof(*all));
	if (!all || n < 2)
		return;
	count = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < peers[i].allowed_ips.n; k++)
			all[count++] = (struct allowed){peers[i].allowed_ips.v[k],
							peers[i].allowed_ips.src[k]};
	qsort(all, count, sizeof(*all), by_prefix);
	for (size_t i = 1; i < count && !r->ld->stop; i++) {
		char inner[IP_PREFIX_STRLEN], whole[IP_PREFIX_STRLEN];

		if (!ip_prefix_overlap(&all[outer].prefix, &all[i].prefix)) {
			outer = i;
			continue;
		}
		/* the same prefix twice has been said already */
		if (by_prefix(&all[outer], &all[i]))
			diag(r->ld, all[i].src,
			     "%s overlaps with %s of this tenant (inside one tenant nothing may)",
			     ip_prefix_format(&all[i].prefix, inner),
			     ip_prefix_format(&all[outer].prefix, whole));
	}
}

static void check_peers(struct resolving *r, const struct end *end)
{
	size_t n;
	const struct peer *peers = peers_of(r->t, end, &n);

	for (size_t i = 0; i < n && !r->ld->stop; i++) {
		check_allowed(r, end, &peers[i]);
		if (peers[i].ref == PEER_BY_KEY && peers[i].public_key.present &&
		    !index_add(r, SPACE_PEER, end->host, end_number(end), peers[i].public_key.bytes,
			       KEY_LEN, 0, NULL))
			diag(r->ld, peers[i].src,
			     "a peer with this public key is there already (take one out)");
	}
	if (end->is_tenant)
		check_overlap(r, peers, n);
}

/* --- keys ---------------------------------------------------------------------------------- */

static const struct key *private_key_of(const struct topology *t, const struct end *end)
{
	const struct host *h = &t->hosts[end->host];

	return end->is_tenant ? &h->gateway->tenants[end->index].private_key
			      : &h->tunnels[end->index].private_key;
}

/* worked out once for each private key: it is what takes the most time of all */
static bool public_key_of(struct resolving *r, const struct end *end, struct table *known,
			  struct key *ret)
{
	const struct key *k = private_key_of(r->t, end);
	struct key *pub;
	size_t v;

	if (!k->present)
		return false;
	if (table_get(known, k->bytes, KEY_LEN, &v)) {
		*ret = *(const struct key *)(uintptr_t)v;
		return true;
	}
	pub = arena_alloc(r->ld->work, sizeof(*pub));
	if (!pub || table_add(known, k->bytes, KEY_LEN, (size_t)(uintptr_t)pub, NULL) < 0) {
		too_big(r->ld, (struct src){.line = 1, .column = 1});
		return false;
	}
	wg_key_public(k->bytes, pub->bytes);
	pub->present = true;
	*ret = *pub;
	return true;
}

static void fill_public_keys(struct resolving *r, const struct end *end, struct table *known)
{
	struct key own = {.present = false};
	size_t n;
	struct peer *peers = peers_of(r->t, end, &n);

	if (n)
		public_key_of(r, end, known, &own);
	for (size_t i = 0; i < n && !r->ld->stop; i++) {
		struct peer *p = &peers[i];
		struct end other = {.host = p->ref_host,
				    .index = p->ref_index,
				    .is_tenant = p->ref == PEER_BY_TENANT};

		if (p->ref != PEER_BY_KEY && public_key_of(r, &other, known, &p->public_key) &&
		    !index_add(r, SPACE_PEER, end->host, end_number(end), p->public_key.bytes,
			       KEY_LEN, 0, NULL))
			diag(r->ld, p->src,
			     "two peers of this tunnel have the same key (give each its own)");
		if (own.present && p->public_key.present &&
		    memcmp(own.bytes, p->public_key.bytes, KEY_LEN) == 0)
			diag(r->ld, p->src,
			     "this peer has the key of the tunnel itself (give each its own)");
	}
}

/* a tenant without a key of its own uses the gateway's */
static void share_gateway_key(struct gateway *g)
{
	for (size_t i = 0; i < g->n_tenants; i++) {
		if (g->tenants[i].has_own_key)
			continue;
		g->tenants[i].private_key = g->private_key;
		g->tenants[i].private_key_file = g->private_key_file;
	}
}

static void each_end(struct resolving *r, struct table *known,
		     void (*fn)(struct resolving *, const struct end *, struct table *))
{
	for (size_t i = 0; i < r->t->n_hosts; i++) {
		const struct host *h = &r->t->hosts[i];
		size_t tenants = h->gateway ? h->gateway->n_tenants : 0;

		for (size_t k = 0; k < h->n_tunnels && !r->ld->stop; k++)
			fn(r, &(struct end){.host = i, .index = k}, known);
		for (size_t k = 0; k < tenants && !r->ld->stop; k++)
			fn(r, &(struct end){.host = i, .index = k, .is_tenant = true}, known);
	}
}

static void check_end(struct resolving *r, const struct end *end, struct table *known)
{
	(void)known;
	check_peers(r, end);
}

void resolve_peers(struct resolving *r)
{
	struct table known _cleanup_table_ = TABLE_INIT;

	for (size_t i = 0; i < r->t->n_hosts; i++) {
		fill_mtu(r->t, &r->t->hosts[i]);
		if (r->t->hosts[i].gateway)
			share_gateway_key(r->t->hosts[i].gateway);
	}
	for (size_t i = 0; i < r->ld->n_refs && !r->ld->stop; i++)
		if (r->ld->refs[i].kind == REF_PEER_HOST || r->ld->refs[i].kind == REF_PEER_TENANT)
			resolve_peer(r, &r->ld->refs[i]);
	each_end(r, &known, check_end);
	/* a file that is wrong anyway need not wait for thousands of keys */
	if (!r->ld->errors)
		each_end(r, &known, fill_public_keys);
}
