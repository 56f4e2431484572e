/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else it means that a tenant comes or goes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/tenant.h"

#define OTHERS_SHOWN 5

static void note(const struct tenant_job *job, struct src at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(const struct tenant_job *job, struct src at, const char *fmt, ...)
{
	char file[PATH_MAX];
	va_list ap;

	if (job->c->quiet)
		return;
	fprintf(stderr, "warren: note: ");
	if (at.line)
		fprintf(stderr, "%s:%d:%d: ", tenant_file_name(job, at, file), at.line, at.column);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* --- who refers to it -------------------------------------------------------------------- */

/* the check's target is one of the tenant's addresses, with a port behind it or not */
static bool is_target(const struct check *k, const struct tenant *t)
{
	struct ip_endpoint e;

	if (k->method != CHECK_ICMP && k->method != CHECK_TCP)
		return false;
	if (ip_addr_parse(k->target, &e.addr) < 0 && ip_endpoint_parse(k->target, &e) < 0)
		return false;
	for (size_t i = 0; i < t->napt_addresses.n; i++)
		if (ip_addr_cmp(&t->napt_addresses.v[i].addr, &e.addr) == 0)
			return true;
	return false;
}

static void note_checks(const struct tenant_job *job)
{
	const size_t host = (size_t)(job->host - job->whole.t->hosts);
	const size_t tenant = (size_t)(job->tenant - job->host->gateway->tenants);

	for (size_t i = 0; i < job->whole.t->n_checks; i++) {
		const struct check *k = &job->whole.t->checks[i];

		if (k->from_tenant && k->from_host == host && k->from_tenant_index == tenant)
			note(job, k->src, "check `%s` is made from tenant %s", k->name,
			     job->tenant->name);
		else if (is_target(k, job->tenant))
			note(job, k->src, "check `%s` asks for an address of tenant %s", k->name,
			     job->tenant->name);
	}
}

static void note_peers(const struct tenant_job *job, const struct host *h, const char *name,
		       const struct peer *peers, size_t n)
{
	const size_t host = (size_t)(job->host - job->whole.t->hosts);
	const size_t tenant = (size_t)(job->tenant - job->host->gateway->tenants);

	for (size_t i = 0; i < n; i++)
		if (peers[i].ref == PEER_BY_TENANT && peers[i].ref_host == host &&
		    peers[i].ref_index == tenant)
			note(job, peers[i].src, "tenant %s is a peer of %s/%s", job->tenant->name,
			     h->name, name);
}

void note_references(const struct tenant_job *job)
{
	note_checks(job);
	for (size_t i = 0; i < job->whole.t->n_hosts; i++) {
		const struct host *h = &job->whole.t->hosts[i];
		const struct gateway *g = h->gateway;

		for (size_t k = 0; k < h->n_tunnels; k++)
			note_peers(job, h, h->tunnels[k].ifname.full, h->tunnels[k].peers,
				   h->tunnels[k].n_peers);
		for (size_t k = 0; g && k < g->n_tenants; k++)
			note_peers(job, h, g->tenants[k].name, g->tenants[k].peers,
				   g->tenants[k].n_peers);
	}
}

/* --- who is moved by it ----------------------------------------------------------------------- */

static bool same_addresses(const struct prefix_list *a, const struct prefix_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = ip_addr_cmp(&a->v[i].addr, &b->v[i].addr) == 0;
	return same;
}

static void note_moved(const struct tenant_job *job, const struct tenant *was,
		       const struct tenant *is)
{
	char a[IP_PREFIX_STRLEN], b[IP_PREFIX_STRLEN], port[64] = "", address[160] = "";

	if (was->listen_port != is->listen_port)
		snprintf(port, sizeof(port), ", listen_port %u becomes %u", was->listen_port,
			 is->listen_port);
	if (!same_addresses(&was->napt_addresses, &is->napt_addresses))
		snprintf(address, sizeof(address), ", NAPT address %s becomes %s",
			 ip_prefix_format(&was->napt_addresses.v[0], a),
			 ip_prefix_format(&is->napt_addresses.v[0], b));
	note(job, was->src, "tenant %s takes from the pool%s%s", was->name, port, address);
}

/* the tenant of @is that is called as @t, near *@at: the two differ by one that came or went */
static const struct tenant *same_name(const struct gateway *is, size_t *at, const struct tenant *t)
{
	for (size_t k = *at; k < is->n_tenants && k < *at + 2; k++) {
		if (strcmp(is->tenants[k].name, t->name) != 0)
			continue;
		*at = k + 1;
		return &is->tenants[k];
	}
	return NULL;
}

static size_t note_gateway(const struct tenant_job *job, const struct gateway *was,
			   const struct gateway *is, size_t said)
{
	size_t at = 0, n = 0;

	for (size_t i = 0; i < was->n_tenants; i++) {
		const struct tenant *a = &was->tenants[i], *b = same_name(is, &at, a);

		if (!b || (a->listen_port == b->listen_port &&
			   same_addresses(&a->napt_addresses, &b->napt_addresses)))
			continue;
		if (said + n++ < OTHERS_SHOWN)
			note_moved(job, a, b);
	}
	return n;
}

size_t note_others(const struct tenant_job *job, const struct topology *after)
{
	size_t n = 0;

	for (size_t i = 0; i < job->whole.t->n_hosts && i < after->n_hosts; i++) {
		const struct gateway *was = job->whole.t->hosts[i].gateway,
				     *is = after->hosts[i].gateway;

		if (was && is)
			n += note_gateway(job, was, is, n);
	}
	if (n > OTHERS_SHOWN)
		note(job, (struct src){.line = 0}, "and so do %zu more", n - OTHERS_SHOWN);
	if (n)
		note(job, (struct src){.line = 0},
		     "give them `listen_port` and `napt_addresses` to keep what they have");
	return n;
}
