/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/resolve.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "lab/names.h"

/* --- the index --------------------------------------------------------------------------- */

#define NAME_BYTES 320 /* longer names are cut: they have been refused */

struct index_key {
	enum space space;
	size_t a, b;
	char name[NAME_BYTES];
};

static size_t key_make(struct index_key *k, enum space space, size_t a, size_t b, const void *name,
		       size_t len)
{
	memset(k, 0, offsetof(struct index_key, name));
	k->space = space;
	k->a = a;
	k->b = b;
	len = len < NAME_BYTES ? len : NAME_BYTES;
	memcpy(k->name, name, len);
	return offsetof(struct index_key, name) + len;
}

bool index_add(struct resolving *r, enum space space, size_t a, size_t b, const void *name,
	       size_t len, size_t value, size_t *ret_old)
{
	struct index_key k;
	size_t size = key_make(&k, space, a, b, name, len);
	char *copy;
	int added;

	if (table_get(&r->index, &k, size, ret_old))
		return false;
	copy = arena_strndup(r->ld->work, (const char *)&k, size);
	added = copy ? table_add(&r->index, copy, size, value, NULL) : -1;
	if (added < 0)
		too_big(r->ld, (struct src){.line = 1, .column = 1});
	return true;
}

void index_replace(struct resolving *r, enum space space, size_t a, size_t b, const void *name,
		   size_t len, size_t value)
{
	struct index_key k;
	size_t size = key_make(&k, space, a, b, name, len);

	(void)table_set(&r->index, &k, size, value); /* takes no memory: the key is there */
}

size_t index_get(const struct resolving *r, enum space space, size_t a, size_t b, const void *name,
		 size_t len)
{
	struct index_key k;
	size_t size = key_make(&k, space, a, b, name, len);
	size_t value;

	return table_get(&r->index, &k, size, &value) ? value : NOT_FOUND;
}

size_t index_find(const struct resolving *r, enum space space, size_t a, size_t b, const char *name)
{
	return index_get(r, space, a, b, name, strlen(name));
}

struct hint nearest(struct load *ld, const char *word, const void *things, size_t n, size_t stride,
		    size_t offset, const char *otherwise)
{
	struct suggest s = suggest_start(word, ld->suggestions);
	struct hint h;

	/* what is skipped for its length has to be paid for as well */
	for (size_t i = 0; i < n && s.budget; i++) {
		const char *const *name =
			(const void *)((const char *)things + i * stride + offset);

		if (*name)
			suggest_try(&s, *name);
	}
	ld->suggestions = s.budget > n / 16 ? s.budget - n / 16 : 0;
	if (s.best)
		snprintf(h.s, sizeof(h.s), " (did you mean `%s`?)", show(s.best).s);
	else
		snprintf(h.s, sizeof(h.s), "%s", otherwise);
	return h;
}

/* --- references -------------------------------------------------------------------------- */

static void ref_network(struct resolving *r, const struct ref *ref)
{
	struct topology *t = r->t;
	struct host *h = &t->hosts[ref->host];
	size_t i = index_find(r, SPACE_NETWORK, 0, 0, ref->text);

	h->attachments[ref->index].network = i;
	if (i == NOT_FOUND)
		diag(r->ld, ref->src, "there is no network `%s`%s", show(ref->text).s,
		     nearest(r->ld, ref->text, t->networks, t->n_networks, sizeof(*t->networks),
			     offsetof(struct network, name), " (add it to `networks`)")
			     .s);
	else
		index_add(r, SPACE_ATTACHED, ref->host, i, "", 0, ref->index, NULL);
}

static void ref_length(struct resolving *r, const struct ref *ref)
{
	const struct attachment *a = &r->t->hosts[ref->host].attachments[ref->index];
	struct ip_prefix *p = &a->addresses.v[ref->sub];
	const struct ip_prefix *net;

	if (a->network == NOT_FOUND)
		return;
	net = prefix_around(&r->t->networks[a->network].prefixes, &p->addr);
	if (net)
		p->len = net->len;
	else if (!r->t->networks[a->network].prefixes.n)
		diag(r->ld, ref->src,
		     "an address without its prefix length, and its network has no `prefixes` "
		     "(add /24 or the like)");
}

/* the kernel's name of an interface of a host or tenant, by either of its names */
static const char *find_interface(struct resolving *r, size_t host, size_t tenant, const char *name)
{
	size_t v = index_find(r, SPACE_IF_FULL, host, tenant, name);

	if (v == NOT_FOUND)
		v = index_find(r, SPACE_IF_KERNEL, host, tenant, name);
	return v == NOT_FOUND ? NULL : ((const struct ifname *)(uintptr_t)v)->name;
}

static const char *ref_interface(struct resolving *r, const struct ref *ref, size_t tenant)
{
	const struct host *h = &r->t->hosts[ref->host];
	const char *name = find_interface(r, ref->host, tenant, ref->text);
	struct hint hint;

	if (name)
		return name;
	hint = nearest(r->ld, ref->text, h->attachments, h->n_attachments, sizeof(*h->attachments),
		       offsetof(struct attachment, ifname.full), "");
	if (!hint.s[0])
		hint = nearest(r->ld, ref->text, h->bridges, h->n_bridges, sizeof(*h->bridges),
			       offsetof(struct bridge, ifname.full), "");
	if (!hint.s[0])
		hint = nearest(r->ld, ref->text, h->tunnels, h->n_tunnels, sizeof(*h->tunnels),
			       offsetof(struct tunnel, ifname.full),
			       " (only interfaces of this file can be named)");
	if (tenant == NOT_A_TENANT)
		diag(r->ld, ref->src, "host `%s` has no interface `%s`%s", show(h->name).s,
		     show(ref->text).s, hint.s);
	else
		diag(r->ld, ref->src, "tenant `%s` has no interface `%s` (it has `%s` and `%s`)",
		     show(h->gateway->tenants[tenant].name).s, show(ref->text).s,
		     show(h->gateway->tenants[tenant].tunnel_if.full).s,
		     show(h->gateway->tenants[tenant].outside_if.full).s);
	return ref->text;
}

static void ref_route_dev(struct resolving *r, const struct ref *ref)
{
	struct host *h = &r->t->hosts[ref->host];
	struct route *rt = ref->owner == NOT_A_TENANT
				   ? &h->routes[ref->index]
				   : &h->gateway->tenants[ref->owner].routes[ref->index];

	rt->dev = strcmp(ref->text, "lo") == 0 ? "lo" : ref_interface(r, ref, ref->owner);
}

static void ref_bridge(struct resolving *r, const struct ref *ref)
{
	struct host *h = &r->t->hosts[ref->host];
	size_t i = index_find(r, SPACE_BRIDGE, ref->host, 0, ref->text);

	if (i == NOT_FOUND)
		diag(r->ld, ref->src, "host `%s` has no bridge `%s`%s", show(h->name).s,
		     show(ref->text).s,
		     nearest(r->ld, ref->text, h->bridges, h->n_bridges, sizeof(*h->bridges),
			     offsetof(struct bridge, ifname.full), " (add it to its `bridges`)")
			     .s);
	h->gateway->bridge = i;
}

static void ref_port(struct resolving *r, const struct ref *ref)
{
	const struct host *h = &r->t->hosts[ref->host];
	uint16_t port = ref->owner == NOT_A_TENANT ? h->tunnels[ref->index].listen_port
						   : h->gateway->tenants[ref->owner].listen_port;
	size_t old;

	if (!index_add(r, SPACE_PORT, ref->host, 0, &port, sizeof(port), src_value(&ref->src),
		       &old))
		diag(r->ld, ref->src,
		     "port %u is used twice on host `%s` (%s has it; all its tunnels and "
		     "tenants share one set of ports)",
		     port, show(h->name).s, where(r->ld, ref->src, src_from(old)).s);
}

/* TENANT or HOST/TENANT; NULL with *@ret_problem: why not */
static const struct tenant_place *find_tenant(struct resolving *r, const char *text,
					      struct tenant_place *buf, const char **ret_problem)
{
	const char *slash = strchr(text, '/');
	size_t i;

	*ret_problem = "there is no";
	if (slash) {
		buf->host = index_get(r, SPACE_HOST, 0, 0, text, (size_t)(slash - text));
		buf->tenant = buf->host == NOT_FOUND
				      ? NOT_FOUND
				      : index_find(r, SPACE_TENANT, buf->host, 0, slash + 1);
		return buf->tenant == NOT_FOUND ? NULL : buf;
	}
	i = index_find(r, SPACE_ANYTENANT, 0, 0, text);
	if (i == AMBIGUOUS) {
		*ret_problem = "there is more than one";
		return NULL;
	}
	return i == NOT_FOUND ? NULL : &r->tenants[i];
}

static struct hint nearest_place(struct resolving *r, const char *text, bool hosts)
{
	const struct topology *t = r->t;
	struct hint hint = {.s = ""};

	if (hosts)
		hint = nearest(r->ld, text, t->hosts, t->n_hosts, sizeof(*t->hosts),
			       offsetof(struct host, name), "");
	for (size_t i = 0; i < t->n_hosts && !hint.s[0] && r->ld->suggestions; i++)
		if (t->hosts[i].gateway)
			hint = nearest(r->ld, text, t->hosts[i].gateway->tenants,
				       t->hosts[i].gateway->n_tenants, sizeof(struct tenant),
				       offsetof(struct tenant, name), "");
	return hint;
}

static void ref_from(struct resolving *r, const struct ref *ref)
{
	struct check *c = &r->t->checks[ref->index];
	size_t host = index_find(r, SPACE_HOST, 0, 0, ref->text);
	struct tenant_place buf;
	const char *problem;
	const struct tenant_place *p = find_tenant(r, ref->text, &buf, &problem);

	if (host != NOT_FOUND && !p) {
		c->from_host = host;
	} else if (host == NOT_FOUND && p) {
		c->from_tenant = true;
		c->from_host = p->host;
		c->from_tenant_index = p->tenant;
	} else if (p) {
		diag(r->ld, ref->src,
		     "`%s` is a host and a tenant (write HOST/TENANT if the tenant is meant)",
		     show(ref->text).s);
	} else {
		diag(r->ld, ref->src, "%s host or tenant `%s`%s", problem, show(ref->text).s,
		     strcmp(problem, "there is no") == 0 ? nearest_place(r, ref->text, true).s
							 : " (write HOST/TENANT)");
	}
}

static void ref_webhook(struct resolving *r, const struct ref *ref)
{
	struct tenant_place buf;
	const char *problem;

	if (!find_tenant(r, ref->text, &buf, &problem))
		diag(r->ld, ref->src, "%s tenant `%s`%s", problem, show(ref->text).s,
		     strcmp(problem, "there is no") == 0 ? nearest_place(r, ref->text, false).s
							 : " (write HOST/TENANT)");
}

static void resolve_ref(struct resolving *r, const struct ref *ref)
{
	switch (ref->kind) {
	case REF_NETWORK:
		ref_network(r, ref);
		break;
	case REF_LENGTH:
		ref_length(r, ref);
		break;
	case REF_ROUTE_DEV:
		ref_route_dev(r, ref);
		break;
	case REF_PROXY_ARP:
		r->t->hosts[ref->host].proxy_arp_ifs.v[ref->index] =
			ref_interface(r, ref, NOT_A_TENANT);
		break;
	case REF_NAPT_OUT:
		r->t->hosts[ref->host].napts[ref->index].out = ref_interface(r, ref, NOT_A_TENANT);
		break;
	case REF_BRIDGE:
		ref_bridge(r, ref);
		break;
	case REF_PORT:
		ref_port(r, ref);
		break;
	case REF_FROM:
		ref_from(r, ref);
		break;
	case REF_WEBHOOK:
		ref_webhook(r, ref);
		break;
	case REF_PEER_HOST: /* lab/resolve_peer.c, when all ports are known */
	case REF_PEER_TENANT:
		break;
	}
}

void resolve_refs(struct resolving *r)
{
	for (size_t i = 0; i < r->ld->n_refs && !r->ld->stop; i++)
		resolve_ref(r, &r->ld->refs[i]);
}

void resolve(struct load *ld)
{
	struct resolving r = {.ld = ld, .t = ld->t};
	void (*const steps[])(struct resolving *) = {
		resolve_names,    resolve_refs,  resolve_addresses, resolve_pools,
		resolve_forwards, resolve_peers, resolve_routes};

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !ld->stop; i++)
		steps[i](&r);
	table_free(&r.index);
}
