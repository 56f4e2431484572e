/* SPDX-License-Identifier: GPL-2.0-or-later */
/* the topology around the profiles: the segment, hosts, gateways, checks */
#include <stdio.h>
#include <string.h>

#include "lab/import_build.h"

#define SEGMENT    "internet"
#define BRIDGE     "br-service"
#define INSIDE_MAX 60 /* addresses of a bridge, 64 at most, less its own */
#define MTU_LEAST  496
#define MTU_PLAIN  1420

/* --- gateways ------------------------------------------------------------------------------ */

/* what the tenants' profiles have for addresses, as far as there is room */
static void gather_inside(struct import *im, const struct import_end *end)
{
	struct import_host *gw = &im->hosts[end->host];
	const struct profile *p = import_profile(end);

	for (size_t i = 0; i < p->n_addresses && gw->inside.n < INSIDE_MAX; i++) {
		const struct ip_addr *a = &p->addresses[i].prefix.addr;

		if (import_is_unicast(a) && !ip_prefix_contains(&im->service.v4, a) &&
		    !ip_prefix_contains(&im->service.v6, a))
			import_add_address(im, &gw->inside, a);
	}
}

/* the least that a tenant of the gateway asks for */
static void gather_mtu(struct import *im, const struct import_end *end)
{
	struct import_host *gw = &im->hosts[end->host];
	const struct profile *p = import_profile(end);
	uint32_t mtu = p->has_mtu && p->mtu >= MTU_LEAST ? p->mtu : MTU_PLAIN;

	if (!gw->mtu || mtu < gw->mtu)
		gw->mtu = mtu;
}

static void write_gateway(struct import_writer *w, size_t host)
{
	const struct import_host *gw = &w->im->hosts[host];

	print_open(&w->p, "gateway");
	print_text(&w->p, "bridge", BRIDGE);
	if (gw->mtu != MTU_PLAIN)
		print_number(&w->p, "mtu", gw->mtu);
	print_open(&w->p, "tenants");
	for (size_t i = 0; i < w->im->n_ends; i++)
		if (w->im->ends[i].is_tenant && w->im->ends[i].host == host)
			import_write_tenant(w, &w->im->ends[i]);
	print_close(&w->p);
	print_close(&w->p);
}

/* --- hosts ----------------------------------------------------------------------------------- */

/*
 * @own, each alone, then the @number-th address of each family that is in use: what is left to be
 * filled in, such as an endpoint, is the first.
 */
static void print_addresses(struct import_writer *w, const struct import_nets *nets,
			    uint64_t number, const struct import_addresses *own)
{
	struct prefix_list list = {.v = arena_alloc(w->im->a, (own->n + 2) * sizeof(*list.v))};

	if (!list.v) {
		w->im->no_memory = true;
		return;
	}
	for (size_t i = 0; i < own->n; i++)
		list.v[list.n++] = (struct ip_prefix){.addr = own->v[i],
						      .len = (uint8_t)ip_addr_bits(&own->v[i])};
	list.v[list.n] = nets->v4;
	list.v[list.n++].addr = import_nth(&nets->v4, number);
	if (nets->has_v6) {
		list.v[list.n] = nets->v6;
		list.v[list.n++].addr = import_nth(&nets->v6, number);
	}
	print_prefixes(&w->p, "addresses", &list);
}

static void write_routes(struct import_writer *w, const struct import_host *h, const char *dev)
{
	if (!h->calls.n)
		return;
	print_comment(&w->p, "on the segment, whatever its address is");
	print_open(&w->p, "routes");
	w->p.depth++;
	for (size_t i = 0; i < h->calls.n; i++) {
		struct ip_prefix to = {.addr = h->calls.v[i],
				       .len = (uint8_t)ip_addr_bits(&h->calls.v[i])};
		char text[IP_PREFIX_STRLEN];

		w->p.item = true;
		print_text(&w->p, "to", ip_prefix_format(&to, text));
		print_text(&w->p, "dev", dev);
	}
	w->p.depth--;
	print_close(&w->p);
}

/* @end: the host's only tunnel; NULL: it is a gateway */
static void write_host(struct import_writer *w, size_t i, const struct import_end *end)
{
	const struct import_host *h = &w->im->hosts[i];
	const char *dev = end && !strcmp(end->name, "eth0") ? "eth1" : "eth0";

	print_open(&w->p, h->name);
	print_open(&w->p, "networks");
	print_open(&w->p, SEGMENT);
	print_text(&w->p, "interface", dev);
	print_addresses(w, &w->im->underlay, i + 1, &h->called);
	print_close(&w->p);
	print_close(&w->p);
	write_routes(w, h, dev);
	if (h->is_gateway) {
		print_open(&w->p, "bridges");
		print_open(&w->p, BRIDGE);
		print_addresses(w, &w->im->service, 1, &h->inside);
		print_close(&w->p);
		print_close(&w->p);
		write_gateway(w, i);
	}
	if (end) {
		print_open(&w->p, "wireguard");
		import_write_tunnel(w, end);
		print_close(&w->p);
	}
	print_close(&w->p);
}

/* --- checks ------------------------------------------------------------------------------------ */

static const struct import_peer *find_back(const struct import *im, const struct import_end *from,
					   const struct import_end *to)
{
	for (size_t i = 0; i < import_profile(to)->n_peers; i++)
		if (to->peers[i].other != NO_END && &im->ends[to->peers[i].other] == from)
			return &to->peers[i];
	return NULL;
}

static bool contains(const struct prefix_list *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_prefix_contains(&list->v[i], a))
			return true;
	return false;
}

/* has @p an address of that family which the other end lets through? */
static bool may_send(const struct profile *p, int family, const struct prefix_list *allowed)
{
	for (size_t i = 0; i < p->n_addresses; i++)
		if (p->addresses[i].prefix.addr.family == family &&
		    contains(allowed, &p->addresses[i].prefix.addr))
			return true;
	return false;
}

static bool same_psk(const struct import *im, const struct profile_peer *a,
		     const struct profile_peer *b)
{
	if (im->o->keys == IMPORT_KEYS_LEFT_OUT)
		return true;
	return a->has_preshared_key == b->has_preshared_key &&
	       memcmp(a->preshared_key, b->preshared_key, WG_KEY_LEN) == 0;
}

/* an address of @to that @peer of @from leads to, and an answer comes from; false: there is none */
static bool find_target(const struct import *im, const struct import_end *from,
			const struct import_peer *peer, const struct import_end *to,
			struct ip_addr *ret)
{
	const struct import_peer *back = find_back(im, from, to);
	const struct profile *p = import_profile(to);
	struct ip_addr service = import_nth(&im->service.v4, 1);

	if (!back || !back->allowed.n || !same_psk(im, peer->p, back->p) || !p->listen_port)
		return false;
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct ip_addr *a = &p->addresses[i].prefix.addr;

		*ret = *a;
		if (import_is_unicast(a) && contains(&peer->allowed, a) &&
		    may_send(import_profile(from), a->family, &back->allowed))
			return true;
	}
	*ret = service;
	return to->is_tenant && contains(&peer->allowed, &service) &&
	       may_send(import_profile(from), AF_INET, &back->allowed);
}

static void write_check(struct import_writer *w, const struct import_end *from,
			const struct ip_addr *target, size_t *n)
{
	if (!(*n)++) {
		print_open(&w->p, "checks");
		w->p.depth++;
	}
	w->p.item = true;
	print_text(&w->p, "from", w->im->hosts[from->host].name);
	print_address(&w->p, "icmp", target);
}

/* can it be tried from @end by @peer? */
static bool can_try(const struct import *im, const struct import_end *end,
		    const struct import_peer *peer, struct ip_addr *ret)
{
	return !end->is_tenant && peer->other != NO_END && peer->allowed.n &&
	       find_target(im, end, peer, &im->ends[peer->other], ret);
}

/*
 * Who has both ends of a tunnel can try it, from one of them: it takes an answer.  Two that begin
 * at the same instant would spoil each other's handshake.
 */
static void write_checks(struct import_writer *w)
{
	const struct import *im = w->im;
	struct ip_addr target, other;
	size_t n = 0;

	for (size_t i = 0; i < im->n_ends; i++) {
		const struct import_end *end = &im->ends[i];

		for (size_t k = 0; k < import_profile(end)->n_peers; k++) {
			const struct import_peer *peer = &end->peers[k], *back;

			if (peer->other != NO_END && peer->allowed.n)
				im->out->n_joined++;
			if (!can_try(im, end, peer, &target))
				continue;
			back = find_back(im, end, &im->ends[peer->other]);
			if (peer->other > i || !can_try(im, &im->ends[peer->other], back, &other))
				write_check(w, end, &target, &n);
		}
	}
}

/* --- all of it ------------------------------------------------------------------------------------ */

static void write_head(struct import_writer *w)
{
	const struct import *im = w->im;
	char a[IP_PREFIX_STRLEN], b[IP_PREFIX_STRLEN];

	print_comment(&w->p, "made by `warren import` of %zu wg-quick file%s", im->n_ends,
		      im->n_ends == 1 ? "" : "s");
	if (im->o->keys == IMPORT_KEYS_LEFT_OUT)
		print_comment(&w->p,
			      "private and preshared keys are left out: warren makes new ones");
	print_comment(&w->p, "made up: %s on the segment%s%s",
		      ip_prefix_format(&im->underlay.v4, a),
		      im->n_gateways ? ", and behind the gateway " : "",
		      im->n_gateways ? ip_prefix_format(&im->service.v4, b) : "");
	print_text(&w->p, "name", im->o->name);
	print_open(&w->p, "networks");
	print_empty(&w->p, SEGMENT);
	print_close(&w->p);
}

void import_write(struct import *im, FILE *out)
{
	struct import_writer w = {.im = im, .p = {.out = out, .show_secrets = true}};

	for (size_t i = 0; i < im->n_ends; i++) {
		if (!im->ends[i].is_tenant)
			continue;
		gather_inside(im, &im->ends[i]);
		gather_mtu(im, &im->ends[i]);
		im->out->n_tenants++;
	}
	im->out->n_hosts = im->n_hosts;
	write_head(&w);
	print_open(&w.p, "hosts");
	for (size_t i = 0; i < im->n_gateways; i++)
		write_host(&w, i, NULL);
	for (size_t i = 0; i < im->n_ends; i++)
		if (!im->ends[i].is_tenant)
			write_host(&w, im->ends[i].host, &im->ends[i]);
	print_close(&w.p);
	write_checks(&w);
}
