/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct leases {
	struct arena *arena;
	struct table by_name; /* "HOST TENANT" */
	struct lease *v;
	size_t n;
};

static void take_addresses(struct lease *l, char *list)
{
	char *rest = list, *one;

	while ((one = strsep(&rest, ","))) {
		struct ip_addr a;

		if (ip_addr_parse(one, &a) == 0)
			l->addresses[a.family == AF_INET6] = a;
	}
}

/* -ENOMEM is all that can go wrong */
static bool read_line(struct leases *l, char *line)
{
	char *fields[4], *rest = line, *key;
	struct lease *grown;
	size_t n = 0;

	while (n < 4 && (fields[n] = strsep(&rest, " ")))
		n++;
	if (n < 4)
		return true;
	key = arena_printf(l->arena, "%s %s", fields[0], fields[1]);
	grown = arena_grow(l->arena, l->v, l->n, sizeof(*grown));
	if (!key || !grown)
		return false;
	l->v = grown;
	grown[l->n] = (struct lease){.port = (uint16_t)strtoul(fields[2], NULL, 10)};
	take_addresses(&grown[l->n], fields[3]);
	return table_add_str(&l->by_name, key, l->n++, NULL) >= 0;
}

struct leases *leases_read(const char *text)
{
	struct leases *l = calloc(1, sizeof(*l));
	char *copy, *line;

	if (!l)
		return NULL;
	l->arena = arena_new(0);
	copy = l->arena ? arena_strdup(l->arena, text) : NULL;
	if (!copy) {
		leases_free(l);
		return NULL;
	}
	while ((line = strsep(&copy, "\n"))) {
		if (read_line(l, line))
			continue;
		leases_free(l);
		return NULL;
	}
	return l;
}

void leases_free(struct leases *l)
{
	if (!l)
		return;
	table_free(&l->by_name);
	arena_free(l->arena);
	free(l);
}

const struct lease *leases_find(const struct leases *l, const char *host, const char *tenant)
{
	char key[2 * NETNS_NAME_MAX + 2];
	size_t i;

	if (!l)
		return NULL;
	snprintf(key, sizeof(key), "%s %s", host, tenant);
	return table_get_str(&l->by_name, key, &i) ? &l->v[i] : NULL;
}

static void write_one(const struct host *h, const struct tenant *t, FILE *f)
{
	char address[INET6_ADDRSTRLEN];

	if (!t->leased_port && !t->leased_addresses)
		return;
	fprintf(f, "%s %s ", h->name, t->name);
	if (t->leased_port)
		fprintf(f, "%u ", t->listen_port);
	else
		fputs("- ", f);
	for (size_t i = 0; t->leased_addresses && i < t->napt_addresses.n; i++)
		fprintf(f, "%s%s", i ? "," : "",
			ip_addr_format(&t->napt_addresses.v[i].addr, address));
	fputs(t->leased_addresses ? "\n" : "-\n", f);
}

char *leases_write(const struct topology *t)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t h = 0; h < t->n_hosts; h++) {
		const struct gateway *g = t->hosts[h].gateway;

		for (size_t i = 0; g && i < g->n_tenants; i++)
			write_one(&t->hosts[h], &g->tenants[i], f);
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

bool topology_has_leases(const struct topology *t)
{
	for (size_t h = 0; h < t->n_hosts; h++) {
		const struct gateway *g = t->hosts[h].gateway;

		for (size_t i = 0; g && i < g->n_tenants; i++)
			if (g->tenants[i].leased_port || g->tenants[i].leased_addresses)
				return true;
	}
	return false;
}
