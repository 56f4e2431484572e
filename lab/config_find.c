/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/config_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "base/text.h"
#include "wg/key.h"

#define SUGGESTIONS 20000

/* --- tunnels and tenants -------------------------------------------------------------------- */

static const struct host *find_host(const struct topology *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (strlen(t->hosts[i].name) == len && !strncmp(t->hosts[i].name, name, len))
			return &t->hosts[i];
	return NULL;
}

static const struct tunnel *find_tunnel(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_tunnels; i++)
		if (!strcmp(h->tunnels[i].ifname.full, name) ||
		    !strcmp(h->tunnels[i].ifname.name, name))
			return &h->tunnels[i];
	return NULL;
}

static const struct tenant *find_tenant(const struct host *h, const char *name)
{
	for (size_t i = 0; h->gateway && i < h->gateway->n_tenants; i++)
		if (!strcmp(h->gateway->tenants[i].name, name))
			return &h->gateway->tenants[i];
	return NULL;
}

static int not_found(const struct topology *t, const char *name, const struct suggest *s,
		     const char *host, struct err *e)
{
	err_set(e, ENOENT, "lab %s has no tunnel or tenant `%s`", t->name, show(name).s);
	if (s->best && host)
		err_hint(e, "did you mean `%s/%s`?", host, s->best);
	else if (s->best)
		err_hint(e, "did you mean `%s`?", s->best);
	else
		err_hint(e,
			 "write HOST/INTERFACE, TENANT or HOST/TENANT; `warren graph` shows them");
	return err_kind_set(e, ERR_INVALID);
}

static int find_on_host(const struct topology *t, const char *name, const char *slash,
			struct config_place *ret, struct err *e)
{
	const struct host *h = find_host(t, name, (size_t)(slash - name));
	struct suggest s = suggest_start(slash + 1, SUGGESTIONS);
	char host[NETNS_NAME_MAX + 1];

	if (!h) {
		snprintf(host, sizeof(host), "%.*s", (int)(slash - name), name);
		s = suggest_start(host, SUGGESTIONS);
		for (size_t i = 0; i < t->n_hosts; i++)
			suggest_try(&s, t->hosts[i].name);
		err_set(e, ENOENT, "lab %s has no host `%s`", t->name, show(host).s);
		if (s.best)
			err_hint(e, "did you mean `%s`?", s.best);
		return err_kind_set(e, ERR_INVALID);
	}
	*ret = (struct config_place){.host = h, .tunnel = find_tunnel(h, slash + 1)};
	if (!ret->tunnel)
		ret->tenant = find_tenant(h, slash + 1);
	if (ret->tunnel || ret->tenant)
		return 0;
	for (size_t i = 0; i < h->n_tunnels; i++)
		suggest_try(&s, h->tunnels[i].ifname.full);
	for (size_t i = 0; h->gateway && i < h->gateway->n_tenants; i++)
		suggest_try(&s, h->gateway->tenants[i].name);
	return not_found(t, name, &s, h->name, e);
}

/* a host's name alone */
static int which_tunnel(const struct topology *t, const struct host *h, struct err *e)
{
	err_set(e, EINVAL, "`%s` is a host of lab %s", h->name, t->name);
	if (h->n_tunnels)
		err_hint(e, "write %s/%s", h->name, h->tunnels[0].ifname.full);
	else if (h->gateway && h->gateway->n_tenants)
		err_hint(e, "write the name of a tenant, such as %s", h->gateway->tenants[0].name);
	else
		err_hint(e, "it has no tunnel");
	return err_kind_set(e, ERR_INVALID);
}

int config_find(const struct topology *t, const char *name, struct config_place *ret, struct err *e)
{
	const char *slash = strchr(name, '/');
	struct suggest s = suggest_start(name, SUGGESTIONS);
	const struct host *host;

	*ret = (struct config_place){.host = NULL};
	if (slash)
		return find_on_host(t, name, slash, ret, e);
	for (size_t i = 0; i < t->n_hosts; i++) {
		const struct tenant *k = find_tenant(&t->hosts[i], name);

		if (k && ret->tenant) {
			err_set(e, EINVAL, "lab %s has more than one tenant `%s`", t->name, name);
			err_hint(e, "write %s/%s or %s/%s", ret->host->name, name, t->hosts[i].name,
				 name);
			return err_kind_set(e, ERR_INVALID);
		}
		if (k)
			*ret = (struct config_place){.host = &t->hosts[i], .tenant = k};
	}
	if (ret->tenant)
		return 0;
	host = find_host(t, name, strlen(name));
	if (host)
		return which_tunnel(t, host, e);
	for (size_t i = 0; i < t->n_hosts; i++)
		for (size_t k = 0; t->hosts[i].gateway && k < t->hosts[i].gateway->n_tenants; k++)
			suggest_try(&s, t->hosts[i].gateway->tenants[k].name);
	return not_found(t, name, &s, NULL, e);
}

/* --- a tenant's peers -------------------------------------------------------------------------- */

static const char *reference(const struct topology *t, const struct peer *p, struct arena *a)
{
	const struct host *h = &t->hosts[p->ref_host];

	return arena_printf(a, "%s/%s", h->name,
			    p->ref == PEER_BY_HOST ? h->tunnels[p->ref_index].ifname.full
						   : h->gateway->tenants[p->ref_index].name);
}

const char *config_peer_name(const struct topology *t, const struct peer *p, struct arena *a)
{
	char text[WG_KEY_BASE64_LEN];

	if (p->name)
		return p->name;
	if (p->ref != PEER_BY_KEY)
		return reference(t, p, a);
	return arena_strdup(a, wg_key_format(p->public_key.bytes, text));
}

static bool is_called(const struct topology *t, const struct peer *p, const char *wanted,
		      struct arena *a)
{
	char text[WG_KEY_BASE64_LEN];
	const char *ref = p->ref == PEER_BY_KEY ? NULL : reference(t, p, a);

	return (p->name && !strcmp(p->name, wanted)) || (ref && !strcmp(ref, wanted)) ||
	       (p->public_key.present && !strcmp(wg_key_format(p->public_key.bytes, text), wanted));
}

/* "alice, bob and 3 more" */
static void list_peers(const struct topology *t, const struct tenant *k, struct arena *a, char *buf,
		       size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < k->n_peers; i++) {
		const char *name = config_peer_name(t, &k->peers[i], a);

		if (!name || len + strlen(name) + 24 > size) {
			snprintf(buf + len, size - len, " and %zu more", k->n_peers - i);
			return;
		}
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", name);
	}
}

/* NULL: there is none, or more than one */
static const struct peer *pick_peer(const struct topology *t, const struct tenant *k,
				    const char *wanted, struct err *e)
{
	struct arena *a = arena_new(0);
	const struct peer *found = NULL;
	char list[512];
	size_t n = 0;

	if (!a) {
		err_code(e, ENOMEM, "peers");
		return NULL;
	}
	for (size_t i = 0; i < k->n_peers; i++) {
		if (wanted && !is_called(t, &k->peers[i], wanted, a))
			continue;
		found = &k->peers[i];
		n++;
	}
	list_peers(t, k, a, list, sizeof(list));
	arena_free(a);
	if (n == 1)
		return found;
	if (!k->n_peers)
		err_set(e, ENOENT, "the tenant has no peers: there is no customer");
	else if (!wanted)
		err_set(e, EINVAL, "the tenant has %zu peers: %s", k->n_peers, list);
	else if (n)
		err_set(e, EINVAL, "the tenant has %zu peers `%s`", n, show(wanted).s);
	else
		err_set(e, ENOENT, "the tenant has no peer `%s`; it has %s", show(wanted).s, list);
	if (k->n_peers)
		err_hint(e, n && wanted ? "say which by --peer PUBLIC-KEY"
					: "say which by --peer NAME");
	err_kind_set(e, ERR_INVALID);
	return NULL;
}

/* --- the client's own end ------------------------------------------------------------------------ */

static bool has_public_key(const struct key *private, const struct key *public)
{
	uint8_t derived[WG_KEY_LEN];

	if (!private->present || !public->present)
		return false;
	wg_key_public(private->bytes, derived);
	return memcmp(derived, public->bytes, WG_KEY_LEN) == 0;
}

/* a tunnel of the file that has this key, though it is not referred to */
static const struct tunnel *tunnel_of_key(const struct topology *t, const struct key *public)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		for (size_t k = 0; k < t->hosts[i].n_tunnels; k++)
			if (has_public_key(&t->hosts[i].tunnels[k].private_key, public))
				return &t->hosts[i].tunnels[k];
	return NULL;
}

/*
 * Of @peers, the one that is the tenant at @at: by reference, or by key.  Tenants of one gateway may
 * share their key; then the port that is called tells them apart.
 */
static const struct peer *find_back(const struct topology *t, const struct config_place *at,
				    const struct peer *peers, size_t n)
{
	const struct peer *by_key = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct peer *p = &peers[i];

		if (p->ref == PEER_BY_TENANT && &t->hosts[p->ref_host] == at->host &&
		    &at->host->gateway->tenants[p->ref_index] == at->tenant)
			return p;
		if (p->ref == PEER_BY_KEY &&
		    has_public_key(&at->tenant->private_key, &p->public_key) &&
		    (!by_key || p->endpoint.port == at->tenant->listen_port))
			by_key = p;
	}
	return by_key;
}

int config_find_client(const struct topology *t, const struct config_place *at, const char *peer,
		       struct config_client *ret, struct err *e)
{
	const struct peer *p = pick_peer(t, at->tenant, peer, e);

	if (!p)
		return -e->code;
	*ret = (struct config_client){.peer = p};
	if (p->ref == PEER_BY_HOST)
		ret->tunnel = &t->hosts[p->ref_host].tunnels[p->ref_index];
	else if (p->ref == PEER_BY_TENANT)
		ret->tenant = &t->hosts[p->ref_host].gateway->tenants[p->ref_index];
	else
		ret->tunnel = tunnel_of_key(t, &p->public_key);
	if (ret->tunnel)
		ret->back = find_back(t, at, ret->tunnel->peers, ret->tunnel->n_peers);
	else if (ret->tenant)
		ret->back = find_back(t, at, ret->tenant->peers, ret->tenant->n_peers);
	return 0;
}
