/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names for what profiles become, and networks that none of them uses */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "lab/import_build.h"
#include "lab/names.h"

#define ENDING ".conf"

/* --- names ------------------------------------------------------------------------------- */

/* the last part of a path without its ending; *@ret_len: its length */
static const char *base_of(const char *path, size_t *ret_len)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t len = strlen(base), ending = strlen(ENDING);

	*ret_len = len > ending && !strcmp(base + len - ending, ENDING) ? len - ending : len;
	return base;
}

/* the folder that a file is in, without what is above it; "" where the path does not say */
static const char *folder_of(const char *path, size_t *ret_len)
{
	const char *slash = strrchr(path, '/'), *start = slash;

	while (start && start > path && start[-1] != '/')
		start--;
	*ret_len = slash ? (size_t)(slash - start) : 0;
	if (*ret_len && (!strncmp(start, ".", *ret_len) || !strncmp(start, "..", *ret_len)))
		*ret_len = 0;
	return *ret_len ? start : "";
}

/* what name_is_netns() takes: letters, digits and a few signs, one of the first two in front */
static void make_plain(char *s, size_t max)
{
	size_t skip = 0;

	for (char *p = s; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

		if (!letter && !(*p >= '0' && *p <= '9') && !strchr("._-", *p))
			*p = '-';
	}
	while (s[skip] && strchr("._-", s[skip]))
		skip++;
	memmove(s, s + skip, strlen(s + skip) + 1);
	if (strlen(s) > max)
		s[max] = '\0';
}

/* @wanted, or with a number behind it that makes it new */
static const char *new_name(struct import *im, const char *wanted, const char *otherwise)
{
	const char *first = arena_strdup(im->a, *wanted ? wanted : otherwise), *name = first;
	size_t n = 1;
	int added = first ? table_add_str(&im->names, first, n, &n) : -1;

	/* what is kept with a name is the last number that was put behind it */
	while (name && !added) {
		name = arena_printf(im->a, "%.48s-%zu", first, ++n);
		added = name ? table_add_str(&im->names, name, 1, NULL) : -1;
		if (added > 0)
			added = table_set(&im->names, first, strlen(first), n) < 0 ? -1 : 1;
	}
	im->no_memory |= added < 0;
	return name;
}

/* as wg-quick: the interface is called what the file is, if that is possible */
static const char *interface_name(struct import *im, const char *base, size_t len)
{
	char *name = arena_strndup(im->a, base, len);

	im->no_memory |= !name;
	if (!name)
		return "";
	make_plain(name, IF_NAME_MAX);
	return name_is_interface(name) ? name : "wg0";
}

static void name_end(struct import *im, struct import_end *end, bool is_alone)
{
	const char *path = end->file->path, *base, *folder;
	char wanted[2 * NETNS_NAME_MAX];
	size_t len, folder_len;
	const char *name;

	base = base_of(path, &len);
	folder = folder_of(path, &folder_len);
	folder_len = is_alone ? 0 : folder_len < 40 ? folder_len : 40;
	snprintf(wanted, sizeof(wanted), "%.*s%s%.*s", (int)folder_len, folder,
		 folder_len ? "-" : "", (int)len, base);
	make_plain(wanted, NETNS_NAME_MAX);
	name = new_name(im, wanted, end->is_tenant ? "tenant" : "host");
	if (end->is_tenant) {
		end->name = name;
		return;
	}
	im->hosts[end->host].name = name;
	end->name = interface_name(im, base, len);
}

/* how many files have one base */
static void count_bases(struct import *im, struct table *counts)
{
	for (size_t i = 0; i < im->n_ends; i++) {
		size_t len, n = 0;
		const char *base = base_of(im->ends[i].file->path, &len);

		table_get(counts, base, len, &n);
		im->no_memory |= table_set(counts, base, len, n + 1) < 0;
	}
}

void import_name(struct import *im)
{
	struct table counts _cleanup_table_ = TABLE_INIT;

	/* the namespace of the segment */
	new_name(im, arena_printf(im->a, "%s-networks", im->o->name) ?: "", "networks");
	for (size_t i = 0; i < im->n_gateways && !im->no_memory; i++)
		im->hosts[i].name = new_name(im, "gateway", "");
	count_bases(im, &counts);
	for (size_t i = 0; i < im->n_ends && !im->no_memory; i++) {
		size_t len, n = 0;
		const char *base = base_of(im->ends[i].file->path, &len);

		table_get(&counts, base, len, &n);
		name_end(im, &im->ends[i], n == 1);
	}
}

/* --- addresses ------------------------------------------------------------------------------- */

bool import_is_unicast(const struct ip_addr *a)
{
	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224 &&
		       !(a->bytes[0] == 169 && a->bytes[1] == 254);
	return a->family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&a->v6) &&
	       !IN6_IS_ADDR_LOOPBACK(&a->v6) && !IN6_IS_ADDR_MULTICAST(&a->v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(&a->v6) && !IN6_IS_ADDR_V4MAPPED(&a->v6) &&
	       !IN6_IS_ADDR_V4COMPAT(&a->v6);
}

bool import_add_address(struct import *im, struct import_addresses *list, const struct ip_addr *a)
{
	struct ip_addr *v;

	for (size_t i = 0; i < list->n; i++)
		if (ip_addr_cmp(&list->v[i], a) == 0)
			return false;
	v = import_grow(im, list->v, list->n, sizeof(*v));
	if (!v)
		return false;
	list->v = v;
	v[list->n++] = *a;
	return true;
}

struct ip_addr import_nth(const struct ip_prefix *p, uint64_t n)
{
	struct ip_addr a = p->addr;

	(void)ip_addr_add(&p->addr, n, &a); /* the prefixes are larger than what is counted */
	return a;
}

/* --- networks --------------------------------------------------------------------------------- */

/* RFC 6598, RFC 2544, RFC 1918; RFC 4193 */
static const char *const candidates_v4[] = {"100.64.0.0/16", "198.18.0.0/16", "198.19.0.0/16",
					    "172.29.0.0/16", "10.213.0.0/16", "100.127.0.0/16"};
static const char *const candidates_v6[] = {"fd77:6172:7265:6e01::/64", "fd77:6172:7265:6e02::/64",
					    "fd77:6172:7265:6e03::/64", "fd77:6172:7265:6e04::/64"};

struct search {
	const struct ip_prefix *candidate;
	bool taken;
};

/* "everything", in one or a few parts, is where one's own networks are excepted from */
static void look_at(struct search *s, const struct ip_prefix *p)
{
	if (p->len >= (p->addr.family == AF_INET ? 8 : 16))
		s->taken |= ip_prefix_overlap(s->candidate, p);
}

static void look_at_address(struct search *s, const struct ip_addr *a)
{
	s->taken |= ip_prefix_contains(s->candidate, a);
}

static void look_through(struct search *s, const struct profile *p)
{
	for (size_t i = 0; i < p->n_addresses; i++)
		look_at(s, &p->addresses[i].prefix);
	for (size_t i = 0; i < p->n_dns; i++)
		look_at_address(s, &p->dns[i]);
	for (size_t i = 0; i < p->n_peers; i++) {
		const struct profile_peer *peer = &p->peers[i];

		if (peer->has_endpoint)
			look_at_address(s, &peer->endpoint.addr);
		for (size_t k = 0; k < peer->n_allowed_ips; k++)
			look_at(s, &peer->allowed_ips[k].prefix);
	}
}

/* the first of @list that no file uses, @other neither; if there is none, the first but @other */
static struct ip_prefix find_free(const struct import *im, const char *const *list, size_t n,
				  const struct ip_prefix *other)
{
	struct ip_prefix p = {.len = 0}, first = {.len = 0};

	for (size_t i = 0; i < n; i++) {
		struct search s = {.candidate = &p};

		(void)ip_prefix_parse(list[i], &p);
		if (other && !ip_addr_cmp(&p.addr, &other->addr))
			continue;
		for (size_t k = 0; k < im->n_ends && !s.taken; k++)
			look_through(&s, import_profile(&im->ends[k]));
		if (!s.taken)
			return p;
		if (!first.len)
			first = p;
	}
	return first;
}

static bool has_v6(const struct import_end *end)
{
	const struct profile *p = import_profile(end);

	for (size_t i = 0; i < p->n_addresses; i++)
		if (p->addresses[i].prefix.addr.family == AF_INET6)
			return true;
	for (size_t i = 0; i < p->n_peers; i++)
		for (size_t k = 0; k < end->peers[i].allowed.n; k++)
			if (end->peers[i].allowed.v[k].addr.family == AF_INET6)
				return true;
	return false;
}

void import_find_nets(struct import *im)
{
	struct import_nets *in = &im->service, *out = &im->underlay;

	for (size_t i = 0; i < im->n_ends; i++)
		in->has_v6 |= im->ends[i].is_tenant && has_v6(&im->ends[i]);
	in->v4 = find_free(im, candidates_v4, ARRAY_SIZE(candidates_v4), NULL);
	in->v6 = find_free(im, candidates_v6, ARRAY_SIZE(candidates_v6), NULL);
	out->v4 = find_free(im, candidates_v4, ARRAY_SIZE(candidates_v4), &in->v4);
	out->v6 = find_free(im, candidates_v6, ARRAY_SIZE(candidates_v6), &in->v6);
}
