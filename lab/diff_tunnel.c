/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference in WireGuard interfaces: made anew where they must be, else changed in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/diff_build.h"
#include "wg/key.h"

#define REJECT_AFTER 180 /* seconds after a handshake; WireGuard, "Timers" */

/* --- the interface --------------------------------------------------------------------------- */

/* the same tunnel as it was wanted before; @i: how far back, from 0 */
static const struct plan_tunnel *had_tunnel(const struct diff *d, const struct plan_tunnel *k,
					    size_t i)
{
	const struct plan *had = d->in->had[i];
	const char *home = d->in->want->ns[k->home].name;

	/* most often it stands at the same place */
	for (size_t n = had->n_tunnels, at = k->number < n ? k->number : 0; n-- > 0;
	     at = (at + 1) % had->n_tunnels) {
		const struct plan_tunnel *t = had->tunnels[at];
		const char *name = had->ns[t->home].name;

		if ((home && name ? !strcmp(home, name) : home == name) &&
		    !strcmp(t->ifname->name, k->ifname->name))
			return t;
	}
	return NULL;
}

/* was it wanted before, with its socket elsewhere?  An apply that was cut short may have moved it. */
static bool had_elsewhere(const struct diff *d, const struct plan_tunnel *k)
{
	const char *birth = d->in->want->ns[k->birth].name;

	for (size_t i = 0; i < d->in->n_had; i++) {
		const struct plan_tunnel *t = had_tunnel(d, k, i);
		const char *had = t ? d->in->had[i]->ns[t->birth].name : NULL;

		if (t && (birth && had ? strcmp(birth, had) : birth != had))
			return true;
	}
	return false;
}

/* why it must be made again; NULL: it need not */
static const char *reason_anew(struct diff *d, const struct op *op)
{
	const struct plan_tunnel *k = op->tunnel;
	const struct tunnel_seen *seen = &d->in->seen->tunnels[k->number];

	if (d->is_new[k->home])
		return "";
	if (!seen_link(d->in->seen, k->home, k->ifname->name))
		return "the interface is missing";
	if (d->is_new[k->birth])
		return "its underlay is made anew";
	if (!seen->answers)
		return seen->why;
	return had_elsewhere(d, k) ? "its underlay is another namespace" : NULL;
}

/* what is left of it goes, before it is made */
static void clear_tunnel(struct diff *d, const struct op *op)
{
	const struct plan_tunnel *k = op->tunnel;
	const struct link_seen *l = seen_link(d->in->seen, k->home, k->ifname->name);
	struct op del = {
		.kind = OP_LINK_DEL, .ns = k->home, .unit = op->unit, .ifname = op->ifname};
	char process[160];

	snprintf(process, sizeof(process), TUNNEL_PROCESS "%s/%s", k->dir, k->ifname->name);
	diff_undo(d, op->unit, journal_find(&d->in->seen->processes, process), STAGE_CLEAR,
		  "what is left of its process");
	if (l) {
		del.index = l->index;
		diff_emit(d, &del, STAGE_CLEAR);
	}
	diff_link_goes(d, k->home, k->ifname->name);
}

int diff_tunnel(struct diff *d, const struct op *op, struct err *e)
{
	const struct plan_tunnel *k = op->tunnel;
	const char *why;

	(void)e;
	if (!d->anew[k->number]) {
		const struct link_seen *l = seen_link(d->in->seen, k->home, k->ifname->name);
		struct change *c;

		why = reason_anew(d, op);
		if (!why) {
			if (op->kind == OP_TUNNEL)
				diff_mtu(d, op, k->home, op->ifname, l, k->mtu);
			return 0;
		}
		d->anew[k->number] = true;
		clear_tunnel(d, op);
		if (!d->is_new[op->unit]) {
			bool had = seen_link(d->in->seen, k->home, k->ifname->name) ||
				   diff_had(d, d->in->want,
					    &(struct op){.kind = OP_TUNNEL,
							 .ns = op->ns,
							 .ifname = op->ifname,
							 .tunnel = k});

			c = diff_say(d, had ? '~' : '+', op->unit,
				     diff_printf(d, "tunnel %s", k->ifname->full));
			if (had)
				c->because = diff_printf(d, "made anew: %s", why);
		}
	}
	diff_emit(d, op, STAGE_MAKE);
	return 0;
}

/* --- its settings ------------------------------------------------------------------------------- */

static const struct peer *peers_of(const struct plan_tunnel *k, size_t *ret_n)
{
	*ret_n = k->tenant ? k->tenant->n_peers : k->tunnel->n_peers;
	return k->tenant ? k->tenant->peers : k->tunnel->peers;
}

static const struct peer *find_peer(const struct plan_tunnel *k, const uint8_t key[static KEY_LEN])
{
	size_t n;
	const struct peer *peers = peers_of(k, &n);

	for (size_t i = 0; i < n; i++)
		if (!memcmp(peers[i].public_key.bytes, key, KEY_LEN))
			return &peers[i];
	return NULL;
}

/* the peer with @key as it was wanted before; NULL: it was not */
static const struct peer *had_peer(const struct diff *d, const struct plan_tunnel *k,
				   const uint8_t key[static KEY_LEN], const struct topology **ret_t)
{
	for (size_t i = 0; i < d->in->n_had; i++) {
		const struct plan_tunnel *t = had_tunnel(d, k, i);
		const struct peer *p = t ? find_peer(t, key) : NULL;

		if (p) {
			*ret_t = d->in->had[i]->topology;
			return p;
		}
	}
	return NULL;
}

/* what people call it */
static const char *peer_words(struct diff *d, const struct topology *t, const struct peer *p,
			      const uint8_t key[static KEY_LEN])
{
	char text[WG_KEY_BASE64_LEN + 1];

	if (p && p->name)
		return p->name;
	if (p && p->ref == PEER_BY_HOST)
		return diff_printf(d, "%s/%s", t->hosts[p->ref_host].name,
				   t->hosts[p->ref_host].tunnels[p->ref_index].ifname.full);
	if (p && p->ref == PEER_BY_TENANT)
		return diff_printf(d, "%s/%s", t->hosts[p->ref_host].name,
				   t->hosts[p->ref_host].gateway->tenants[p->ref_index].name);
	wg_key_format(key, text);
	return diff_printf(d, "%s", text);
}

static int by_prefix(const void *x, const void *y)
{
	const struct ip_prefix *a = x, *b = y;
	int r = ip_addr_cmp(&a->addr, &b->addr);

	return r ? r : (int)a->len - (int)b->len;
}

static struct ip_prefix *sorted(struct diff *d, const struct ip_prefix *v, size_t n)
{
	struct ip_prefix *s = arena_alloc(d->arena, (n + 1) * sizeof(*s));

	if (!s) {
		d->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		s[i] = ip_prefix_network(&v[i]);
	qsort(s, n, sizeof(*s), by_prefix);
	return s;
}

static bool same_prefixes(struct diff *d, const struct prefix_list *want, const struct wg_peer *is)
{
	const struct ip_prefix *a, *b;

	if (want->n != is->n_allowed_ips)
		return false;
	a = sorted(d, want->v, want->n);
	b = sorted(d, is->allowed_ips, is->n_allowed_ips);
	for (size_t i = 0; a && b && i < want->n; i++)
		if (by_prefix(&a[i], &b[i]))
			return false;
	return true;
}

static const char *prefixes_words(struct diff *d, const struct ip_prefix *v, size_t n)
{
	const char *text = n ? "" : "none";
	char prefix[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		text = diff_printf(d, "%s%s%s", text, i ? ", " : "",
				   ip_prefix_format(&v[i], prefix));
	return text;
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* is the tunnel that the peer names by reference about to listen on another port? */
static bool moves(const struct diff *d, const struct peer *p)
{
	const struct plan *want = d->in->want;

	for (size_t i = 0; p->ref != PEER_BY_KEY && i < want->n_tunnels; i++) {
		const struct plan_tunnel *k = want->tunnels[i];
		const struct tunnel_seen *seen = &d->in->seen->tunnels[i];
		const struct host *h = &want->topology->hosts[p->ref_host];
		uint16_t port = k->tenant ? k->tenant->listen_port : k->tunnel->listen_port;

		if (p->ref == PEER_BY_TENANT ? k->tenant == &h->gateway->tenants[p->ref_index]
					     : k->tunnel == &h->tunnels[p->ref_index])
			return !seen->answers || seen->config.listen_port != port;
	}
	return false;
}

static bool same_endpoint(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && !ip_addr_cmp(&a->addr, &b->addr);
}

static bool says_another(const struct peer *had, const struct peer *want)
{
	return !had->has_endpoint || !same_string(want->endpoint_name, had->endpoint_name) ||
	       (want->endpoint_name ? want->endpoint.port != had->endpoint.port
				    : !same_endpoint(&want->endpoint, &had->endpoint));
}

/* did the file before say another?  Those of applies that were cut short: and is it still there? */
static bool says_another_now(const struct diff *d, const struct plan_tunnel *k,
			     const struct peer *want, const struct wg_peer *is)
{
	for (size_t i = 0; i < d->in->n_had; i++) {
		const struct plan_tunnel *t = had_tunnel(d, k, i);
		const struct peer *had = t ? find_peer(t, want->public_key.bytes) : NULL;

		if (had && says_another(had, want) &&
		    (!i || had->endpoint_name || same_endpoint(&had->endpoint, &is->endpoint)))
			return true;
	}
	return false;
}

/*
 * A peer that is somewhere else than the file says has roamed, and is left there: but for a file that
 * says something new, a peer of this lab that moves now, and one that has not been heard of since.
 */
static bool wants_endpoint(const struct diff *d, const struct plan_tunnel *k,
			   const struct peer *want, const struct wg_peer *is)
{
	if (!want->has_endpoint || !is->has_endpoint)
		return want->has_endpoint;
	if (!want->endpoint_name && same_endpoint(&want->endpoint, &is->endpoint))
		return false;
	return moves(d, want) || says_another_now(d, k, want, is) ||
	       (!want->endpoint_name && time(NULL) - is->latest_handshake > REJECT_AFTER);
}

static struct change *say_peer(struct diff *d, const struct op *op, const char *peer,
			       const char *what)
{
	return diff_say(d, '~', op->unit, diff_printf(d, "peer %s: %s", peer, what));
}

static const char *endpoint_words(struct diff *d, const struct peer *p)
{
	char text[IP_ENDPOINT_STRLEN];

	return p->endpoint_name ? diff_printf(d, "%s:%u", p->endpoint_name, p->endpoint.port)
				: diff_printf(d, "%s", ip_endpoint_format(&p->endpoint, text));
}

static void change_peer(struct diff *d, const struct op *op, const struct peer *want,
			const struct wg_peer *is, struct peer_change *c)
{
	const struct topology *t = d->in->want->topology;
	static const uint8_t none[KEY_LEN];
	char text[IP_ENDPOINT_STRLEN];
	struct change *s;
	const char *name;

	*c = (struct peer_change){.peer = want};
	memcpy(c->public_key, want->public_key.bytes, KEY_LEN);
	name = peer_words(d, t, want, c->public_key);
	c->preshared_key = memcmp(want->preshared_key.bytes,
				  is->has_preshared_key ? is->preshared_key : none, KEY_LEN) != 0;
	if (c->preshared_key)
		say_peer(d, op, name, "preshared_key");
	c->allowed_ips = !same_prefixes(d, &want->allowed_ips, is);
	if (c->allowed_ips) {
		s = say_peer(d, op, name, "allowed_ips");
		s->from = prefixes_words(d, is->allowed_ips, is->n_allowed_ips);
		s->to = prefixes_words(d, want->allowed_ips.v, want->allowed_ips.n);
	}
	c->keepalive = want->persistent_keepalive != (is->has_keepalive ? is->keepalive : 0);
	if (c->keepalive) {
		s = say_peer(d, op, name, "persistent_keepalive");
		s->from = diff_printf(d, "%u", is->has_keepalive ? is->keepalive : 0);
		s->to = diff_printf(d, "%u", want->persistent_keepalive);
	}
	c->endpoint = wants_endpoint(d, op->tunnel, want, is);
	if (c->endpoint) {
		s = say_peer(d, op, name, "endpoint");
		s->from = is->has_endpoint
				  ? diff_printf(d, "%s", ip_endpoint_format(&is->endpoint, text))
				  : "none";
		s->to = endpoint_words(d, want);
	}
}

static bool is_change(const struct peer_change *c)
{
	return c->preshared_key || c->allowed_ips || c->keepalive || c->endpoint;
}

static void add_peer(struct diff *d, const struct op *op, const struct peer *want,
		     struct peer_change *c)
{
	const struct topology *t = d->in->want->topology, *before = t;
	bool had = d->in->unchanged || had_peer(d, op->tunnel, want->public_key.bytes, &before);
	struct change *s;

	*c = (struct peer_change){.peer = want,
				  .preshared_key = true,
				  .allowed_ips = true,
				  .keepalive = true,
				  .endpoint = want->has_endpoint};
	memcpy(c->public_key, want->public_key.bytes, KEY_LEN);
	s = diff_say(d, had ? '~' : '+', op->unit,
		     diff_printf(d, "peer %s", peer_words(d, t, want, want->public_key.bytes)));
	if (had)
		s->because = "it is missing";
}

/* peers that were wanted before and are there; those that somebody else added are left alone */
static void remove_peers(struct diff *d, const struct op *op, const struct wg_config *is,
			 struct tunnel_change *change)
{
	for (size_t i = 0; i < is->n_peers; i++) {
		const uint8_t *key = is->peers[i].public_key;
		const struct topology *t = NULL;
		const struct peer *had;
		struct peer_change *c = &change->peers[change->n_peers];

		if (find_peer(op->tunnel, key))
			continue;
		had = had_peer(d, op->tunnel, key, &t);
		if (!had)
			continue;
		*c = (struct peer_change){.peer = NULL};
		memcpy(c->public_key, key, KEY_LEN);
		change->n_peers++;
		diff_say(d, '-', op->unit, diff_printf(d, "peer %s", peer_words(d, t, had, key)));
	}
}

static void change_peers(struct diff *d, const struct op *op, const struct wg_config *is,
			 struct tunnel_change *change)
{
	struct table by_key = TABLE_INIT;
	size_t n;
	const struct peer *want = peers_of(op->tunnel, &n);

	change->peers = arena_alloc(d->arena, (n + is->n_peers + 1) * sizeof(*change->peers));
	if (!change->peers) {
		d->no_memory = true;
		return;
	}
	for (size_t i = 0; i < is->n_peers; i++)
		if (table_add(&by_key, is->peers[i].public_key, KEY_LEN, i, NULL) < 0)
			d->no_memory = true;
	/* an address that moves from one peer to another is taken from the first by the kernel */
	remove_peers(d, op, is, change);
	for (size_t i = 0; i < n; i++) {
		struct peer_change *c = &change->peers[change->n_peers];
		size_t at;

		if (table_get(&by_key, want[i].public_key.bytes, KEY_LEN, &at))
			change_peer(d, op, &want[i], &is->peers[at], c);
		else
			add_peer(d, op, &want[i], c);
		change->n_peers += is_change(c);
	}
	table_free(&by_key);
}

/* another tunnel of the same underlay that has @port now; its own turn, with another, comes later */
static const struct plan_tunnel *holder_of(const struct diff *d, const struct plan_tunnel *k,
					   uint16_t port)
{
	const struct plan *p = d->in->want;

	for (size_t i = 0; i < p->n_tunnels; i++) {
		const struct tunnel_seen *seen = &d->in->seen->tunnels[i];

		if (p->tunnels[i] != k && p->tunnels[i]->birth == k->birth && seen->answers &&
		    seen->config.listen_port == port)
			return p->tunnels[i];
	}
	return NULL;
}

/* so that @op's tunnel can have @port: the one that has it now lets it go */
static void free_port(struct diff *d, const struct op *op, uint16_t port)
{
	const struct plan_tunnel *holder = holder_of(d, op->tunnel, port);
	struct tunnel_change *release;
	struct op let_go = {.kind = OP_TUNNEL_SET, .unit = op->unit};

	/* one whose turn was before has another port by then */
	if (!holder || diff_is_before(d, holder->home, op->unit))
		return;
	release = arena_alloc(d->arena, sizeof(*release));
	if (!release) {
		d->no_memory = true;
		return;
	}
	release->release_port = true;
	let_go.ns = holder->home;
	let_go.ifname = holder->ifname->name;
	let_go.tunnel = holder;
	let_go.change = release;
	diff_emit(d, &let_go, STAGE_CLEAR);
}

static void change_port(struct diff *d, const struct op *op, uint16_t is, uint16_t want)
{
	struct change *s = diff_say(d, '~', op->unit, "listen_port");

	s->from = diff_printf(d, "%u", is);
	s->to = diff_printf(d, "%u", want);
	free_port(d, op, want);
}

void diff_tunnel_set(struct diff *d, const struct op *op)
{
	const struct plan_tunnel *k = op->tunnel;
	const struct wg_config *is = &d->in->seen->tunnels[k->number].config;
	const struct key *key = k->tenant ? &k->tenant->private_key : &k->tunnel->private_key;
	bool has_port = k->tenant || k->tunnel->has_listen_port;
	uint16_t port = k->tenant ? k->tenant->listen_port : k->tunnel->listen_port;
	uint32_t fwmark = k->tunnel ? k->tunnel->fwmark : 0;
	struct tunnel_change *c = arena_alloc(d->arena, sizeof(*c));
	struct change *s;

	if (!c)
		d->no_memory = true;
	if (!c || d->anew[k->number]) {
		diff_emit(d, op, STAGE_MAKE);
		if (has_port && port)
			free_port(d, op, port);
		return;
	}
	c->private_key = key->present && (!is->has_private_key ||
					  memcmp(key->bytes, is->private_key, KEY_LEN) != 0);
	if (c->private_key)
		diff_say(d, '~', op->unit, diff_printf(d, "private_key of %s", k->ifname->full));
	c->listen_port = has_port && port && port != is->listen_port;
	if (c->listen_port)
		change_port(d, op, is->listen_port, port);
	c->fwmark = k->tunnel && fwmark != (is->has_fwmark ? is->fwmark : 0);
	if (c->fwmark) {
		s = diff_say(d, '~', op->unit, "fwmark");
		s->from = diff_printf(d, "%u", is->has_fwmark ? is->fwmark : 0);
		s->to = diff_printf(d, "%u", fwmark);
	}
	change_peers(d, op, is, c);
	if (c->private_key || c->listen_port || c->fwmark || c->n_peers)
		diff_emit(d, op, STAGE_MAKE)->change = c;
}
