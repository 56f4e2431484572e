/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wg/profile.h"

#include <assert.h>
#include <inttypes.h>

#include "base/cleanup.h"

/* the most that a file can make of 2 MB of "[Peer]", with room to spare */
#define ARENA_MAX ((size_t)40 * 1024 * 1024)

static const char *const key_names[] = {
	[PROFILE_PRIVATE_KEY] = "PrivateKey",
	[PROFILE_LISTEN_PORT] = "ListenPort",
	[PROFILE_FWMARK] = "FwMark",
	[PROFILE_ADDRESS] = "Address",
	[PROFILE_DNS] = "DNS",
	[PROFILE_MTU] = "MTU",
	[PROFILE_TABLE] = "Table",
	[PROFILE_PRE_UP] = "PreUp",
	[PROFILE_POST_UP] = "PostUp",
	[PROFILE_PRE_DOWN] = "PreDown",
	[PROFILE_POST_DOWN] = "PostDown",
	[PROFILE_SAVE_CONFIG] = "SaveConfig",
	[PROFILE_PUBLIC_KEY] = "PublicKey",
	[PROFILE_PRESHARED_KEY] = "PresharedKey",
	[PROFILE_ENDPOINT] = "Endpoint",
	[PROFILE_ALLOWED_IPS] = "AllowedIPs",
	[PROFILE_KEEPALIVE] = "PersistentKeepalive",
};
static_assert(ARRAY_SIZE(key_names) == PROFILE_KEYS, "every key has a name");

const char *profile_key_name(enum profile_key key)
{
	return key_names[key];
}

struct profile *profile_new(void)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct profile *p = a ? arena_alloc(a, sizeof(*p)) : NULL;

	if (p)
		p->arena = a;
	else
		arena_free(a);
	return p;
}

void profile_free(struct profile *p)
{
	if (p)
		arena_free(p->arena);
}

/* --- writing ---------------------------------------------------------------------------- */

static void write_name(FILE *out, enum profile_key key)
{
	fprintf(out, "%s = ", key_names[key]);
}

static void write_key(FILE *out, enum profile_key key, const uint8_t value[static WG_KEY_LEN])
{
	char text[WG_KEY_BASE64_LEN];

	write_name(out, key);
	fprintf(out, "%s\n", wg_key_format(value, text));
}

/* 0 is written as a word */
static void write_number(FILE *out, enum profile_key key, uint32_t value, bool hex)
{
	write_name(out, key);
	if (!value)
		fputs("off\n", out);
	else
		fprintf(out, hex ? "0x%" PRIx32 "\n" : "%" PRIu32 "\n", value);
}

static bool write_prefixes(FILE *out, enum profile_key key, const struct profile_prefix *v,
			   size_t n)
{
	char text[IP_PREFIX_STRLEN];

	if (!n)
		return false;
	write_name(out, key);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : "", ip_prefix_format(&v[i].prefix, text));
	fputc('\n', out);
	return true;
}

static bool write_dns(const struct profile *p, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	if (!p->n_dns && !p->dns_search.n)
		return false;
	write_name(out, PROFILE_DNS);
	for (size_t i = 0; i < p->n_dns; i++)
		fprintf(out, "%s%s", i ? ", " : "", ip_addr_format(&p->dns[i], text));
	for (size_t i = 0; i < p->dns_search.n; i++)
		fprintf(out, "%s%s", i || p->n_dns ? ", " : "", p->dns_search.v[i].text);
	fputc('\n', out);
	return true;
}

static bool write_table(const struct profile *p, FILE *out)
{
	if (p->table == PROFILE_TABLE_AUTO)
		return false;
	write_number(out, PROFILE_TABLE, p->table == PROFILE_TABLE_OFF ? 0 : p->table_number,
		     false);
	return true;
}

static bool write_commands(const struct profile *p, FILE *out, enum profile_key key)
{
	const struct profile_texts *list = &p->commands[key - PROFILE_PRE_UP];

	for (size_t i = 0; i < list->n; i++) {
		write_name(out, key);
		fprintf(out, "%s\n", list->v[i].text);
	}
	return list->n;
}

static bool write_endpoint(const struct profile_peer *peer, FILE *out)
{
	char text[IP_ENDPOINT_STRLEN];

	if (!peer->has_endpoint)
		return false;
	write_name(out, PROFILE_ENDPOINT);
	if (peer->endpoint_name)
		fprintf(out, "%s:%u\n", peer->endpoint_name, peer->endpoint.port);
	else
		fprintf(out, "%s\n", ip_endpoint_format(&peer->endpoint, text));
	return true;
}

/* false: there is nothing to write */
static bool write_of_interface(const struct profile *p, enum profile_key key, FILE *out)
{
	switch (key) {
	case PROFILE_PRIVATE_KEY:
		if (p->has_private_key)
			write_key(out, key, p->private_key);
		return p->has_private_key;
	case PROFILE_LISTEN_PORT:
		if (p->has_listen_port)
			fprintf(out, "ListenPort = %u\n", p->listen_port);
		return p->has_listen_port;
	case PROFILE_FWMARK:
		if (p->has_fwmark)
			write_number(out, key, p->fwmark, true);
		return p->has_fwmark;
	case PROFILE_ADDRESS:
		return write_prefixes(out, key, p->addresses, p->n_addresses);
	case PROFILE_DNS:
		return write_dns(p, out);
	case PROFILE_MTU:
		if (p->has_mtu)
			write_number(out, key, p->mtu, false);
		return p->has_mtu;
	case PROFILE_TABLE:
		return write_table(p, out);
	case PROFILE_SAVE_CONFIG:
		if (p->save_config)
			fputs("SaveConfig = true\n", out);
		return p->save_config;
	default:
		return write_commands(p, out, key);
	}
}

static bool write_of_peer(const struct profile_peer *peer, enum profile_key key, FILE *out)
{
	switch (key) {
	case PROFILE_PUBLIC_KEY:
		if (peer->has_public_key)
			write_key(out, key, peer->public_key);
		return peer->has_public_key;
	case PROFILE_PRESHARED_KEY:
		if (peer->has_preshared_key)
			write_key(out, key, peer->preshared_key);
		return peer->has_preshared_key;
	case PROFILE_ENDPOINT:
		return write_endpoint(peer, out);
	case PROFILE_ALLOWED_IPS:
		return write_prefixes(out, key, peer->allowed_ips, peer->n_allowed_ips);
	default:
		if (peer->has_keepalive)
			write_number(out, key, peer->keepalive, false);
		return peer->has_keepalive;
	}
}

static void write_peer(const struct profile_peer *peer, FILE *out)
{
	fputs("\n[Peer]\n", out);
	if (peer->name)
		fprintf(out, "# %s\n", peer->name);
	for (enum profile_key k = PROFILE_FIRST_OF_PEER; k < PROFILE_KEYS; k++) {
		const char *missing = peer->missing[k - PROFILE_FIRST_OF_PEER];

		if (!write_of_peer(peer, k, out) && missing)
			fprintf(out, "# %s = %s\n", key_names[k], missing);
	}
}

void profile_write(const struct profile *p, FILE *out)
{
	if (p->title)
		fprintf(out, "# %s\n", p->title);
	fputs("[Interface]\n", out);
	for (enum profile_key k = 0; k < PROFILE_INTERFACE_KEYS; k++)
		if (!write_of_interface(p, k, out) && p->missing[k])
			fprintf(out, "# %s = %s\n", key_names[k], p->missing[k]);
	for (size_t i = 0; i < p->n_peers; i++)
		write_peer(&p->peers[i], out);
}
