/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lab/config_find.h"
#include "lab/keys.h"
#include "lab/store.h"

struct making {
	const struct topology *t;
	const struct config_options *o;
	struct config *out;
	struct profile *p;
	struct arena *a;
};

static int no_memory(struct err *e)
{
	return err_code(e, ENOMEM, "configuration");
}

static void add_warning(struct making *m, const char *text)
{
	if (text && m->out->n_warnings < CONFIG_WARNINGS_MAX)
		m->out->warnings[m->out->n_warnings++] = text;
}

/* --- keys -------------------------------------------------------------------------------- */

/* a key that is not known here; those that warren keeps are for root */
static int unknown_key(const struct topology *t, const char *whose, struct err *e)
{
	err_set(e, ENOKEY, "the public key of %s is not known here", whose);
	if (access(WARREN_STATE_DIR, F_OK) == 0 && access(WARREN_STATE_DIR "/", R_OK) < 0)
		err_hint(e, "use sudo: keys are kept in %s/%s, which is root's", WARREN_STATE_DIR,
			 t->name);
	else
		err_hint(e, "`warren up` makes one and keeps it, on the machine that has that "
			    "host; or give it a private_key or private_key_file");
	return err_kind_set(e, ERR_CANNOT);
}

/* why a file that the topology names could not be read; else no key is fine */
static int check_key_file(const struct key *k, const char *file, struct err *e)
{
	struct key again;

	return k->present || !file ? 0 : keys_read(file, &again, e);
}

static int set_private_key(struct making *m, const struct key *k, const char *file, struct err *e)
{
	int r = check_key_file(k, file, e);

	if (r < 0)
		return r;
	m->p->has_private_key = k->present;
	memcpy(m->p->private_key, k->bytes, WG_KEY_LEN);
	return 0;
}

/* @public: the key that belongs to the one that is missing, if it is known */
static void miss_private_key(struct making *m, const struct key *public)
{
	char text[WG_KEY_BASE64_LEN];

	if (m->p->has_private_key)
		return;
	if (public && public->present)
		m->p->missing[PROFILE_PRIVATE_KEY] =
			arena_printf(m->a, "(fill in: the one of public key %s)",
				     wg_key_format(public->bytes, text));
	else
		m->p->missing[PROFILE_PRIVATE_KEY] = "(fill in: it is not known here)";
	add_warning(m, "PrivateKey is left to be filled in: only its owner has it");
}

static int set_preshared_key(const struct peer *p, struct profile_peer *ret, struct err *e)
{
	struct key psk;
	int r = keys_preshared(p, &psk, e);

	if (r < 0)
		return err_wrap(e, "preshared key of a peer");
	ret->has_preshared_key = psk.present;
	memcpy(ret->preshared_key, psk.bytes, WG_KEY_LEN);
	return 0;
}

/* --- what both kinds share ------------------------------------------------------------------ */

/* those of @l that @wanted takes (NULL: all), as an array of @ret_n */
static int copy_prefixes(struct making *m, const struct prefix_list *l,
			 bool (*wanted)(const struct ip_prefix *), struct profile_prefix **ret,
			 size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	*ret = arena_alloc(m->a, (l->n + 1) * sizeof(**ret));
	for (size_t i = 0; *ret && i < l->n; i++)
		if (!wanted || wanted(&l->v[i]))
			(*ret)[(*ret_n)++].prefix = l->v[i];
	return *ret ? 0 : no_memory(e);
}

static void set_mtu(struct making *m, uint32_t mtu)
{
	m->p->has_mtu = mtu != CONFIG_MTU;
	m->p->mtu = mtu;
}

/* of a tunnel of the model, whoever it is for */
static int set_tunnel(struct making *m, const struct tunnel *k, struct err *e)
{
	struct profile *p = m->p;
	int r = set_private_key(m, &k->private_key, k->private_key_file, e);

	if (r < 0)
		return r;
	p->has_listen_port = k->has_listen_port;
	p->listen_port = k->listen_port;
	p->has_fwmark = k->fwmark != 0;
	p->fwmark = k->fwmark;
	set_mtu(m, k->mtu);
	return copy_prefixes(m, &k->addresses, NULL, &p->addresses, &p->n_addresses, e);
}

static void set_endpoint(const struct peer *p, struct profile_peer *ret)
{
	ret->has_endpoint = p->has_endpoint;
	ret->endpoint = p->endpoint;
	ret->endpoint_name = p->endpoint_name;
}

static void set_keepalive(const struct peer *p, struct profile_peer *ret)
{
	ret->has_keepalive = p->persistent_keepalive != 0;
	ret->keepalive = p->persistent_keepalive;
}

static int new_peers(struct making *m, size_t n, struct err *e)
{
	m->p->peers = arena_alloc(m->a, (n + 1) * sizeof(*m->p->peers));
	m->p->n_peers = m->p->peers ? n : 0;
	return m->p->peers ? 0 : no_memory(e);
}

/* --- a host's tunnel ------------------------------------------------------------------------- */

static int set_peer(struct making *m, const struct peer *p, struct profile_peer *ret, struct err *e)
{
	const char *whose = config_peer_name(m->t, p, m->a);
	int r;

	if (!whose)
		return no_memory(e);
	if (!p->public_key.present)
		return unknown_key(m->t, whose, e);
	ret->name = p->name || p->ref != PEER_BY_KEY ? whose : NULL;
	ret->has_public_key = true;
	memcpy(ret->public_key, p->public_key.bytes, WG_KEY_LEN);
	set_endpoint(p, ret);
	set_keepalive(p, ret);
	r = set_preshared_key(p, ret, e);
	if (r < 0)
		return r;
	return copy_prefixes(m, &p->allowed_ips, NULL, &ret->allowed_ips, &ret->n_allowed_ips, e);
}

static int make_tunnel(struct making *m, const struct config_place *at, struct err *e)
{
	const struct tunnel *k = at->tunnel;
	int r;

	if (m->o->peer || m->o->endpoint) {
		err_set(e, EINVAL, "a tunnel's own configuration has all of its peers");
		err_hint(e, "--peer and --endpoint are for the customer of a tenant");
		return err_kind_set(e, ERR_INVALID);
	}
	m->p->title =
		arena_printf(m->a, "%s/%s of lab %s", at->host->name, k->ifname.full, m->t->name);
	r = set_tunnel(m, k, e);
	miss_private_key(m, NULL);
	if (!r)
		r = new_peers(m, k->n_peers, e);
	for (size_t i = 0; i < k->n_peers && !r; i++)
		r = set_peer(m, &k->peers[i], &m->p->peers[i], e);
	return r;
}

/* --- a tenant's customer ---------------------------------------------------------------------- */

/* one address alone: what a peer may send from is its own */
static bool is_one_address(const struct ip_prefix *p)
{
	return p->len == ip_addr_bits(&p->addr);
}

/* what the file says of the client's end, or what the tenant's end implies */
static int set_client(struct making *m, const struct config_client *c, const struct tenant *tenant,
		      const struct gateway *gw, struct err *e)
{
	struct profile *p = m->p;
	const struct key *own = c->tunnel   ? &c->tunnel->private_key
				: c->tenant ? &c->tenant->private_key
					    : NULL;
	int r;

	if (c->tunnel)
		r = set_tunnel(m, c->tunnel, e);
	else if (own)
		r = set_private_key(m, own, c->tenant->private_key_file, e);
	else
		r = copy_prefixes(m, &c->peer->allowed_ips, is_one_address, &p->addresses,
				  &p->n_addresses, e);
	if (r < 0)
		return r;
	if (!c->tunnel)
		set_mtu(m, gw->mtu);
	miss_private_key(m, &c->peer->public_key);
	if (!own && !p->n_addresses) {
		p->missing[PROFILE_ADDRESS] = "(fill in: the client's own, if it has one)";
		add_warning(m, "Address is left to be filled in: the file does not say it");
	}
	p->dns = tenant->dns;
	p->n_dns = tenant->n_dns;
	return 0;
}

/* --endpoint, with the port where it has none; an IPv6 address may do without brackets then */
static int set_given_endpoint(struct making *m, uint16_t port, struct profile_peer *ret,
			      struct err *e)
{
	const char *given = m->o->endpoint;
	struct ip_addr a;
	bool bare = ip_addr_parse(given, &a) == 0 && a.family == AF_INET6;
	const char *text = arena_printf(m->a, bare ? "[%s]:%u" : "%s:%u", given, port);
	size_t name_len = 0;

	if (!text)
		return no_memory(e);
	if (ip_host_port_parse(given, &ret->endpoint, &name_len) == 0)
		text = given;
	else if (ip_host_port_parse(text, &ret->endpoint, &name_len) < 0) {
		err_set(e, EINVAL, "`%s` is no endpoint", given);
		err_hint(e,
			 "write HOST or HOST:PORT, such as vpn.example.com or [2001:db8::1]:51820");
		return err_kind_set(e, ERR_INVALID);
	}
	ret->has_endpoint = true;
	ret->endpoint_name = name_len ? arena_strndup(m->a, text, name_len) : NULL;
	return name_len && !ret->endpoint_name ? no_memory(e) : 0;
}

/* where the client calls: what its peer says, or the gateway's first address on a segment */
static void find_endpoint(struct making *m, const struct config_client *c, const struct host *gw,
			  uint16_t port, struct profile_peer *ret)
{
	if (c->back && c->back->has_endpoint) {
		set_endpoint(c->back, ret);
		return;
	}
	for (size_t i = 0; i < gw->n_attachments && !ret->has_endpoint; i++) {
		if (!gw->attachments[i].addresses.n)
			continue;
		ret->has_endpoint = true;
		ret->endpoint = (struct ip_endpoint){.addr = gw->attachments[i].addresses.v[0].addr,
						     .port = port};
	}
	if (ret->has_endpoint)
		return;
	ret->missing[PROFILE_ENDPOINT - PROFILE_FIRST_OF_PEER] =
		arena_printf(m->a, "(fill in: the gateway's address, port %u)", port);
	add_warning(m, "Endpoint is left to be filled in: the gateway has no address on a network "
		       "(--endpoint gives one)");
}

/* the tenant's end, as the client sees it */
static int set_gateway(struct making *m, const struct config_client *c,
		       const struct config_place *at, struct err *e)
{
	static struct ip_prefix all[] = {{.addr.family = AF_INET}, {.addr.family = AF_INET6}};
	const struct prefix_list everything = {.v = all, .n = ARRAY_SIZE(all)};
	struct profile_peer *ret = m->p->peers;
	int r = 0;

	ret->name = arena_printf(m->a, "%s/%s", at->host->name, at->tenant->name);
	if (!ret->name)
		return no_memory(e);
	if (!at->tenant->private_key.present) {
		r = check_key_file(&at->tenant->private_key, at->tenant->private_key_file, e);
		return r < 0 ? r : unknown_key(m->t, ret->name, e);
	}
	ret->has_public_key = true;
	wg_key_public(at->tenant->private_key.bytes, ret->public_key);
	r = set_preshared_key(c->peer, ret, e);
	if (!r && !ret->has_preshared_key && c->back)
		r = set_preshared_key(c->back, ret, e);
	if (!r && m->o->endpoint)
		r = set_given_endpoint(m, at->tenant->listen_port, ret, e);
	else if (!r)
		find_endpoint(m, c, at->host, at->tenant->listen_port, ret);
	set_keepalive(c->back && c->back->persistent_keepalive ? c->back : c->peer, ret);
	if (r < 0)
		return r;
	return copy_prefixes(m, c->back ? &c->back->allowed_ips : &everything, NULL,
			     &ret->allowed_ips, &ret->n_allowed_ips, e);
}

static int make_customer(struct making *m, const struct config_place *at, struct err *e)
{
	struct config_client c;
	const char *whose;
	int r = config_find_client(m->t, at, m->o->peer, &c, e);

	if (r < 0)
		return r;
	whose = config_peer_name(m->t, c.peer, m->a);
	m->p->title = arena_printf(m->a, "%s, customer of tenant %s of lab %s",
				   c.peer->name || c.peer->ref != PEER_BY_KEY ? whose : "client",
				   at->tenant->name, m->t->name);
	if (!whose || !m->p->title)
		return no_memory(e);
	r = set_client(m, &c, at->tenant, at->host->gateway, e);
	if (!r)
		r = new_peers(m, 1, e);
	return r < 0 ? r : set_gateway(m, &c, at, e);
}

int config_make(const struct topology *t, const struct config_options *o, struct config *ret,
		struct err *e)
{
	struct config_place at;
	struct making m = {.t = t, .o = o, .out = ret};
	int r;

	*ret = (struct config){.profile = profile_new()};
	m.p = ret->profile;
	if (!m.p)
		return no_memory(e);
	m.a = m.p->arena;
	r = config_find(t, o->name, &at, e);
	if (r < 0)
		return r;
	r = at.tunnel ? make_tunnel(&m, &at, e) : make_customer(&m, &at, e);
	return r < 0 ? err_wrap(e, "%s", o->name) : 0;
}

void config_free(struct config *c)
{
	profile_free(c->profile);
	*c = (struct config){.profile = NULL};
}
