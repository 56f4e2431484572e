/* SPDX-License-Identifier: GPL-2.0-or-later */
/* one profile as a tunnel of a host, or as a tenant of a gateway */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "lab/import_build.h"
#include "lab/load.h"

#define MTU_LEAST     496 /* of a tunnel, as lab/read_wg.c has it */
#define ADDRESSES_MAX 64  /* of a tunnel, as lab/resolve_address.c has it */

/* --- what cannot be said --------------------------------------------------------------------- */

void import_warn(const struct import_end *end, struct profile_place place, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (end->warnings->n == DIAGS_MAX) { /* the work of saying it is saved */
		end->warnings->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diags_add(end->warnings,
		  (struct diag){.line = place.line ? place.line : 1,
				.column = place.line ? place.column : 1},
		  "%s", text);
}

/* there is no use in more than will be refused */
static bool is_full(const struct import_writer *w)
{
	return ftello(w->p.out) > (off_t)LAB_FILE_MAX;
}

void import_keep(struct import_writer *w, const struct import_end *end, enum profile_key key,
		 struct profile_place place, const char *text, const char *why)
{
	if (is_full(w))
		return;
	print_comment(&w->p, "%s = %s  (%s)", profile_key_name(key), text, why);
	import_warn(end, place, "`%s` is kept as a comment: %s", profile_key_name(key), why);
}

static void keep_prefix(struct import_writer *w, const struct import_end *end, enum profile_key key,
			const struct profile_prefix *p, const char *why)
{
	char text[IP_PREFIX_STRLEN];

	import_keep(w, end, key, p->place, ip_prefix_format(&p->prefix, text), why);
}

static void keep_number(struct import_writer *w, const struct import_end *end, enum profile_key key,
			const char *format, uint32_t value, const char *why)
{
	const char *text = arena_printf(w->im->a, "%s%u", format, value);

	import_keep(w, end, key, import_profile(end)->at[key], text ? text : "", why);
}

static void keep_texts(struct import_writer *w, const struct import_end *end, enum profile_key key,
		       const struct profile_texts *list, const char *why)
{
	for (size_t i = 0; i < list->n && !is_full(w); i++)
		import_keep(w, end, key, list->v[i].place, list->v[i].text, why);
}

/* what neither a tunnel nor a tenant has */
static void keep_common(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);

	keep_texts(w, end, PROFILE_DNS, &p->dns_search, "a search domain is not known here");
	if (p->table == PROFILE_TABLE_OFF)
		import_keep(w, end, PROFILE_TABLE, p->at[PROFILE_TABLE], "off",
			    "allowed IPs always become routes");
	else if (p->table == PROFILE_TABLE_NUMBER)
		keep_number(w, end, PROFILE_TABLE, "", p->table_number,
			    "allowed IPs become routes of the main table");
	for (size_t i = 0; i < ARRAY_SIZE(p->commands); i++)
		keep_texts(w, end, PROFILE_PRE_UP + (enum profile_key)i, &p->commands[i],
			   "commands are not run");
	if (p->save_config)
		import_keep(w, end, PROFILE_SAVE_CONFIG, p->at[PROFILE_SAVE_CONFIG], "true",
			    "the topology file is not written");
}

static void keep_dns(struct import_writer *w, const struct import_end *end, const char *why)
{
	const struct profile *p = import_profile(end);
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < p->n_dns; i++)
		import_keep(w, end, PROFILE_DNS, p->at[PROFILE_DNS],
			    ip_addr_format(&p->dns[i], text), why);
}

/* --- keys -------------------------------------------------------------------------------------- */

/* what the keys of an end are filed under: the name of its namespace, which no other has */
static const char *own_name(const struct import *im, const struct import_end *end)
{
	return end->is_tenant ? end->name : im->hosts[end->host].name;
}

/* "KEY_file: LAB.keys/NAME", and the file is to be written */
static void print_key_file(struct import_writer *w, const char *what, const char *file,
			   const uint8_t *key)
{
	struct import_result *out = w->im->out;
	struct import_key *v = import_grow(w->im, out->keys, out->n_keys, sizeof(*v));
	const char *path = arena_printf(w->im->a, "%s.keys/%s", w->im->o->name, file);
	char name[32];

	if (!v || !path) {
		w->im->no_memory = true;
		return;
	}
	out->keys = v;
	v[out->n_keys++] = (struct import_key){.path = path, .key = key};
	snprintf(name, sizeof(name), "%s_file", what);
	print_text(&w->p, name, path);
}

static void print_secret_key(struct import_writer *w, const char *what, const char *file,
			     const uint8_t *key)
{
	char text[WG_KEY_BASE64_LEN];

	if (w->im->o->keys == IMPORT_KEYS_FILES)
		print_key_file(w, what, file, key);
	else if (w->im->o->keys == IMPORT_KEYS_INLINE)
		print_secret(&w->p, what, wg_key_format(key, text));
	else
		print_comment(&w->p, "%s: left out", what);
}

static void print_private_key(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);
	const char *file = arena_printf(w->im->a, "%s.key", own_name(w->im, end));

	if (!end->has_key)
		import_warn(end, (struct profile_place){0},
			    "there is no `PrivateKey`: warren makes one");
	else if (file)
		print_secret_key(w, "private_key", file, p->private_key);
	w->im->no_memory |= !file;
}

/* --- peers --------------------------------------------------------------------------------------- */

static void print_other(struct import_writer *w, const struct import_peer *peer)
{
	const struct import_end *other = peer->other == NO_END ? NULL : &w->im->ends[peer->other];
	char key[WG_KEY_BASE64_LEN], text[2 * NETNS_NAME_MAX + 2];

	if (!other) {
		print_text(&w->p, "public_key", wg_key_format(peer->p->public_key, key));
		return;
	}
	snprintf(text, sizeof(text), "%s/%s", w->im->hosts[other->host].name, other->name);
	print_text(&w->p, other->is_tenant ? "tenant" : "host", text);
}

static const char *endpoint_text(struct import *im, const struct profile_peer *p)
{
	char text[IP_ENDPOINT_STRLEN];
	const char *s = p->endpoint_name
				? arena_printf(im->a, "%s:%u", p->endpoint_name, p->endpoint.port)
				: arena_strdup(im->a, ip_endpoint_format(&p->endpoint, text));

	im->no_memory |= !s;
	return s ? s : "";
}

static void print_peer_endpoint(struct import_writer *w, const struct import_end *end,
				const struct import_peer *peer)
{
	const struct profile_peer *p = peer->p;
	struct profile_place at = p->at[PROFILE_ENDPOINT - PROFILE_FIRST_OF_PEER];

	if (!p->has_endpoint)
		return;
	if (peer->other != NO_END && !peer->keeps_endpoint) {
		import_keep(w, end, PROFILE_ENDPOINT, at, endpoint_text(w->im, p),
			    "the other end is called by its address in this lab");
		return;
	}
	print_text(&w->p, "endpoint", endpoint_text(w->im, p));
	if (p->endpoint_name)
		import_warn(end, at, "`%s` is looked up when the lab is made, from inside of it",
			    show(p->endpoint_name).s);
}

static void keep_taken(struct import_writer *w, const struct import_end *end,
		       const struct import_peer *peer)
{
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < peer->taken.n; i++)
		import_keep(w, end, PROFILE_ALLOWED_IPS,
			    peer->p->at[PROFILE_ALLOWED_IPS - PROFILE_FIRST_OF_PEER],
			    ip_prefix_format(&peer->taken.v[i], text),
			    "a later peer has it too, and gets it");
}

/* a peer that nothing is sent to: a topology has none */
static void keep_peer(struct import_writer *w, const struct import_end *end,
		      const struct import_peer *peer)
{
	char key[WG_KEY_BASE64_LEN];

	import_keep(w, end, PROFILE_PUBLIC_KEY, peer->p->place,
		    wg_key_format(peer->p->public_key, key), "a peer needs AllowedIPs");
	if (peer->p->name)
		print_comment(&w->p, "  %s", peer->p->name);
	if (peer->p->has_endpoint)
		print_comment(&w->p, "  Endpoint = %s", endpoint_text(w->im, peer->p));
	keep_taken(w, end, peer);
}

static void print_one_peer(struct import_writer *w, const struct import_end *end, size_t i)
{
	const struct import_peer *peer = &end->peers[i];
	const struct profile_peer *p = peer->p;

	w->p.item = true;
	print_other(w, peer);
	print_text(&w->p, "name", p->name);
	if (p->has_preshared_key) {
		const char *file =
			arena_printf(w->im->a, "%s.%zu.psk", own_name(w->im, end), i + 1);

		w->im->no_memory |= !file;
		print_secret_key(w, "preshared_key", file ? file : "", p->preshared_key);
	}
	print_peer_endpoint(w, end, peer);
	keep_taken(w, end, peer);
	print_prefixes(&w->p, "allowed_ips", &peer->allowed);
	if (p->keepalive)
		print_number(&w->p, "persistent_keepalive", p->keepalive);
}

static void print_peers(struct import_writer *w, const struct import_end *end)
{
	size_t n = import_profile(end)->n_peers, left = 0;

	for (size_t i = 0; i < n; i++) {
		left += end->peers[i].allowed.n > 0;
		if (!end->peers[i].allowed.n)
			keep_peer(w, end, &end->peers[i]);
	}
	if (!left)
		return;
	print_open(&w->p, "peers");
	w->p.depth++;
	for (size_t i = 0; i < n; i++)
		if (end->peers[i].allowed.n)
			print_one_peer(w, end, i);
	w->p.depth--;
	print_close(&w->p);
}

/* --- a tunnel --------------------------------------------------------------------------------------- */

static void print_tunnel_addresses(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);
	struct import_addresses seen = {.n = 0};
	struct prefix_list list = {
		.v = arena_alloc(w->im->a, (p->n_addresses + 1) * sizeof(*list.v))};

	w->im->no_memory |= !list.v;
	for (size_t i = 0; i < p->n_addresses && !w->im->no_memory; i++) {
		const struct profile_prefix *a = &p->addresses[i];

		if (list.n == ADDRESSES_MAX)
			keep_prefix(w, end, PROFILE_ADDRESS, a, "a tunnel has 64 at most");
		else if (!import_add_address(w->im, &seen, &a->prefix.addr))
			keep_prefix(w, end, PROFILE_ADDRESS, a, "it is given twice");
		else
			list.v[list.n++] = a->prefix;
	}
	print_prefixes(&w->p, "addresses", &list);
}

void import_write_tunnel(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);

	if (end->overlaps && p->has_listen_port)
		import_warn(end, (struct profile_place){0},
			    "networks of its peers overlap, which a tenant's may not: it becomes a "
			    "host");
	print_open(&w->p, end->name);
	print_comment(&w->p, "from %s", end->file->path);
	print_private_key(w, end);
	if (p->has_listen_port && p->listen_port)
		print_number(&w->p, "listen_port", p->listen_port);
	print_tunnel_addresses(w, end);
	if (p->has_mtu && p->mtu < MTU_LEAST)
		keep_number(w, end, PROFILE_MTU, "", p->mtu, "it is 496 at least");
	else if (p->has_mtu)
		print_number(&w->p, "mtu", p->mtu);
	if (p->fwmark)
		print_number(&w->p, "fwmark", p->fwmark);
	keep_dns(w, end, "a host has no name servers");
	keep_common(w, end);
	print_peers(w, end);
	print_close(&w->p);
}

/* --- a tenant --------------------------------------------------------------------------------------- */

static bool has_address(const struct import_addresses *list, const struct ip_addr *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_addr_cmp(&list->v[i], a) == 0)
			return true;
	return false;
}

/* those of the profile that the gateway has, each once; the others are kept */
static void find_inside(struct import_writer *w, const struct import_end *end,
			struct import_addresses *ret)
{
	const struct profile *p = import_profile(end);

	*ret = (struct import_addresses){.n = 0};
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct ip_addr *a = &p->addresses[i].prefix.addr;

		if (has_address(&w->im->hosts[end->host].inside, a))
			import_add_address(w->im, ret, a);
		else
			keep_prefix(w, end, PROFILE_ADDRESS, &p->addresses[i],
				    "the gateway cannot have it");
	}
}

/* the profile's own addresses are on the gateway, behind the bridge */
static void print_tenant_routes(struct import_writer *w, const struct import_end *end)
{
	const struct import_nets *in = &w->im->service;
	struct import_addresses inside;

	find_inside(w, end, &inside);
	if (!inside.n)
		return;
	print_open(&w->p, "routes");
	w->p.depth++;
	for (size_t i = 0; i < inside.n; i++) {
		const struct ip_addr *a = &inside.v[i];
		struct ip_addr via = import_nth(a->family == AF_INET ? &in->v4 : &in->v6, 1);
		struct ip_prefix to = {.addr = *a, .len = (uint8_t)ip_addr_bits(a)};
		char text[IP_PREFIX_STRLEN];

		w->p.item = true;
		print_text(&w->p, "to", ip_prefix_format(&to, text));
		print_address(&w->p, "via", &via);
	}
	w->p.depth--;
	print_close(&w->p);
}

static void print_tenant_dns(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);
	char text[INET6_ADDRSTRLEN];

	if (!p->n_dns)
		return;
	print_indent(&w->p);
	fputs("dns: [", w->p.out);
	for (size_t i = 0; i < p->n_dns; i++)
		fprintf(w->p.out, "%s\"%s\"", i ? ", " : "", ip_addr_format(&p->dns[i], text));
	fputs("]\n", w->p.out);
}

static void print_napt_addresses(struct import_writer *w, const struct import_end *end)
{
	const struct import_nets *in = &w->im->service;
	struct ip_prefix v[2] = {in->v4, in->v6};
	const struct prefix_list list = {.v = v, .n = in->has_v6 ? 2 : 1};

	/* the first address is the gateway's */
	for (size_t i = 0; i < list.n; i++)
		v[i].addr = import_nth(&v[i], end->number + 2);
	print_prefixes(&w->p, "napt_addresses", &list);
}

void import_write_tenant(struct import_writer *w, const struct import_end *end)
{
	const struct profile *p = import_profile(end);
	uint32_t mtu = w->im->hosts[end->host].mtu;

	print_open(&w->p, end->name);
	print_comment(&w->p, "from %s", end->file->path);
	print_private_key(w, end);
	print_number(&w->p, "listen_port", p->listen_port);
	print_napt_addresses(w, end);
	print_tenant_routes(w, end);
	print_tenant_dns(w, end);
	if (p->has_mtu && p->mtu != mtu)
		keep_number(w, end, PROFILE_MTU, "", p->mtu,
			    p->mtu < MTU_LEAST ? "it is 496 at least"
					       : "all tenants of a gateway have one");
	if (p->fwmark)
		keep_number(w, end, PROFILE_FWMARK, "", p->fwmark, "a tenant has none");
	keep_common(w, end);
	print_peers(w, end);
	print_close(&w->p);
}
